"""What makes a frame unusable: found at the border, counted, and written to the rejects."""

import math

import numpy as np
import numpy.typing as npt
import vesin
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist

from chemscale.forcefields.frame import MAX_ATOMIC_NUMBER, Frame
from chemscale.forcefields.periodicity import complete_cell, repeating_directions

CLOSEST = 0.3
_FEW_ATOMS = 500


def fault_of(frame: Frame) -> str | None:
    """Why a frame cannot be used; None where it can.

    Frames without atoms, with shapes that do not fit, positions that are no numbers, an atomic number that is no
    element's, a flat cell, two atoms closer than 0.3 angstrom (at the same place), or no label at all cannot.
    """
    numbers, positions = frame.atomic_numbers, frame.positions
    if frame.n_atoms == 0:
        return "no atoms"
    if positions.shape != (frame.n_atoms, 3):
        return f"positions of shape {positions.shape} for {frame.n_atoms} atoms"
    if frame.forces is not None and frame.forces.shape != positions.shape:
        return f"forces of shape {frame.forces.shape} for {frame.n_atoms} atoms"
    if not np.isfinite(positions).all():
        return "a position is not a number"
    low, high = int(numbers.min()), int(numbers.max())
    if low < 1 or high > MAX_ATOMIC_NUMBER:
        return f"unknown element: atomic number {low if low < 1 else high}"
    if abs(frame.charge) > np.iinfo(np.int16).max or not 0 <= frame.unpaired <= np.iinfo(np.int16).max:
        return f"charge {frame.charge} with {frame.unpaired} unpaired electrons"
    unlabelled = not math.isfinite(frame.energy) and (frame.forces is None or not np.isfinite(frame.forces).any())
    return _cell_fault(frame) or _overlap(frame) or ("no energy and no force" if unlabelled else None)


def _cell_fault(frame: Frame) -> str | None:
    if frame.cell is None or not any(frame.periodic):
        return None
    if not np.isfinite(frame.cell).all():
        return "the cell is not a number"
    lengths = np.linalg.norm(frame.cell[np.array(frame.periodic)], axis=1)
    volume = abs(np.linalg.det(complete_cell(frame.cell, frame.periodic)))
    flat = lengths.min() < CLOSEST or volume < 1e-3 * np.prod(lengths)
    return "the cell is flat" if flat else None


def _overlap(frame: Frame) -> str | None:
    closest = _closest_distance(frame)
    return f"two atoms at the same place ({closest:.3f} angstrom apart)" if closest < CLOSEST else None


def _closest_distance(frame: Frame) -> float:
    positions = np.asarray(frame.positions, dtype=np.float64)
    if frame.cell is not None and any(repeating_directions(positions, frame.cell, frame.periodic)):
        cell = complete_cell(frame.cell, frame.periodic)
        search = vesin.NeighborList(cutoff=CLOSEST, full_list=False)
        (distances,) = search.compute(positions, cell, np.array(frame.periodic), "d")
        return float(distances.min(initial=np.inf))
    if len(positions) < 2:
        return float("inf")
    if len(positions) <= _FEW_ATOMS:
        return float(pdist(positions).min())
    nearest: npt.NDArray[np.float64] = cKDTree(positions).query(positions, k=2)[0][:, 1]
    return float(nearest.min())
