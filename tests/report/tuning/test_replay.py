"""A tuning played on finished curves: what it spends, keeps and holds out."""

from collections.abc import Callable

import pytest

from chemscale.base.errors import ConfigError, DataError
from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.replay import replay_tuning
from chemscale.tpe import Curve, FirstEpochs, KeepBest

CurveMaker = Callable[..., list[Curve]]


def test_steps_are_counted_by_hand(replayed: TuningReport) -> None:
    """20 runs, half with 40 and half with 10 steps an epoch, 10 epochs; two of the former diverge after 60 steps."""
    (saving,) = replayed.savings
    finished = {run for run in replayed.final if run not in _stopped(replayed)} | replayed.calibration_runs
    diverged = {"run-0.01-16-0", "run-0.01-16-1"}
    per_epoch = {curve.run: 40 if "-16-" in curve.run else 10 for curve in replayed.curves}
    expected = sum(61 if run in diverged else per_epoch[run] * (10 if run in finished else 2) for run in per_epoch)
    assert saving.resource == "steps"
    assert saving.full == 8 * 400 + 10 * 100 + 2 * 61
    assert saving.spent == expected


def test_the_best_of_the_kept_is_returned_with_its_ties(replayed: TuningReport) -> None:
    kept = {run: loss for run, loss in replayed.final.items() if run not in _stopped(replayed)}
    assert replayed.best == min(kept, key=lambda run: kept[run])
    assert replayed.best in replayed.tied
    assert replayed.comparison is not None
    tie = replayed.comparison.final_tie
    assert all(abs(replayed.final[run] - replayed.final[replayed.best]) <= tie for run in replayed.tied)


def test_calibration_runs_are_stopped_ones_over_all_scores(replayed: TuningReport) -> None:
    assert replayed.estimate is not None
    scores = {run.run: run.score for run in replayed.estimate.runs if run.status == "scored"}
    stopped = sorted(scores[run] for run in _stopped(replayed) if run in scores)
    calibration = sorted(scores[run] for run in replayed.calibration_runs)
    assert len(calibration) == 3 and set(calibration) <= set(stopped)
    assert calibration[-1] == stopped[-1] and calibration[0] <= stopped[len(stopped) // 2]
    assert replayed.estimate.calibration is not None and replayed.estimate.calibration.n_runs == 6


def test_without_calibration_runs_the_line_is_refused(made_up_grid: CurveMaker) -> None:
    report = _replay(made_up_grid(), n_calibration=0)
    assert report.estimate is not None and report.estimate.calibration is None
    assert any("better-looking half" in text for text in report.estimate.warnings)


def test_runs_without_a_known_end_are_left_out(made_up_grid: CurveMaker) -> None:
    curves = made_up_grid()
    final = {curve.run: 1.0 + 0.01 * number for number, curve in enumerate(curves[:6])}
    assert [curve.run for curve in _replay(curves, final=final).curves] == list(final)


def test_what_cannot_be_replayed_is_refused(made_up_grid: CurveMaker) -> None:
    curves = made_up_grid()
    with pytest.raises(ConfigError, match="n_calibration: expected 0 or more, got -1"):
        _replay(curves, n_calibration=-1)
    with pytest.raises(ConfigError, match="decides nowhere within 10 epochs"):
        replay_tuning("x", curves, FirstEpochs(20), policy_name="20 epochs", n_resamples=2)
    with pytest.raises(DataError, match="at least 4"):
        _replay(curves[:3])
    with pytest.raises(DataError):
        _replay([])


def _replay(curves: list[Curve], n_calibration: int = 2, final: dict[str, float] | None = None) -> TuningReport:
    return replay_tuning(
        "x", curves, KeepBest(0.2, 3), policy_name="keep 3", n_calibration=n_calibration, n_resamples=2, final=final
    )


def _stopped(report: TuningReport) -> set[str]:
    return {decision.run for decision in report.decisions if decision.action == "stop"}
