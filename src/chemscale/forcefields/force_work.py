"""Energy changes between near geometries of one molecule, beside the work that the forces do on the way.

    E_b - E_a  =  slope * w,      w = -1/2 (F_a + R F_b) . (R x_b - x_a)        slope = 1 where the labels agree

The trapezoidal rule is exact where the energy is quadratic, so geometries may be as far apart as in the shuffled frames
of a trajectory. R turns b onto a (Kabsch 1976, 10.1107/S0567739476001873): trajectories tumble. What is left is of
third order: about ERROR * step * |change of the force along the way|; pairs where that is small beside w count. The
choice does not see the energies, and neither the unit of the forces nor their sign changes it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chemscale.base.seeds import stream
from chemscale.forcefields.frames import Frames

BLOCKS, BLOCK_FRAMES = 40, 500
MOST_MOLECULES, MOST_GEOMETRIES = 100, 800
MOST_DISTANCES = 2_000
PAIRS_WANTED = 2_000
BEST_PAIRS = 100
SHORTEST_STEP, LONGEST_STEP = 0.004, 0.3
# per angstrom of step, measured on rMD17, 3BPA, amons and others: the relative error is 0.05 to 0.2 times this
ERROR = 0.15
MOST_ERROR = 0.2

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WorkPairs:
    """Near geometries of the same molecule.

    Attributes:
        energy: E_b - E_a in eV [n_pairs].
        work: w in eV [n_pairs].
    """

    energy: Floats
    work: Floats

    def slope(self) -> float:
        """The slope of energy against work through the origin that has the least sum of absolute deviations."""
        return _weighted_median(self.energy / self.work, np.abs(self.work))

    def scatter(self) -> float:
        """The typical relative deviation of a pair from the slope; 0 where all pairs lie on one line."""
        slope = self.slope()
        return _weighted_median(np.abs(self.energy / self.work - slope), np.abs(self.work)) / max(abs(slope), 1e-300)


def work_pairs(frames: Frames) -> WorkPairs:
    """Compare the nearest geometries within a sample of the molecules that have most of them."""
    found = [np.zeros((0, 4))]
    groups = _same_molecules(frames)
    n_each = max(15, PAIRS_WANTED // max(1, len(groups)))
    for group in groups:
        found.append(_compare(frames, group, n_each))
    energy, at_first, at_second, step = np.concatenate(found).T
    work = -(at_first + at_second) / 2
    near = np.isfinite(energy) & np.isfinite(work) & (work != 0) & (step > SHORTEST_STEP) & (step < LONGEST_STEP)
    energy, work, step, change = energy[near], work[near], step[near], (at_first - at_second)[near]
    error = ERROR * step * np.abs(change / work)
    best = np.argsort(error, kind="stable")[: min(BEST_PAIRS, int((error < MOST_ERROR).sum()))]
    return WorkPairs(energy[best], work[best])


def _same_molecules(frames: Frames) -> list[npt.NDArray[np.int64]]:
    """Frame numbers of the molecules with most geometries: the same atoms in the same order, charge, spin and cell."""
    groups: dict[bytes, list[int]] = {}
    for row in _sample(len(frames)):
        atoms = slice(frames.offsets[row], frames.offsets[row + 1])
        if atoms.stop - atoms.start > 1 and np.isfinite(frames.energies[row]):
            cell = b"" if frames.cells is None else frames.cells[row].tobytes()
            state = np.array([frames.charges[row], frames.unpaired[row]]).tobytes()
            groups.setdefault(b"".join((frames.numbers[atoms].tobytes(), state, cell)), []).append(int(row))
    largest = sorted((rows for rows in groups.values() if len(rows) > 1), key=len, reverse=True)[:MOST_MOLECULES]
    random = stream(0, "label check")
    return [
        np.sort(random.choice(rows, MOST_GEOMETRIES, replace=False)) if len(rows) > MOST_GEOMETRIES else np.array(rows)
        for rows in largest
    ]


def _sample(n_frames: int) -> npt.NDArray[np.int64]:
    """All frames, or runs of consecutive ones spread over them: sources often have a molecule's frames together."""
    if n_frames <= BLOCKS * BLOCK_FRAMES:
        return np.arange(n_frames)
    starts = np.linspace(0, n_frames - BLOCK_FRAMES, BLOCKS).astype(np.int64)
    return np.unique(starts[:, None] + np.arange(BLOCK_FRAMES))


def _compare(frames: Frames, rows: npt.NDArray[np.int64], n_wanted: int) -> Floats:
    """Energy change and force along the way at both ends, in eV, and step in angstrom: [nearest pairs, 4]."""
    atoms = frames.offsets[rows][:, None] + np.arange(frames.n_atoms[rows[0]])
    positions = frames.positions[atoms].astype(np.float64)
    forces = frames.forces[atoms].astype(np.float64)
    periodic = frames.cells is not None and bool(frames.cells[rows[0]].any())
    one, other = _nearest(positions, n_wanted)
    step, turned = positions[other] - positions[one], forces[other]
    if not periodic:
        rotation, step = _aligned(positions[one], positions[other])
        turned = forces[other] @ rotation
    energies = frames.energies[rows]
    at_first = np.einsum("pax,pax->p", forces[one], step)
    at_second = np.einsum("pax,pax->p", turned, step)
    length = np.sqrt(np.square(step).sum(axis=2).mean(axis=1))
    return np.stack([energies[other] - energies[one], at_first, at_second, length], axis=1)


def _nearest(positions: Floats, n_wanted: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The pairs of geometries whose interatomic distances differ least: [n_frames, n_atoms, 3] -> two of [n_pairs]."""
    first, second = np.triu_indices(positions.shape[1], 1)
    if len(first) > MOST_DISTANCES:
        chosen = stream(0, "label check distances").choice(len(first), MOST_DISTANCES, replace=False)
        first, second = first[chosen], second[chosen]
    distances = np.linalg.norm(positions[:, first] - positions[:, second], axis=2)
    squares = np.square(distances).sum(axis=1)
    one, other = np.triu_indices(len(positions), 1)
    apart = squares[one] + squares[other] - 2 * (distances @ distances.T)[one, other]
    # steps below the precision of what is stored tell nothing; a distance changes by up to two steps
    apart[apart < len(first) * (2 * SHORTEST_STEP) ** 2] = np.inf
    nearest = np.argsort(apart, kind="stable")[:n_wanted]
    return one[nearest], other[nearest]


def _aligned(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """The rotations [n_pairs, 3, 3] that turn `other` onto `one` (row vectors), and the steps that are left over."""
    one, other = one - one.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    u, _, vt = np.linalg.svd(np.einsum("pax,pay->pxy", other, one))
    u[:, :, 2] *= np.sign(np.linalg.det(u @ vt))[:, None]
    rotation = u @ vt
    return rotation, other @ rotation - one


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    heights = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(heights, heights[-1] / 2)])
