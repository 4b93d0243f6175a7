"""One frame: a molecule at one geometry, with its labels."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ase.data import chemical_symbols

MAX_ATOMIC_NUMBER = 118


@dataclass(frozen=True)
class Frame:
    """A molecule at one geometry, in this project's units.

    Attributes:
        atomic_numbers: [n_atoms], integers.
        positions: in angstrom [n_atoms, 3].
        energy: in eV; NaN where unknown.
        forces: in eV/angstrom [n_atoms, 3], minus the energy's gradient; None where unknown, NaN rows where partly so.
        charge: total charge in e.
        unpaired: unpaired electrons.
        molecule: what identifies the molecule in its source (a SMILES, a name); "" takes the formula.
        cell: lattice vectors as rows, in angstrom [3, 3]; None for a molecule.
        periodic: along which lattice vectors the cell repeats.
    """

    atomic_numbers: npt.NDArray[np.integer[Any]]
    positions: npt.NDArray[np.floating[Any]]
    energy: float = float("nan")
    forces: npt.NDArray[np.floating[Any]] | None = None
    charge: int = 0
    unpaired: int = 0
    molecule: str = ""
    cell: npt.NDArray[np.float64] | None = None
    periodic: tuple[bool, bool, bool] = (False, False, False)

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return len(self.atomic_numbers)


def formula_of(atomic_numbers: npt.NDArray[np.integer[Any]]) -> str:
    """The sum formula in Hill's order: carbon, hydrogen, then by letter; without carbon all by letter."""
    counts = Counter(chemical_symbols[number] for number in atomic_numbers.tolist())
    first = ["C", "H"] if "C" in counts else []
    order = [symbol for symbol in first if symbol in counts] + sorted(set(counts) - set(first))
    return "".join(f"{symbol}{counts[symbol] if counts[symbol] > 1 else ''}" for symbol in order)


def fewest_unpaired(atomic_numbers: npt.NDArray[np.integer[Any]], charge: int) -> int:
    """Unpaired electrons where a source does not tell: 1 for an odd number of electrons, else 0."""
    return (int(np.sum(atomic_numbers, dtype=np.int64)) - charge) % 2


def unpaired_electrons(multiplicity: int, atomic_numbers: npt.NDArray[np.integer[Any]], charge: int) -> int:
    """Unpaired electrons of a spin multiplicity 2S + 1; a value that the number of electrons rules out counts them.

    Some sources store the number of unpaired electrons under the name of the multiplicity: 0 and 2 for a singlet and
    a triplet. Only one of the two meanings fits the parity of the number of electrons.
    """
    odd = fewest_unpaired(atomic_numbers, charge)
    return multiplicity - 1 if multiplicity > 0 and (multiplicity - 1) % 2 == odd else multiplicity
