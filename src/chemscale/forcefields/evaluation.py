"""How good a force field is on frames it was not trained on."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from chemscale.forcefields.batches import FrameBatch
from chemscale.forcefields.force_field import ForceField

MILLI = 1000.0
JUDGED = {
    "force_mae": "meV/Å",
    "force_rmse": "meV/Å",
    "energy_mae": "meV/atom",
    "energy_rmse": "meV/atom",
    "energy_drift": "meV/atom",
}
# Metric -> unit. Those of frames whose molecules were trained on are there where the validation set holds others.
METRICS: Mapping[str, str] = JUDGED | {f"seen_{name}": unit for name, unit in JUDGED.items()}


class Errors(NamedTuple):
    """Predicted minus known.

    Attributes:
        forces: of the known components, in eV/angstrom [n_components].
        energies: of the frames with a known energy, in eV [n_frames].
        n_atoms: of these frames [n_frames].
    """

    forces: npt.NDArray[np.float64]
    energies: npt.NDArray[np.float64]
    n_atoms: npt.NDArray[np.int64]


def errors_of(model: ForceField, batches: Iterable[FrameBatch]) -> Errors:
    """The errors of a force field on some frames where they have labels; a prediction of NaN is an error."""
    forces, energies, counts = [], [], []
    for batch in batches:
        moved = batch.to(model.scale.device)
        predicted = model.predict(moved.graph, moved.positions)
        known = torch.isfinite(moved.forces)
        forces.append((predicted.forces - moved.forces)[known].double().cpu().numpy())
        known = torch.isfinite(moved.energies)
        energies.append((predicted.energies - moved.energies)[known].cpu().numpy())
        offsets = moved.graph.frames.offsets
        counts.append((offsets[1:] - offsets[:-1])[known].cpu().numpy())
    return Errors(np.concatenate(forces), np.concatenate(energies), np.concatenate(counts))


def judge(model: ForceField, batches: Iterable[FrameBatch]) -> dict[str, float]:
    """Errors in the units that the field uses.

    force_mae, force_rmse    over force components, in meV/angstrom
    energy_mae, energy_rmse  over frames, per atom, in meV
    energy_drift             how the signed error of a frame's energy grows with its atoms, in meV per atom: the slope
                             of a straight line; 0 for a model whose energies are extensive like the true ones
    """
    errors = errors_of(model, batches)
    per_atom = errors.energies / errors.n_atoms
    return {
        "force_mae": MILLI * _mean(np.abs(errors.forces)),
        "force_rmse": MILLI * _mean(errors.forces**2) ** 0.5,
        "energy_mae": MILLI * _mean(np.abs(per_atom)),
        "energy_rmse": MILLI * _mean(per_atom**2) ** 0.5,
        "energy_drift": MILLI * _slope(errors.n_atoms.astype(float), errors.energies),
    }


def _mean(values: npt.NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _slope(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Least squares slope; NaN where all x are the same."""
    centred = x - x.mean() if len(x) else x
    return float(centred @ y / (centred @ centred)) if np.any(centred) else float("nan")
