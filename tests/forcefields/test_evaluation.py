from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

from chemscale.forcefields.batches import collate
from chemscale.forcefields.evaluation import judge
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.output import AtomwiseOutput

Make = Callable[..., Any]


class Springs(nn.Module):
    """Every atom on a spring at the origin: forces are -x."""

    def forward(self, graph: AtomGraph, positions: Tensor) -> AtomwiseOutput:
        return AtomwiseOutput(0.5 * positions.square().sum(1))


def test_errors_are_those_done_by_hand(molecules: Any, make_frames: Make, make_pairs: Make) -> None:
    wrong_by = 0.25
    forces = [-positions + wrong_by for _, positions in molecules]
    forces[2][0, 1] = np.nan
    n_atoms = np.array([len(numbers) for numbers, _ in molecules])
    energies = [0.5 * (positions**2).sum() + 0.01 * len(positions) for _, positions in molecules]
    energies[1] = np.nan
    frames, pairs = make_frames(molecules, energies, forces), make_pairs(molecules, 3.0)
    model = ForceField(Springs(), [1, 6, 8], 3.0)
    found = judge(model, [collate(frames, pairs, np.array([0, 1])), collate(frames, pairs, np.array([2, 3]))])
    assert found["force_mae"] == pytest.approx(250, rel=1e-5)
    assert found["force_rmse"] == pytest.approx(250, rel=1e-5)
    assert found["energy_mae"] == pytest.approx(10, rel=1e-3)
    assert found["energy_drift"] == pytest.approx(-10, rel=1e-3)
    assert n_atoms.std() > 0


def test_molecules_of_one_size_have_no_drift_to_tell(make_molecules: Make, make_frames: Make, make_pairs: Make) -> None:
    molecules = make_molecules([4, 4])
    frames = make_frames(molecules, [1.0, 2.0])
    found = judge(ForceField(Springs(), [1, 6, 8], 3.0), [collate(frames, make_pairs(molecules, 3.0), np.arange(2))])
    assert np.isnan(found["energy_drift"]) and np.isfinite(found["energy_mae"])


def test_a_prediction_of_nan_is_not_left_out(make_molecules: Make, make_frames: Make, make_pairs: Make) -> None:
    molecules = make_molecules([4, 5])
    frames = make_frames(molecules, [1.0, 2.0])
    model = ForceField(Springs(), [1, 6, 8], 3.0)
    model.scale.fill_(float("nan"))
    found = judge(model, [collate(frames, make_pairs(molecules, 3.0), np.arange(2))])
    assert np.isnan(found["force_mae"]) and np.isnan(found["energy_mae"])
