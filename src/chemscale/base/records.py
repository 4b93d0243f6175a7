"""The run folder: everything one run leaves behind, and the only state a study has.

config.json    the run's fully resolved configuration
curve.jsonl    one line per evaluation (`CurvePoint`)
steps.npy      the training loss of every step [steps], float32
checkpoint/    latest and best
result.json    written once, last, by atomic rename (`RunResult`): a folder without it is unfinished
failure.json   the error and traceback of the last attempt, where it failed
"""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from chemscale.base.errors import DataError
from chemscale.base.files import finite, read_json, replacing, write_atomically, write_json

RunState = Literal["finished", "diverged", "failed", "running", "unfinished", "new"]


@dataclass(frozen=True)
class CurvePoint:
    """One evaluation of a run. Losses are in the world's unit (language: nats per token)."""

    step: int
    epoch: float
    examples: int
    tokens: int
    train_loss: float
    validation_loss: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class RunResult:
    """What a finished run has to say; `result.json` is this, one level deep."""

    status: Literal["finished", "diverged"]
    losses: dict[str, float]
    resources: dict[str, float]
    environment: dict[str, str]
    data_hash: str
    stopped_by: str = "budget"


@dataclass(frozen=True)
class RunFolder:
    """Reads and writes the files of one run."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """The folder of the latest and the best checkpoint."""
        return self.path / "checkpoint"

    def is_finished(self) -> bool:
        """Whether there is a readable `result.json`: such a run is never run again."""
        if not (self.path / "result.json").exists():
            return False
        try:
            self.result()
        except (DataError, TypeError, KeyError):
            return False
        return True

    def state(self) -> RunState:
        """The state as far as the files tell; `running` is known only to who holds or sees the run's lock."""
        if self.is_finished():
            return self.result().status
        if (self.path / "failure.json").exists():
            return "failed"
        return "unfinished" if (self.path / "config.json").exists() else "new"

    def write_config(self, values: Mapping[str, Any]) -> None:
        """Write `config.json`."""
        write_json(self.path / "config.json", values)

    def config(self) -> dict[str, Any]:
        """The resolved configuration as plain values."""
        return dict(read_json(self.path / "config.json"))

    def write_curve(self, points: list[CurvePoint]) -> None:
        """Write the whole curve atomically, so that a kill never leaves half a line."""
        lines = [json.dumps(finite(dataclasses.asdict(point))) for point in points]
        write_atomically(self.path / "curve.jsonl", "".join(line + "\n" for line in lines))

    def curve(self) -> list[CurvePoint]:
        """The evaluations so far, in order; empty where there is none yet."""
        path = self.path / "curve.jsonl"
        if not path.exists():
            return []
        return [CurvePoint(**_with_nan(json.loads(line))) for line in path.read_text().splitlines() if line]

    def write_step_losses(self, losses: np.ndarray) -> None:
        """Write `steps.npy`: the training loss of every step [steps]."""
        with replacing(self.path / "steps.npy") as temporary:
            np.save(temporary, losses.astype(np.float32))

    def step_losses(self) -> np.ndarray:
        """The training loss of every step [steps], float32; empty where there is none yet."""
        path = self.path / "steps.npy"
        return np.load(path) if path.exists() else np.zeros(0, np.float32)

    def write_result(self, result: RunResult) -> None:
        """Write `result.json`: the run's last act."""
        (self.path / "failure.json").unlink(missing_ok=True)
        write_json(self.path / "result.json", dataclasses.asdict(result))

    def result(self) -> RunResult:
        """The result of a finished run; a loss that was not finite is NaN."""
        values = read_json(self.path / "result.json")
        values["losses"] = _with_nan(values["losses"])
        return RunResult(**values)

    def write_failure(self, error: str, traceback: str) -> None:
        """Keep the error of an attempt; the next attempt continues from the checkpoint."""
        write_json(self.path / "failure.json", {"error": error, "traceback": traceback})

    def failure(self) -> dict[str, str]:
        """The error and traceback of the last attempt."""
        return dict(read_json(self.path / "failure.json"))


def _with_nan(values: dict[str, Any]) -> dict[str, Any]:
    return {key: math.nan if value is None else value for key, value in values.items()}
