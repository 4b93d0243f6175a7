"""Periodic cells: which directions repeat, and which boxes are only the vacuum around a molecule."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

LONGEST_CUTOFF = 20.0


def complete_cell(cell: npt.NDArray[np.float64], periodic: Sequence[bool]) -> npt.NDArray[np.float64]:
    """The cell [3, 3] with unit vectors, orthogonal to the rest, in the directions that do not repeat."""
    full = np.array(cell, dtype=np.float64)
    repeats = np.asarray(periodic, dtype=bool)
    free = np.flatnonzero(~repeats)
    if len(free):
        # the rows of vt past the rank of the repeating vectors span what is orthogonal to them
        _, _, vt = np.linalg.svd(full[repeats].reshape(-1, 3), full_matrices=True)
        full[free] = vt[3 - len(free) :]
    return full


def repeating_directions(
    positions: npt.NDArray[np.floating], cell: npt.NDArray[np.float64], periodic: Sequence[bool]
) -> tuple[bool, bool, bool]:
    """Directions in which images matter: those whose gap between images is below the longest cutoff, 20 angstrom.

    A molecule in a large box, as plane-wave programs and file formats write it, is a molecule.
    """
    full = complete_cell(cell, periodic)
    # rows of the inverse's transpose are the planes' normals over the heights between them
    normals = np.linalg.inv(full).T
    fractional = positions @ normals.T
    extent = np.ptp(fractional, axis=0) if len(positions) else np.zeros(3)
    gaps = (1.0 - extent) / np.linalg.norm(normals, axis=1)
    first, second, third = (bool(along and gap < LONGEST_CUTOFF) for along, gap in zip(periodic, gaps, strict=True))
    return first, second, third
