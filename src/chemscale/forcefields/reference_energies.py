"""Reference energies of the elements and the scale of a force field, from frames.

    E_frame ~ sum over elements of n_Z reference(Z)        least squares over frames

Frames of one formula leave the references undetermined; then the shortest solution is taken, which is as good for any
frame of that formula. Per atom, never per molecule.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chemscale.forcefields.batches import FrameBatch
from chemscale.forcefields.force_field import N_ELEMENTS, ForceField
from chemscale.forcefields.frames import Frames

SMALLEST_SCALE = 1e-6


def energy_scale(frames: Frames, indices: npt.NDArray[np.int64]) -> float:
    """The root mean square of the known force components of some frames, in eV/angstrom.

    As the scale of atomic energies (in eV, per angstrom of motion) it makes the network's outputs of order one.
    """
    total, count = 0.0, 0
    for index in indices.tolist():
        forces = np.asarray(frames.forces[frames.offsets[index] : frames.offsets[index + 1]], dtype=np.float64)
        known = forces[np.isfinite(forces)]
        total, count = total + float(known @ known), count + len(known)
    return max((total / count) ** 0.5, SMALLEST_SCALE) if count else 1.0


def fit_references(frames: Frames, indices: npt.NDArray[np.int64]) -> Tensor:
    """Reference energies in eV [N_ELEMENTS], from the frames' energies alone; zero where no energy is known."""
    compositions = np.stack([_composition(frames, index) for index in indices.tolist()])
    return _least_squares(compositions, frames.energies[indices])


def fit_remainder(model: ForceField, frames: Frames, batches: Iterable[FrameBatch]) -> Tensor:
    """What to add to a model's reference energies, in eV [N_ELEMENTS], to fit what its energies leave over."""
    remainders, compositions = [], []
    for batch in batches:
        moved = batch.to(model.scale.device)
        predicted = model.predict(moved.graph, moved.positions)
        remainders.append((moved.energies - predicted.energies).cpu().numpy())
        compositions += [_composition(frames, index) for index in batch.source[2].tolist()]
    return _least_squares(np.stack(compositions), np.concatenate(remainders))


def _composition(frames: Frames, index: int) -> npt.NDArray[np.int64]:
    """How many atoms of every element a frame has [N_ELEMENTS]."""
    numbers = frames.numbers[frames.offsets[index] : frames.offsets[index + 1]]
    return np.bincount(numbers, minlength=N_ELEMENTS)


def _least_squares(compositions: npt.NDArray[np.int64], energies: npt.NDArray[np.float64]) -> Tensor:
    known = np.isfinite(energies)
    references = np.zeros(N_ELEMENTS)
    elements = np.flatnonzero(compositions.sum(0))
    if known.any():
        counts = compositions[known][:, elements].astype(np.float64)
        references[elements] = np.linalg.lstsq(counts, energies[known], rcond=1e-10)[0]
    return torch.from_numpy(references)
