"""The recorder: what it writes is what `read_curves` reads, through crashes, and it stops who should stop."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import BusyError, ConfigError, DataError, StorageError
from chemscale.tpe import Curve, Halving, KeepBest, estimate, read_curves
from chemscale.tpe.callbacks import Recorder


def train(folder: Path, run: str, floor: float, epochs: int = 20, steps: int = 5, **options) -> tuple[int, Recorder]:
    """Losses floor + 1 / t; -> (epochs trained, its recorder)."""
    recorder = Recorder(folder, run, steps_per_epoch=steps, total_epochs=epochs, **options)
    with recorder:
        for epoch in range(epochs):
            for step in range(steps):
                recorder.step(floor + 1 / (1 + epoch + step / steps))
            recorder.validation(floor + 1.1 / (1 + epoch))
            if recorder.should_stop():
                return epoch + 1, recorder
    return epochs, recorder


def one(folder: Path) -> Curve:
    (curve,) = read_curves(folder)
    return curve


def test_what_is_recorded_is_what_is_read(tmp_path: Path) -> None:
    losses = [3.0, 2.5, 2.25, 2.0, 1.75]
    with Recorder(tmp_path, "a", steps_per_epoch=2, settings={"lr": 0.1, "seed": 0}) as recorder:
        for index, loss in enumerate(losses):
            recorder.step(np.float32(loss))
            if index % 2:
                recorder.validation(loss + 0.5)
    curve = one(tmp_path)
    assert curve.run == "a"
    assert curve.losses.tolist() == losses
    assert curve.epochs.tolist() == [0, 0, 1, 1, 2]
    assert curve.progress.tolist() == [0.5, 1.0, 1.5, 2.0, 2.5]
    assert curve.validation_progress.tolist() == [1.0, 2.0]
    assert curve.validation_losses.tolist() == [3.0, 2.5]
    assert curve.settings == {"lr": "0.1", "seed": "0"}


@pytest.mark.parametrize("steps_per_epoch", [1, 3])
def test_a_run_inside_its_first_epoch_has_not_completed_it(tmp_path: Path, steps_per_epoch: int) -> None:
    recorder = Recorder(tmp_path, "a", steps_per_epoch=steps_per_epoch)
    recorder.step(1.0)
    assert one(tmp_path).seen == pytest.approx(1 / steps_per_epoch)
    recorder.close()


def test_losses_that_are_not_finite_survive_the_file(tmp_path: Path) -> None:
    with Recorder(tmp_path, "a", steps_per_epoch=1) as recorder:
        for loss in (2.0, math.inf, math.nan):
            recorder.step(loss)
    for line in (tmp_path / "a.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    curve = one(tmp_path)
    assert curve.losses[:2].tolist() == [2.0, math.inf] and math.isnan(curve.losses[2])
    assert curve.diverged_at == 2.0


def test_a_validation_before_the_first_step_is_kept(tmp_path: Path) -> None:
    with Recorder(tmp_path, "a", steps_per_epoch=2) as recorder:
        recorder.validation(9.0)
        assert not (tmp_path / "a.jsonl").exists()
        recorder.step(1.0)
    curve = one(tmp_path)
    assert curve.validation_progress.tolist() == [0.0] and curve.validation_losses.tolist() == [9.0]


def test_without_steps_per_epoch_every_step_says_how_far_it_is(tmp_path: Path) -> None:
    with Recorder(tmp_path, "a") as recorder:
        with pytest.raises(ConfigError, match="steps_per_epoch"):
            recorder.step(1.0)
        with pytest.raises(ConfigError, match="more than 0, got nan"):
            recorder.step(1.0, progress=math.nan)
        recorder.step(3.0, progress=0.4)
        recorder.step(2.0, progress=0.9)
    assert one(tmp_path).progress.tolist() == [0.4, 0.9]


def test_a_resumed_run_goes_on_in_its_file(tmp_path: Path) -> None:
    with Recorder(tmp_path, "a", steps_per_epoch=4, settings={"lr": 0.1}) as recorder:
        for loss in range(10):
            recorder.step(loss)
        recorder.validation(100.0)
    with Recorder(tmp_path, "a", steps_per_epoch=4, settings={"lr": 0.1}, resumed_at=2.0) as recorder:
        for loss in range(50, 54):
            recorder.step(loss)
        recorder.validation(7.0)
    curve = one(tmp_path)
    assert curve.losses.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 50, 51, 52, 53]
    assert curve.progress.tolist() == [step / 4 for step in range(1, 13)]
    assert curve.validation_losses.tolist() == [7.0]
    assert curve.settings == {"lr": "0.1"}


def test_a_run_begun_anew_replaces_the_earlier_one_and_keeps_it_aside(tmp_path: Path) -> None:
    for attempt, steps in ((1.0, 4), (2.0, 3)):
        with Recorder(tmp_path, "a", steps_per_epoch=steps, settings={"batch_size": 12 // steps}) as recorder:
            recorder.step(attempt)
    curve = one(tmp_path)
    assert curve.losses.tolist() == [2.0] and curve.settings == {"batch_size": "4"}
    assert json.loads((tmp_path / "a.jsonl.old").read_text())["train_loss"] == 1.0


@pytest.mark.parametrize("tail", ['{"run": "a", "ep', '{"run": "a", "epoch": 0.75, "step": 3, "train_loss": 8.0}'])
def test_a_line_cut_off_by_a_crash_is_mended(tmp_path: Path, tail: str) -> None:
    with Recorder(tmp_path, "a", steps_per_epoch=4) as recorder:
        recorder.step(4.0)
        recorder.step(3.0)
    path = tmp_path / "a.jsonl"
    path.write_text(path.read_text() + tail)
    with Recorder(tmp_path, "a", steps_per_epoch=4, resumed_at=0.5) as recorder:
        recorder.step(2.0)
    assert one(tmp_path).losses.tolist() == [4.0, 3.0, 2.0]


def test_a_killed_process_loses_no_step_and_frees_the_run(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from chemscale.tpe.callbacks import Recorder
recorder = Recorder(sys.argv[1], "a", steps_per_epoch=10)
for loss in range(25):
    recorder.step(loss)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == -9
    assert one(tmp_path).losses.tolist() == list(range(25))
    with Recorder(tmp_path, "a", steps_per_epoch=10, resumed_at=2.5) as recorder:
        recorder.step(25)
    assert one(tmp_path).losses.tolist() == list(range(26))


def test_a_log_that_lacks_more_than_an_epoch_is_not_gone_on_with(tmp_path: Path) -> None:
    with Recorder(tmp_path, "a", steps_per_epoch=2) as recorder:
        recorder.step(1.0)
    Recorder(tmp_path, "a", steps_per_epoch=2, resumed_at=1.5)
    with pytest.raises(DataError, match=r"ends after 0\.5 epochs, the run goes on at 3"):
        Recorder(tmp_path, "a", steps_per_epoch=2, resumed_at=3.0)


def test_two_recorders_of_one_run_are_refused(tmp_path: Path) -> None:
    with Recorder(tmp_path, "a", steps_per_epoch=2) as first:
        first.step(1.0)
        second = Recorder(tmp_path, "a", steps_per_epoch=2)
        with pytest.raises(BusyError, match="another recorder is writing this run"):
            second.step(1.0)
    second.step(2.0)
    second.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"run": "a/b"}, "cannot be a file name"),
        ({"run": ""}, "cannot be a file name"),
        ({"run": ".hidden"}, "cannot be a file name"),
        ({"settings": {"trial": 3}}, "settings: 'trial' means something else"),
        ({"settings": {"lr": [1]}}, r"settings: lr is \[1\]"),
        ({"steps_per_epoch": 0}, "steps_per_epoch: expected 1 or more"),
        ({"resumed_at": -1.0}, "resumed_at: expected"),
        ({"least_runs": 0}, "least_runs: expected"),
        ({"policy": KeepBest()}, "total_epochs: a policy needs"),
    ],
)
def test_bad_arguments_are_named_before_the_training(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Recorder(tmp_path, **{"run": "a", **options})


def test_bad_losses_and_files_are_named(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, "a", steps_per_epoch=2)
    with pytest.raises(DataError, match="loss: expected a number, got str 'low'"):
        recorder.step("low")
    (tmp_path / "b.jsonl").write_text('{"x": 1}\n{"run": "b", "epoch": 1.0}\n')
    with pytest.raises(DataError, match="line 1: not a row of a recorder"):
        Recorder(tmp_path, "b", steps_per_epoch=2, resumed_at=1.0)
    with Recorder(tmp_path, "c", steps_per_epoch=2, settings={"lr": 0.1}) as lower:
        lower.step(1.0)
    with pytest.raises(DataError, match=r"with the settings \{'lr': 0.1\}, now they are \{'lr': 0.2\}"):
        Recorder(tmp_path, "c", steps_per_epoch=2, settings={"lr": 0.2}, resumed_at=0.5)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written to"):
        Recorder(tmp_path / "file", "a", steps_per_epoch=2).step(1.0)


def test_poor_runs_stop_at_the_place_and_the_best_goes_on(tmp_path: Path) -> None:
    floors = {"a": 1.0, "b": 1.2, "c": 1.4, "d": 1.6, "e": 1.8, "f": 0.8}
    policy = KeepBest(share=0.2, keep=2)
    trained = {run: train(tmp_path, run, floor, policy=policy, least_runs=3)[0] for run, floor in floors.items()}
    # one after the other: the first two have nobody before them, f is better than they were at the same place
    assert trained == {"a": 20, "b": 20, "c": 4, "d": 4, "e": 4, "f": 20}
    decision = json.loads((tmp_path / "decisions" / "d.json").read_text())
    assert decision["action"] == "stop" and decision["at"] == 0.2
    assert decision["reason"].startswith("place 4 of 4 at 20 % of the budget, 0.6 behind")
    assert json.loads((tmp_path / "decisions" / "f.json").read_text())["action"] == "continue"
    result = estimate(read_curves(tmp_path), epochs=4, total_epochs=20)
    assert result.ranking == ("f", "a", "b", "c", "d", "e")


def test_interleaved_runs_are_judged_again_when_others_arrive(tmp_path: Path) -> None:
    policy = Halving(eta=2.0, first=0.25)
    recorders = [
        Recorder(tmp_path, f"r{index}", steps_per_epoch=1, total_epochs=20, policy=policy) for index in range(4)
    ]
    trained = [0] * 4
    for _ in range(20):
        for index, recorder in enumerate(recorders):
            if not recorder.should_stop():
                trained[index] += 1
                recorder.step(1.0 - 0.1 * index)
    for recorder in recorders:
        recorder.close()
    # rungs at 5 and 10 epochs: the better two of four pass the first, the better one of them the second
    assert trained == [5, 5, 10, 20]


def test_a_diverged_run_stops_at_once(tmp_path: Path) -> None:
    with Recorder(tmp_path, "a", steps_per_epoch=10, total_epochs=20, policy=KeepBest()) as recorder:
        recorder.step(1.0)
        assert not recorder.should_stop()
        recorder.step(math.nan)
        assert recorder.should_stop()
    assert recorder.decision is not None and recorder.decision.reason == "diverged: its loss is not finite"


def test_without_a_policy_nothing_stops(tmp_path: Path) -> None:
    for run, floor in (("a", 1.0), ("b", 9.0), ("c", math.nan)):
        assert train(tmp_path, run, floor)[0] == 20


def test_a_broken_neighbour_is_left_out_with_a_warning(tmp_path: Path) -> None:
    for run in "abcd":
        train(tmp_path, run, 1.0 + ord(run) / 100)
    (tmp_path / "broken.jsonl").write_text("not json\nat all\n")
    (tmp_path / "begun.jsonl").write_text('{"run": "begun", "epo')
    with pytest.warns(UserWarning, match=r"left out of the comparison: .*broken\.jsonl, line 1"):
        epochs, recorder = train(tmp_path, "z", 5.0, policy=KeepBest(share=0.2, keep=1))
    assert epochs == 4
    assert recorder.decision is not None and "place 5 of 5" in recorder.decision.reason


def test_the_callbacks_import_without_any_of_the_libraries() -> None:
    code = """
import sys
for name in ("torch", "transformers", "lightning", "pytorch_lightning", "optuna", "sklearn"):
    sys.modules[name] = None
from chemscale.base.errors import UserError
from chemscale.tpe.callbacks import CurvePruner, HuggingFaceCallback, LightningCallback, Recorder
for make, install in (
    (lambda: CurvePruner(10), "pip install optuna"),
    (lambda: HuggingFaceCallback("curves", "a"), "pip install transformers"),
    (lambda: LightningCallback("curves", "a"), "pip install lightning"),
):
    try:
        make()
    except UserError as error:
        assert str(error).endswith(install), error
    else:
        raise AssertionError(install)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
