"""Learning curves by decision: what is drawn of whom, and on which axes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chemscale.report.panels import Panel
from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.decision_curves import decision_curves
from chemscale.report.tuning.runs import tuned_runs
from chemscale.report.tuning.theme import DIVERGED, KEPT
from chemscale.tpe import Curve, curve_of_steps

CurveMaker = Callable[..., list[Curve]]


def panel_of(report: TuningReport, log_epochs: bool = False) -> Panel:
    panel = decision_curves(report, tuned_runs(report), log_epochs)
    assert panel is not None
    return panel


def rows_of(panel: Panel) -> pd.DataFrame:
    frames = [pd.DataFrame(rows) for rows in panel.chart.to_dict()["datasets"].values()]
    return next(frame for frame in frames if "part" in frame and (frame["part"] == "trained").any())


def scale_of(panel: Panel, channel: str) -> dict[str, Any]:
    found = panel.chart.to_dict()["layer"][0]["encoding"][channel]["scale"]
    assert isinstance(found, dict)
    return found


def test_validation_losses_are_drawn_until_where_a_run_was_trained(replayed: TuningReport) -> None:
    rows, curves = rows_of(panel_of(replayed)), {curve.run: curve for curve in replayed.curves}
    trained = rows[rows["part"] == "trained"].sort_values(["run", "epoch"])
    for run, part in trained.groupby("run"):
        curve = curves[str(run)]
        n = len(part)
        assert list(part["loss"]) == list(curve.validation_losses[:n])
        assert n == {KEPT: 10, DIVERGED: 1}.get(
            part["outcome"].iloc[0], 2 if "stopped" in part["outcome"].iloc[0] else 10
        )
    assert set(trained["run"]) == set(curves)


def test_what_came_after_a_stop_is_apart_and_only_in_a_replay(replayed: TuningReport) -> None:
    rows = rows_of(panel_of(replayed))
    after = rows[rows["part"] == "after the stop"]
    assert set(after["outcome"]) == {"stopped at 20 %"}
    # It begins where the trained part ends, so that the line has no gap.
    assert (after.groupby("run")["epoch"].min() == 2).all() and (after.groupby("run")["epoch"].max() == 10).all()
    real = rows_of(panel_of(replace(replayed, replayed=False)))
    assert set(real["part"]) == {"trained"}


def test_the_best_run_is_the_thickest_and_drawn_last(replayed: TuningReport) -> None:
    rows = rows_of(panel_of(replayed))
    assert rows["run"].iloc[-1] == replayed.best
    widths = rows.groupby("run")["width"].first()
    assert widths[replayed.best] == widths.max()
    for run in set(replayed.tied) - {replayed.best}:
        assert widths.min() < widths[run] < widths.max()


def test_epochs_are_linear_or_logarithmic(replayed: TuningReport) -> None:
    assert scale_of(panel_of(replayed), "x")["domain"] == [0, 10]
    log = scale_of(panel_of(replayed, log_epochs=True), "x")
    assert log["type"] == "log" and 0 < log["domain"][0] < 1 and log["domain"][1] == 10


def test_a_diverging_loss_does_not_squeeze_the_others(made_up_grid: CurveMaker) -> None:
    curves = made_up_grid(diverging=False)
    steps = np.append(np.geomspace(1, 1e9, 300), np.nan)
    wild = curve_of_steps(
        "wild", steps, steps_per_epoch=40, validation_epochs=range(1, 8), validation_losses=10.0 ** np.arange(1, 8)
    )
    report = TuningReport(title="x", curves=[*curves, wild], total_epochs=10)
    assert scale_of(panel_of(report), "y")["domain"][1] < 2


def test_training_losses_are_means_of_even_pieces_where_there_is_no_validation() -> None:
    losses = np.linspace(2, 1, 1000)
    curves = [curve_of_steps(name, losses, steps_per_epoch=100) for name in "ab"]
    rows = rows_of(panel_of(TuningReport(title="x", curves=curves, total_epochs=10)))
    one = rows[rows["run"] == "a"].sort_values("epoch")
    assert len(one) == 120
    assert one["loss"].iloc[0] == pytest.approx(losses[:9].mean())
    assert one["epoch"].iloc[-1] == 10


def test_decision_places_are_marked_while_there_are_few(replayed: TuningReport) -> None:
    texts = [
        row["text"] for rows in panel_of(replayed).chart.to_dict()["datasets"].values() for row in rows if "text" in row
    ]
    assert texts == ["20 %"]


def test_nothing_finite_is_no_picture() -> None:
    curves = [curve_of_steps("a", [np.nan, np.nan], steps_per_epoch=1)]
    report = TuningReport(title="x", curves=curves, total_epochs=2)
    assert decision_curves(report, tuned_runs(report)) is None
