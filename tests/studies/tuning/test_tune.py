import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chemscale.base.config import read_toml
from chemscale.base.errors import BusyError, ConfigError, DataError, UserError
from chemscale.base.files import folder_lock
from chemscale.base.records import RunFolder
from chemscale.studies.execute import EXECUTORS, Executor
from chemscale.studies.messages import Ended
from chemscale.studies.run import parse_run
from chemscale.studies.status import study_status
from chemscale.studies.study import parse_study
from chemscale.studies.tuning.tune import tune
from chemscale.tpe import Halving, KeepBest, Policy, Race, Reading, Replay


def lines(folder: Path) -> list[dict[str, Any]]:
    """The decisions on disk, without their time."""
    found = [json.loads(line) for line in (folder / "decisions.jsonl").read_text().splitlines()]
    return [{key: value for key, value in one.items() if key != "time"} for one in found]


def n_steps(folder: Path, run: str) -> int:
    return len(RunFolder(folder / "runs" / run).step_losses())


def test_poor_runs_stop_where_it_was_decided_and_the_best_is_finished(
    tiny_tune: dict[str, Any], tmp_path: Path
) -> None:
    outcome = tune(tiny_tune, tmp_path, executor="here")
    statuses = [run.status for run in outcome.runs]
    assert statuses == ["finished"] * 2 + ["stopped"] * 8
    assert [run.place for run in outcome.runs] == list(range(1, 11))
    for run in outcome.runs:
        total = 160 // run.settings["training.batch_size"]
        expected = total if run.status == "finished" else total // 5  # a fifth of the budget
        assert run.steps == n_steps(tmp_path, run.run) == expected
        assert run.epochs == (4 if run.status == "finished" else 0.8)
    # the diverging rate is last with both batch sizes, and nothing was raised
    assert {run.settings["training.learning_rate"] for run in outcome.runs[-2:]} == {1e3}
    assert outcome.best == outcome.runs[0].run
    assert outcome.runs[0].final == RunFolder(tmp_path / "runs" / outcome.best).result().losses["final_validation_loss"]
    log = lines(tmp_path)
    assert len(log) == 10
    assert [one["run"] for one in log] == [run.name() for run in parse_study(tiny_tune).runs]
    stopped = {one["run"]: one for one in log if one["action"] == "stop"}
    assert set(stopped) == {run.run for run in outcome.runs if run.status == "stopped"}
    assert all(one["score"] > one["threshold"] for one in stopped.values() if one["score"] is not None)
    assert {(one["round"], one["place"], one["epoch"]) for one in log} == {(1, 0.2, 0.8)}
    assert read_back(tmp_path)["best"] == outcome.best


def read_back(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "tune.json").read_text()))


def test_what_is_saved_is_what_the_run_folders_say(tiny_tune: dict[str, Any], tmp_path: Path) -> None:
    saving = tune(tiny_tune, tmp_path, executor="here").saving
    runs = parse_study(tiny_tune).runs
    spent = sum(n_steps(tmp_path, run.name()) for run in runs)
    full = sum(160 // run.training.batch_size for run in runs)
    assert (saving.spent.steps, saving.full.steps) == (spent, full)
    assert saving.shares()["steps"] == pytest.approx(1 - spent / full)
    # every epoch costs the same operations whatever the batch size: 2 runs of 10 whole, 8 for a fifth
    assert saving.shares()["flops"] == pytest.approx(1 - (2 + 8 * 0.2) / 10)
    whole = [RunFolder(tmp_path / "runs" / run.name()) for run in runs]
    flops = [one.result().resources["training_flops"] for one in whole if one.is_finished()]
    assert saving.full.flops == pytest.approx(10 * flops[0], rel=1e-6)
    assert 0 < saving.spent.seconds < saving.full.seconds


POLICIES: dict[str, tuple[dict[str, Any], Policy]] = {
    "window": ({"fraction": 0.2, "keep": 3}, KeepBest(0.2, 3)),
    "paper": ({"policy": "window", "estimator": "sum", "keep": 1}, KeepBest(0.2, 1, "sum")),
    "halving": ({"fraction": 0.1, "eta": 2.0}, Halving(2.0, 0.1)),
    "race": ({"fraction": 0.2, "every": 0.1, "factor": 0.5}, Race(0.2, 0.1, 0.5)),
}


@pytest.fixture(scope="session")
def whole_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


@pytest.mark.parametrize("name", POLICIES)
def test_decisions_are_those_of_the_policy_on_the_whole_curves(
    tiny_tune: dict[str, Any], whole_runs: Path, tmp_path: Path, name: str
) -> None:
    settings, policy = POLICIES[name]
    everything = tune(tiny_tune | {"tune": {"policy": "none"}}, whole_runs, executor="here")
    curves = {curve.run: curve for curve in everything.curves}
    ordered = [curves[run.name()] for run in parse_study(tiny_tune).runs]
    final = {run.run: math.inf if run.final is None else run.final for run in everything.runs}
    reading = Reading(source="validation", warmup_steps=1, total_epochs=4)
    replayed = Replay(ordered, np.array([final[curve.run] for curve in ordered]), 4, reading).run(policy)
    outcome = tune(tiny_tune | {"tune": {"policy": name} | settings}, tmp_path, executor="here")
    made = [(one.run, one.action, one.score, one.reason) for one in outcome.decisions]
    scored = [one.score if math.isfinite(one.score) else None for one in replayed.decisions]
    expected = [(one.run, one.action, s, one.reason) for one, s in zip(replayed.decisions, scored, strict=True)]
    assert made == expected[: len(made)]
    # once only `keep` are left, nobody can be stopped: the rest of the replay stops none
    assert all(action == "continue" for _, action, _, _ in expected[len(made) :])
    assert outcome.best == replayed.chosen
    assert 0 < outcome.saving.shares()["flops"] < 1


def test_without_a_policy_all_runs_give_the_truth(tiny_tune: dict[str, Any], whole_runs: Path) -> None:
    outcome = tune(tiny_tune | {"tune": {"policy": "none"}}, whole_runs, executor="here")
    assert not (whole_runs / "decisions.jsonl").exists()
    assert outcome.saving.shares()["steps"] == 0
    assert outcome.estimate.quality is not None
    assert outcome.estimate.quality.n_runs == 10
    assert [run.settings["training.learning_rate"] for run in outcome.runs[-2:]] == [1e3, 1e3]


def test_the_best_configuration_can_be_trained_again(tiny_tune: dict[str, Any], tmp_path: Path) -> None:
    outcome = tune(tiny_tune, tmp_path, executor="here")
    assert parse_run(read_toml(tmp_path / "best.toml")).name() == outcome.best
    rate, batch = outcome.best_settings.values()
    assert outcome.set_line == f"--set training.learning_rate={rate} --set training.batch_size={batch}"
    text = str(outcome)
    assert f"best   {outcome.best}\n       {outcome.set_line}\n" in text
    assert "10 runs: 2 finished, 8 stopped" in text
    assert "% of the steps" in text
    assert json.loads(json.dumps(outcome.to_dict(), allow_nan=False)) == read_back(tmp_path)
    states = {row.name: row.state for row in study_status(tmp_path)}
    assert states[outcome.best] == "finished"


def test_the_same_call_again_trains_nothing_and_says_the_same(tiny_tune: dict[str, Any], tmp_path: Path) -> None:
    first = tune(tiny_tune, tmp_path, executor="here")
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/*")}
    again = tune(tiny_tune, tmp_path, executor="here")
    assert again.to_dict() == first.to_dict()
    assert stamps == {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/*")}


def test_calibration_finishes_stopped_runs_over_the_scores(tiny_tune: dict[str, Any], tmp_path: Path) -> None:
    plain = tune(tiny_tune, tmp_path, executor="here")
    assert any("--set tune.calibration=3" in text for text in plain.warnings)
    assert plain.estimate.predictions == ()
    # the same folder goes on: what was decided stays decided
    before = lines(tmp_path)
    tiny_tune["tune"]["calibration"] = 3
    outcome = tune(tiny_tune, tmp_path, executor="here")
    assert lines(tmp_path)[:10] == before
    finished = [run for run in outcome.runs if run.status == "calibration"]
    assert [one["run"] for one in lines(tmp_path)[10:]] == sorted(
        (run.run for run in finished), key=lambda name: {run.run: run.score for run in outcome.runs}[name]
    )
    # two rates of 1e3 have learnt nothing, so 6 stopped runs are left to choose from: places 4, 5 and 7 of 8
    assert len(finished) == 3
    assert [one["reason"].split(":")[0] for one in lines(tmp_path)[10:]] == [f"place {n} of 8" for n in (4, 5, 7)]
    assert outcome.estimate.calibration is not None
    assert outcome.estimate.calibration.n_runs == 5
    predicted = {one.run: one for one in outcome.estimate.predictions}
    assert all(run.run in predicted for run in outcome.runs if run.status == "stopped" and math.isfinite(run.score))


def test_a_failed_run_halts_the_tune_unless_it_may_be_skipped(
    tiny_tune: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Executor
) -> None:
    bad = parse_study(tiny_tune).runs[3].name()

    def fails_one(jobs: Any, n_workers: int, threads: int, on_message: Any) -> list[Ended]:
        rest = here([job for job in jobs if job.name != bad], n_workers, threads, on_message)
        return rest + [Ended(job.name, "failed", "MemoryError: too large") for job in jobs if job.name == bad]

    monkeypatch.setitem(EXECUTORS, "failing", fails_one)
    with pytest.raises(UserError, match=rf"1 of 10 runs failed, {bad} with: MemoryError: too large(.|\n)*skip_failed"):
        tune(tiny_tune, tmp_path, executor="failing")
    assert not (tmp_path / "decisions.jsonl").exists()
    tiny_tune["tune"]["skip_failed"] = True
    outcome = tune(tiny_tune, tmp_path, executor="failing")
    assert (outcome.runs[-1].run, outcome.runs[-1].status) == (bad, "failed")
    assert any(f"failed and ranked last: {bad}: MemoryError" in text for text in outcome.warnings)
    assert [one["reason"] for one in lines(tmp_path) if one["run"] == bad] == ["failed: MemoryError: too large"]
    # what was left out stays left out, although it would not fail now
    again = tune(tiny_tune, tmp_path, executor="here")
    assert again.to_dict() == outcome.to_dict()


def test_a_run_that_ends_in_nan_is_named_and_last(tiny_tune: dict[str, Any], tmp_path: Path) -> None:
    tiny_tune["training"] |= {"gradient_clip": 1e9, "batch_size": 8}
    tiny_tune["grid"]["training"] = {"learning_rate": [1e-3, 1e-2, 1e35]}
    tiny_tune["tune"] = {"keep": 1}
    outcome = tune(tiny_tune, tmp_path, executor="here")
    last = outcome.runs[-1]
    assert (last.status, last.settings["training.learning_rate"], last.score) == ("diverged", 1e35, math.inf)
    assert any("diverged" in text and last.run in text for text in outcome.warnings)
    decision = next(one for one in lines(tmp_path) if one["run"] == last.run)
    assert (decision["action"], decision["score"]) == ("stop", None)
    assert "diverged" in decision["reason"]


def test_where_every_run_diverges_there_is_no_best(tiny_tune: dict[str, Any], tmp_path: Path) -> None:
    tiny_tune["training"] |= {"gradient_clip": 1e9, "batch_size": 8}
    tiny_tune["grid"]["training"] = {"learning_rate": [1e34, 1e35, 1e36]}
    tiny_tune["tune"] = {"keep": 1, "cooldown": 1, "calibration": 1}
    outcome = tune(tiny_tune, tmp_path, executor="here")
    assert outcome.best is None
    assert outcome.tied == ()
    assert (tmp_path / "best.toml").read_text() == ""
    assert "no run came to its end with a finite loss" in str(outcome)


def test_one_process_at_a_time(tiny_tune: dict[str, Any], tmp_path: Path) -> None:
    with folder_lock(tmp_path, "tuning"), pytest.raises(BusyError, match=r"tuning.*is working here"):
        tune(tiny_tune, tmp_path, executor="here")
    held = parse_study(tiny_tune).runs[0].name()
    with (
        folder_lock(tmp_path / "runs" / held, "training"),
        pytest.raises(BusyError, match="run the same command again"),
    ):
        tune(tiny_tune, tmp_path, executor="here")
    assert tune(tiny_tune, tmp_path, executor="here").best


def test_another_tune_does_not_mix_into_a_folder(tiny_tune: dict[str, Any], tmp_path: Path) -> None:
    tune(tiny_tune, tmp_path, executor="here")
    changed = json.loads(json.dumps(tiny_tune))
    changed["tune"]["fraction"] = 0.5
    with pytest.raises(ConfigError, match=r"decisions were made with other settings \(tune\.fraction changed\)"):
        tune(changed, tmp_path, executor="here")
    changed = json.loads(json.dumps(tiny_tune))
    changed["training"]["epochs"] = 5
    with pytest.raises(ConfigError, match=r"\(the runs changed\).*Use another --out"):
        tune(changed, tmp_path, executor="here")
    (tmp_path / "decisions.jsonl").unlink()
    with pytest.raises(ConfigError, match="holds another study"):
        tune(changed, tmp_path, executor="here")


def test_a_changed_run_folder_is_noticed(tiny_tune: dict[str, Any], tmp_path: Path) -> None:
    outcome = tune(tiny_tune, tmp_path, executor="here")
    assert outcome.best is not None
    path = tmp_path / "runs" / outcome.best / "curve.jsonl"
    points = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(point | {"validation_loss": 9.0}) + "\n" for point in points))
    with pytest.raises(DataError, match=r"round 1 decided to stop .*, but .* A run folder was changed"):
        tune(tiny_tune, tmp_path, executor="here")
