"""Killed at any moment, a tune goes on with the same decisions, and its runs come out to the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from chemscale.base import files
from chemscale.base.errors import BusyError
from chemscale.base.records import RunFolder
from chemscale.studies.execute import Executor
from chemscale.studies.study import parse_study
from chemscale.studies.tuning.tune import tune


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.fixture
def resumable(tiny_tune: dict[str, Any]) -> dict[str, Any]:
    tiny_tune["grid"]["training"] = {"learning_rate": [1e-3, 1e-2, 3e-2, 1e3]}
    tiny_tune["training"] |= {"batch_size": 8, "checkpoint_seconds": 0.0}
    tiny_tune["tune"] = {"policy": "halving", "fraction": 0.1, "eta": 2.0, "calibration": 1, "cooldown": 1}
    return tiny_tune


def bytes_of(folder: Path) -> dict[str, tuple[bytes, list[float], bytes]]:
    """Step losses, validation losses and latest weights of every run and fork."""
    found = {}
    for path in sorted([*(folder / "runs").glob("*"), *(folder / "cooldown").glob("*")]):
        run = RunFolder(path)
        weights = torch.load(run.checkpoints / "latest.pt", weights_only=True)["model"]
        values = b"".join(weights[name].numpy().tobytes() for name in sorted(weights))
        losses = [point.validation_loss for point in run.curve()]
        found[path.name] = (run.step_losses().tobytes(), losses, values)
    return found


def decisions_of(folder: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (folder / "decisions.jsonl").read_text().splitlines()]
    return [{key: value for key, value in one.items() if key != "time"} for one in found]


def past_their_stop(folder: Path) -> list[str]:
    """Runs that were trained further than where they were stopped for good."""
    log = decisions_of(folder) if (folder / "decisions.jsonl").exists() else []
    stops = {one["run"]: one["step"] for one in log if one["action"] == "stop"}
    calibrating = {one["run"] for one in log if one["action"] == "calibrate"}
    done = {run: len(RunFolder(folder / "runs" / run).step_losses()) for run in stops}
    return [run for run, step in stops.items() if run not in calibrating and done[run] > step]


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Lets so many files be written, and then kills, in turn before and after the next is in its place."""
    left = {"writes": 10**9, "after": 0}
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        left["writes"] -= 1
        if left["writes"] < 0 and not left["after"]:
            raise Killed
        moved = real(self, target)
        if left["writes"] < 0:
            raise Killed
        return moved

    monkeypatch.setattr(files.Path, "replace", replace)
    yield left


def test_killed_at_any_write_it_comes_out_the_same(
    resumable: dict[str, Any], tmp_path: Path, dying: dict[str, int]
) -> None:
    whole = tune(resumable, tmp_path / "whole", executor="here")
    killed, n_kills, outcome = tmp_path / "killed", 0, None
    while outcome is None and n_kills < 60:
        dying["writes"], dying["after"] = 3 + 4 * n_kills, n_kills % 2
        try:
            outcome = tune(resumable, killed, executor="here")
        except Killed:
            n_kills += 1
        assert past_their_stop(killed) == []
    dying["writes"] = 10**9
    assert outcome is not None
    assert n_kills > 8
    assert decisions_of(killed) == decisions_of(tmp_path / "whole")
    assert bytes_of(killed) == bytes_of(tmp_path / "whole")
    assert [run.run for run in outcome.runs] == [run.run for run in whole.runs]
    assert outcome.saving.spent.steps == whole.saving.spent.steps


LOOP = """
import sys; from pathlib import Path; import json; from chemscale.studies.tuning.tune import tune
tune(json.loads(sys.argv[1]), Path(sys.argv[2]), workers=2)
"""


def test_kill_minus_nine_with_workers_comes_out_the_same(
    resumable: dict[str, Any], tmp_path: Path, here: Executor
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    resumable["training"]["checkpoint_seconds"] = 0.02
    tune(resumable, whole, executor="here")
    process = subprocess.Popen([sys.executable, "-c", LOOP, json.dumps(resumable), str(killed)])
    deadline = time.monotonic() + 120
    while not (killed / "decisions.jsonl").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (killed / "tune.json").exists()
    for _ in range(200):  # the orphaned workers notice within a few steps and let go of their runs
        try:
            tune(resumable, killed, executor="here")
            break
        except BusyError:
            time.sleep(0.05)
    assert decisions_of(killed) == decisions_of(whole)
    assert bytes_of(killed) == bytes_of(whole)
    assert past_their_stop(killed) == []


def test_a_run_stopped_is_not_trained_by_going_on(resumable: dict[str, Any], tmp_path: Path) -> None:
    """Decisions are made anew from the run folders where their file is lost."""
    tune(resumable, tmp_path, executor="here")
    before, folders = decisions_of(tmp_path), bytes_of(tmp_path)
    (tmp_path / "decisions.jsonl").unlink()
    tune(resumable, tmp_path, executor="here")
    assert decisions_of(tmp_path) == before
    assert bytes_of(tmp_path) == folders
    assert len(folders) == len(parse_study(resumable).runs) + 1
