"""Where a study stands: every run of the grid and its state."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import filelock

from chemscale.studies.execute import read_study_values
from chemscale.studies.study import parse_study
from chemscale.studies.tables import look_up, run_folder


@dataclass(frozen=True)
class RunStatus:
    """One run of the grid.

    Attributes:
        name: folder name.
        settings: the varying keys and their values.
        state: finished, diverged, failed, running, unfinished or new.
        validation_loss: the best so far, NaN where there is none.
        message: the error of a failed run.
    """

    name: str
    settings: dict[str, str]
    state: str
    validation_loss: float
    message: str


def study_status(folder: Path) -> list[RunStatus]:
    """The state of every run of the study in `folder`, in the order of the grid.

    Raises:
        ConfigError: there is no study in the folder.
    """
    study = parse_study(read_study_values(folder))
    rows = []
    for run in study.runs:
        here = run_folder(folder, run)
        values = run.to_dict()
        settings = {key: str(look_up(values, key)) for key in study.varying}
        state: str = here.state()
        if state in ("failed", "unfinished") and _is_locked(here.path):
            state = "running"
        message = here.failure()["error"] if state == "failed" else ""
        losses = [point.validation_loss for point in here.curve()]
        rows.append(RunStatus(run.name(), settings, state, min(losses, default=float("nan")), message))
    return rows


def count_states(rows: list[RunStatus]) -> dict[str, int]:
    """How many runs are in each state."""
    return dict(Counter(row.state for row in rows))


def _is_locked(folder: Path) -> bool:
    if not (folder / ".lock-holder").exists():
        return False
    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return True
    lock.release()
    return False
