"""A tune of tiny runs, carried out in this process: starting workers would take most of the time."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from chemscale.base.errors import BusyError
from chemscale.studies.execute import EXECUTORS, Executor
from chemscale.studies.messages import Ended, Job, Progress
from chemscale.studies.run import execute_run, parse_run


def run_here(
    jobs: Sequence[Job], n_workers: int, threads: int, on_message: Callable[[Progress | Ended], None]
) -> list[Ended]:
    """An executor without worker processes."""
    ended = []
    for job in jobs:

        def report(done: int, total: int, loss: float, name: str = job.name) -> None:
            on_message(Progress(name, done, total, loss))

        try:
            result = execute_run(parse_run(job.values), job.folder, report, job.until_step)
            ended.append(Ended(job.name, result.status if result else "paused"))
        except BusyError as error:
            ended.append(Ended(job.name, "busy", str(error)))
        except Exception as error:
            ended.append(Ended(job.name, "failed", f"{type(error).__name__}: {error}"))
        on_message(ended[-1])
    return ended


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> Executor:
    """The executor `here`, and its function."""
    monkeypatch.setitem(EXECUTORS, "here", run_here)
    return run_here


@pytest.fixture
def tiny_tune(smiles_file: Path) -> dict[str, Any]:
    """Five rates and two batch sizes; 40 steps of 10 an epoch, or 20 of 5, so that every place is a whole step."""
    return {
        "family": "chemgpt",
        "study": {"title": "tiny tune"},
        "model": {"width": 4, "n_layers": 1, "n_heads": 2, "max_positions": 128},
        "data": {"source": str(smiles_file), "size": 40, "validation_size": 20, "max_tokens": 64},
        "training": {"epochs": 4, "evaluations": 20, "gradient_clip": 1.0, "warmup_steps": 1},
        "tune": {"keep": 2},
        "grid": {"training": {"learning_rate": [1e-3, 3e-3, 1e-2, 3e-2, 1e3], "batch_size": [4, 8]}},
    }
