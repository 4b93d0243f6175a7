"""Constants of the physical energies, as in SpookyNet's public code, and the softplus that keeps some positive."""

import math

BOHR = 0.5291772105638411  # angstrom
HARTREE = 27.211386024367243  # eV
COULOMB = 14.399645351950548  # eV angstrom: e^2 / (4 pi epsilon_0)


def softplus_inverse(value: float) -> float:
    """x with ln(1 + e^x) = value, for a positive value."""
    return value + math.log(-math.expm1(-value))
