"""Run folders of this program as curves."""

from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import DataError
from chemscale.base.records import CurvePoint, RunFolder
from chemscale.tpe import curve_of_run, read_curves


def make(folder: Path, n_steps: int, points: list[CurvePoint]) -> None:
    run = RunFolder(folder)
    run.write_config({"seed": 3, "training": {"learning_rate": 0.01}})
    run.write_step_losses(np.linspace(4, 2, n_steps))
    run.write_curve(points)


def point(step: int, epoch: float, loss: float) -> CurvePoint:
    return CurvePoint(step, epoch, step * 8, step * 80, loss, loss, 1e-3, 1.0)


def test_steps_and_evaluations_of_a_run_folder(tmp_path: Path) -> None:
    make(tmp_path / "runs" / "one", 10, [point(0, 0.0, 5.0), point(4, 1.0, 3.0), point(10, 2.5, 2.0)])
    (tmp_path / "losses.csv").write_text("model,loss\nx,1\n")
    (curve,) = read_curves(tmp_path)
    assert curve.run == "one" and curve.n_steps == 10 and curve.seen == 2.5
    assert curve.validation_progress.tolist() == [0, 1, 2.5]
    assert curve.settings == {"seed": "3", "training.learning_rate": "0.01"}


def test_a_run_without_an_evaluation_is_named(tmp_path: Path) -> None:
    make(tmp_path / "one", 3, [])
    with pytest.raises(DataError, match="no evaluation yet"):
        curve_of_run(tmp_path / "one")


def test_forks_of_a_tune_are_no_runs_of_their_own(tmp_path: Path) -> None:
    points = [point(0, 0.0, 5.0), point(4, 1.0, 3.0), point(8, 2.0, 2.0)]
    make(tmp_path / "runs" / "one", 8, points)
    make(tmp_path / "cooldown" / "one-fork", 8, points)
    assert [curve.run for curve in read_curves(tmp_path)] == ["one"]
