"""Which frames have which labels."""

import numpy as np
import numpy.typing as npt

from chemscale.forcefields.frames import Frames

COMPONENTS = 3
FRAMES_AT_A_TIME = 50_000


def known_components(frames: Frames) -> npt.NDArray[np.int64]:
    """Known force components of every frame [n_frames]; reads the forces only where some are missing."""
    if frames.record["counts"].get("atoms_without_forces") == 0:
        return COMPONENTS * frames.n_atoms
    known = np.zeros(len(frames), dtype=np.int64)
    for start in range(0, len(frames), FRAMES_AT_A_TIME):
        ends = frames.offsets[start : start + FRAMES_AT_A_TIME + 1]
        per_atom = np.isfinite(frames.forces[ends[0] : ends[-1]]).sum(1)
        totals = np.concatenate([[0], np.cumsum(per_atom)])
        known[start : start + len(ends) - 1] = np.diff(totals[ends - ends[0]])
    return known


def labelled(frames: Frames, indices: npt.NDArray[np.int64], by_forces: bool) -> tuple[npt.NDArray[np.int64], int]:
    """Those of some frames that can be learnt from, and how many labels they have.

    Args:
        frames: all frames.
        indices: some of them [n].
        by_forces: a frame counts by its known force components; else by three times the atoms of a known energy.
    """
    if by_forces:
        counts = known_components(frames)[indices]
    else:
        counts = COMPONENTS * frames.n_atoms[indices] * np.isfinite(frames.energies[indices])
    return indices[counts > 0], int(counts.sum())
