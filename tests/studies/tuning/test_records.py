"""The small parts of a tune: sizes, curves at a place, the decisions file, calibration runs, ranking and ties."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chemscale.base.errors import DataError
from chemscale.studies.study import parse_study
from chemscale.studies.tuning.calibration import calibration_runs
from chemscale.studies.tuning.candidates import curve_at, has_learnt
from chemscale.studies.tuning.decisions_log import DecisionsLog, TuneDecision
from chemscale.studies.tuning.ranking import noise_of_finals, sort_key, tied_with_best
from chemscale.studies.tuning.records import TunedRun, TunedStatus
from chemscale.studies.tuning.rounds import Standing
from chemscale.studies.tuning.sizes import RunSize, run_sizes
from chemscale.tpe import curve_of_steps, decide_now, estimate
from chemscale.tpe.estimators import Reading
from chemscale.tpe.policies import KeepBest
from chemscale.tpe.ties import SeedNoise


def decision(run: str, action: Any = "stop", score: float | None = 1.0, number: int = 1) -> TuneDecision:
    return TuneDecision(run, number, action, 0.2, 4.0, 80, score, 0.5, "because")


def tuned(run: str, status: TunedStatus = "finished", **values: Any) -> TunedRun:
    settings: dict[str, Any] = {"epochs": 20.0, "steps": 400, "score": 1.0, "final": None, "cooled": None, "reason": ""}
    return TunedRun(run=run, settings={}, status=status, place=0, **(settings | values))


def test_sizes_are_those_of_the_trained_runs(tiny_tune: dict[str, Any]) -> None:
    study = parse_study(tiny_tune)
    sizes = run_sizes(study.runs)
    for run in study.runs:
        task = run.world.make_task(run)
        size = sizes[run.name()]
        assert size.steps_per_epoch == math.ceil(40 / run.training.batch_size) == task.steps_per_epoch
        assert size.total_steps == 4 * size.steps_per_epoch
        assert size.labels_per_epoch == task.labels_per_epoch
        assert size.flops(size.steps_per_epoch) == task.resources()["flops_per_label"] * task.labels_per_epoch


def test_a_place_is_the_step_of_the_evaluation_planned_there() -> None:
    for total in (7, 10, 63, 316, 6260):
        size = RunSize(max(1, total // 4), total, 10, 1.0)
        for evaluations in (3, 10, 20):
            for index in range(1, evaluations):
                assert size.step_at(index / evaluations) == math.ceil(total * index / evaluations - 1e-9)


def test_a_curve_at_a_place_holds_the_evaluation_made_there_and_nothing_later() -> None:
    # 63 steps of 9 an epoch, ten evaluations: the second comes after step 13, a little later than 20 % of 7 epochs
    size = RunSize(9, 63, 10, 1.0)
    evaluated = [math.ceil(6.3 * (i + 1)) for i in range(10)]
    whole = curve_of_steps(
        "a",
        np.linspace(3, 1, 63),
        steps_per_epoch=9,
        validation_epochs=[step / 9 for step in evaluated],
        validation_losses=np.arange(10.0),
    )
    seen = curve_at(whole, size, 0.2, 7)
    assert seen.n_steps == 13
    assert seen.validation_losses.tolist() == [0.0, 1.0]
    assert seen.seen == seen.validation_progress[-1] == pytest.approx(1.4)
    assert (np.diff(seen.progress) >= 0).all()
    reading = Reading(source="validation", total_epochs=7)
    (made,) = decide_now(KeepBest(), [seen], at=0.2, total_epochs=7, reading=reading)
    assert made.score == 1.0


def test_what_has_learnt_is_below_its_first_loss() -> None:
    def curve(last: float, losses: list[float]) -> bool:
        return has_learnt(
            curve_of_steps("a", losses, steps_per_epoch=2, validation_epochs=[1.0], validation_losses=[last])
        )

    assert curve(2.0, [3.0, 2.5])
    assert not curve(3.5, [3.0, 2.5])
    assert not curve(2.0, [3.0, math.nan])


def test_decisions_are_written_once_and_compared_later(tmp_path: Path) -> None:
    first = [decision("a"), decision("b", "continue", None)]
    log = DecisionsLog(tmp_path)
    log.record(first)
    written = (tmp_path / "decisions.jsonl").read_text()
    assert len(written.splitlines()) == 2
    assert all(one.time for one in log.decisions)
    later = DecisionsLog(tmp_path)
    later.record(first)
    later.record([decision("a", number=2)])
    assert (tmp_path / "decisions.jsonl").read_text().startswith(written)
    assert [(one.run, one.round) for one in DecisionsLog(tmp_path).decisions] == [("a", 1), ("b", 1), ("a", 2)]
    with pytest.raises(DataError, match=r"round 1 decided to stop a .because., but its folder now says: continue"):
        later.record([decision("a", "continue")])
    with pytest.raises(DataError, match="a decision on a in round 2 that does not follow"):
        later.check_complete(first)


@pytest.mark.parametrize("line", ["{", "[1]", '{"run": "a"}', '{"run": "a", "action": "stop", "color": 3}'])
def test_a_damaged_decisions_file_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "decisions.jsonl").write_text(line + "\n")
    with pytest.raises(DataError, match=r"decisions\.jsonl, line 1: not a decision"):
        DecisionsLog(tmp_path)


def test_calibration_runs_are_spread_from_the_survivors_to_the_poor() -> None:
    names = [f"r{index:02d}" for index in range(20)]
    scores = {name: 1.0 + index / 10 for index, name in enumerate(names)}
    standing = Standing(tuple(names[:2]), tuple(decision(name) for name in names[2:]), {})
    for wanted, places in ((1, [18]), (2, [10, 18]), (4, [6, 10, 14, 18])):
        chosen = calibration_runs(standing, scores, wanted)
        assert [one.run for one in chosen] == [names[place - 1] for place in places]
        assert all(one.action == "calibrate" for one in chosen)
    assert calibration_runs(standing, scores, 0) == ()
    assert len(calibration_runs(standing, scores, 100)) == 18
    # those without a finite score, and those that failed, are passed over
    some = scores | dict.fromkeys(names[8:], math.inf)
    assert [one.run for one in calibration_runs(standing, some, 1)] == [names[6]]
    failed = Standing(standing.alive, standing.decisions, {names[6]: "MemoryError"})
    assert [one.run for one in calibration_runs(failed, some, 1)] == [names[7]]


def test_runs_are_ranked_by_what_is_known_of_them() -> None:
    runs = [
        tuned("failed", "failed"),
        tuned("early nan", "diverged", epochs=2.0, final=math.inf),
        tuned("late nan", "diverged", epochs=9.0),
        tuned("poor", "stopped", epochs=4.0, score=2.0),
        tuned("fair", "stopped", epochs=4.0, score=1.5),
        tuned("long", "stopped", epochs=8.0, score=1.9),
        tuned("calibration", "calibration", final=1.4),
        tuned("second", final=1.21, cooled=1.1),
        tuned("first", final=1.2, cooled=1.15),
        tuned("better uncooled", final=1.12, cooled=1.3),
        tuned("third", final=1.3),
    ]
    assert [run.run for run in sorted(runs, key=sort_key)] == [
        "second", "better uncooled", "first", "third",
        "calibration", "long", "fair", "poor", "late nan", "early nan", "failed",
    ]  # fmt: skip


def test_ties_are_within_seed_noise_and_among_what_compares() -> None:
    noise = SeedNoise(0.01)
    tie = 1.6448536 * math.sqrt(2) * 0.01  # normal quantile of a level of 0.9
    runs = [tuned("a", final=1.0), tuned("b", final=1.0 + 0.99 * tie), tuned("c", final=1.0 + 1.01 * tie)]
    assert tied_with_best(runs, noise) == ("a", "b")
    assert tied_with_best(runs, None) == ("a",)
    # a cooled loss does not compare with one at the constant rate
    cooled = [tuned("a", final=1.0, cooled=0.9), tuned("b", final=0.9001)]
    assert tied_with_best(cooled, noise) == ("a",)
    assert tied_with_best([tuned("a", "diverged", final=math.inf)], noise) == ()


def test_the_noise_comes_from_where_most_was_repeated() -> None:
    curves = [
        curve_of_steps(
            f"{rate}-{seed}", [2.0, rate + seed / 10], steps_per_epoch=1, settings={"lr": str(rate), "seed": str(seed)}
        )
        for rate in (1.0, 1.5, 3.0)
        for seed in (0, 1)
    ]
    early = estimate(curves, epochs=2, total_epochs=2)
    found = noise_of_finals(None, curves, {"1.0-0": 0.5, "1.0-1": 0.9}, early)
    # three pairs 0.1 apart: a pooled standard deviation of 0.1 / sqrt(2) with three degrees of freedom
    assert found is not None
    assert (found.deviation, found.freedom) == (pytest.approx(0.1 / math.sqrt(2)), 3)
    sums = estimate(curves, epochs=2, total_epochs=2, estimator="sum")
    found = noise_of_finals(None, curves, {"1.0-0": 0.5, "1.0-1": 0.9}, sums)
    assert found is not None
    assert (found.deviation, found.freedom) == (pytest.approx(0.4 / math.sqrt(2)), 1)
    given = noise_of_finals(0.02, curves, {}, sums)
    assert given is not None
    assert given.deviation == 0.02
    assert noise_of_finals(None, curves, {}, sums) is None
