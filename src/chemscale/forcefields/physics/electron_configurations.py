"""Ground-state electron configurations of the atoms, as the descriptors that SpookyNet starts from.

Subshells are filled in Madelung's order; thirteen elements up to radon do otherwise (NIST Atomic Spectra Database).
Valence electrons are those beyond the noble gas before the element.
"""

import numpy as np
import numpy.typing as npt

LAST_ELEMENT = 86
ORDER = ("1s", "2s", "2p", "3s", "3p", "4s", "3d", "4p", "5s", "4d", "5p", "6s", "4f", "5d", "6p")
ROOM = {"s": 2, "p": 6, "d": 10, "f": 14}
NOBLE_GASES = (2, 10, 18, 36, 54, 86)
EXCEPTIONS = {
    24: {"4s": 1, "3d": 5},
    29: {"4s": 1, "3d": 10},
    41: {"5s": 1, "4d": 4},
    42: {"5s": 1, "4d": 5},
    44: {"5s": 1, "4d": 7},
    45: {"5s": 1, "4d": 8},
    46: {"5s": 0, "4d": 10},
    47: {"5s": 1, "4d": 10},
    57: {"4f": 0, "5d": 1},
    58: {"4f": 1, "5d": 1},
    64: {"4f": 7, "5d": 1},
    78: {"6s": 1, "5d": 9},
    79: {"6s": 1, "5d": 10},
}
N_DESCRIPTORS = 1 + len(ORDER) + len(ROOM)


def electron_configuration(atomic_number: int) -> dict[str, int]:
    """Electrons in every subshell of a neutral atom, atomic numbers 0 (none) to 86."""
    left = atomic_number
    occupied = {}
    for subshell in ORDER:
        occupied[subshell] = min(left, ROOM[subshell[-1]])
        left -= occupied[subshell]
    return occupied | EXCEPTIONS.get(atomic_number, {})


def descriptors() -> npt.NDArray[np.float64]:
    """Atomic number, electrons by subshell, valence electrons by s, p, d, f; each relative to its largest value.

    Rows are atomic numbers: [LAST_ELEMENT + 1, N_DESCRIPTORS]. Row 0 is zero.
    """
    counts = np.array([_counts(number) for number in range(LAST_ELEMENT + 1)], dtype=np.float64)
    return counts / counts.max(axis=0)


def _counts(atomic_number: int) -> list[int]:
    occupied = electron_configuration(atomic_number)
    core = electron_configuration(max([gas for gas in NOBLE_GASES if gas < atomic_number], default=0))
    outside = {subshell: occupied[subshell] - core[subshell] for subshell in ORDER}
    valence = [sum(count for subshell, count in outside.items() if subshell[-1] == kind) for kind in ROOM]
    return [atomic_number, *occupied.values(), *valence]
