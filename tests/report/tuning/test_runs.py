"""What became of each run, and in which order they stand."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.runs import HELD_OUT, IN_LINE, MOST_STAGES, decision_places, tuned_runs
from chemscale.report.tuning.theme import CALIBRATION, DIVERGED, FIXED, KEPT
from chemscale.tpe import Curve, Decision, estimate

CurveMaker = Callable[..., list[Curve]]


def test_every_run_has_its_fate(replayed: TuningReport) -> None:
    runs = tuned_runs(replayed)
    table = runs.table.set_index("run")
    assert table["outcome"].value_counts().to_dict() == {KEPT: 3, CALIBRATION: 3, DIVERGED: 2, "stopped at 20 %": 12}
    assert runs.present == [KEPT, CALIBRATION, "stopped at 20 %", DIVERGED]
    assert runs.outcomes == (*FIXED, "stopped at 20 %")
    assert (table.loc[table["outcome"].isin([KEPT, CALIBRATION]), "trained"] == 10).all()
    assert (table.loc[table["outcome"] == "stopped at 20 %", "trained"] == 2).all()
    assert table.loc["run-0.01-16-0", "trained"] == pytest.approx(replayed.curves[-4].diverged_at)
    assert table.loc[list(replayed.calibration_runs), "outcome"].eq(CALIBRATION).all()


def test_the_best_stands_first_and_diverged_runs_last_without_a_place(replayed: TuningReport) -> None:
    table = tuned_runs(replayed).table
    finals = table["final"][:18]
    assert list(finals) == sorted(replayed.final.values())[:18]
    assert table["best"][0] and table["run"][0] == replayed.best
    assert list(table["outcome"][-2:]) == [DIVERGED] * 2
    assert list(table["place"][:18]) == list(range(1, 19)) and table["place"][-2:].isna().all()


def test_stopped_before_it_diverged_is_stopped(replayed: TuningReport) -> None:
    run = "run-0.01-16-0"
    earlier = replace(replayed, decisions=(Decision(run, "stop", 0.1, 1.0, "place 20"),), calibration_runs=frozenset())
    row = tuned_runs(earlier).table.set_index("run").loc[run]
    assert (row["outcome"], row["trained"]) == ("stopped at 10 %", 1.0)


def test_runs_of_the_line_are_told_from_those_held_out(replayed: TuningReport) -> None:
    table = tuned_runs(replayed).table.set_index("run")
    assert set(table.index[table["role"] == IN_LINE]) == {
        run for run, outcome in table["outcome"].items() if outcome in (KEPT, CALIBRATION)
    }
    assert (table["role"] == HELD_OUT).sum() == 12
    assert replayed.estimate is not None
    for prediction in replayed.estimate.predictions:
        row = table.loc[prediction.run]
        assert (row["predicted"], row["low"], row["high"]) == (prediction.predicted, *prediction.student)


def test_a_tuning_whose_stopped_runs_have_no_end_is_ordered_by_predictions(replayed: TuningReport) -> None:
    kept = {run: loss for run, loss in replayed.final.items() if run not in _stopped(replayed)}
    runs = tuned_runs(replace(replayed, replayed=False, final=kept))
    values = np.where(runs.table["final"].notna(), runs.table["final"], runs.table["predicted"])[:18]
    assert runs.by == "final loss, predicted where a run was stopped"
    assert (np.diff(values) >= 0).all()
    assert set(runs.table["role"]) == {IN_LINE, ""}


def test_without_predictions_runs_trained_longer_stand_first(replayed: TuningReport) -> None:
    kept = {run: loss for run, loss in replayed.final.items() if run not in _stopped(replayed)}
    runs = tuned_runs(replace(replayed, estimate=None, final=kept, calibration_runs=frozenset()))
    table = runs.table[runs.table["outcome"] != DIVERGED]
    assert runs.by == "how far they were trained, then by score"
    assert (np.diff(table["trained"]) <= 0).all() and list(table["outcome"][:3]) == [KEPT] * 3
    stopped = table[table["trained"] == 2]
    assert (np.diff(stopped["score"]) >= 0).all()


def test_many_stages_are_joined(made_up_grid: CurveMaker) -> None:
    curves = made_up_grid(diverging=False)
    shares = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4]
    decisions = [Decision(curve.run, "stop", at, 1.0, "far behind") for curve, at in zip(curves, shares, strict=False)]
    report = TuningReport(title="x", curves=curves, total_epochs=10, decisions=decisions)
    runs = tuned_runs(report)
    stages = runs.outcomes[len(FIXED) :]
    assert stages == ("stopped at 10 to 15 %", "stopped at 20 to 25 %", "stopped at 30 to 35 %", "stopped at 40 %")
    assert len(stages) == MOST_STAGES
    assert decision_places(report) == shares
    assert sorted(runs.table["stopped_at"].dropna()) == shares


def test_an_estimate_alone_is_enough(made_up_grid: CurveMaker) -> None:
    curves = made_up_grid()
    report = TuningReport(title="x", curves=curves, total_epochs=10, estimate=estimate(curves, fraction=0.2))
    table = tuned_runs(report).table
    assert set(table["outcome"]) == {KEPT, DIVERGED}
    assert table["score"][0] == min(run.score for run in report.estimate.runs)  # type: ignore[union-attr]


def test_one_curve_and_nothing_else(made_up_grid: CurveMaker) -> None:
    table = tuned_runs(TuningReport(title="x", curves=made_up_grid()[:1], total_epochs=10)).table
    assert len(table) == 1 and math.isnan(table["score"][0]) and table["outcome"][0] == KEPT


def _stopped(report: TuningReport) -> set[str]:
    stopped = {decision.run for decision in report.decisions if decision.action == "stop"}
    return stopped - report.calibration_runs
