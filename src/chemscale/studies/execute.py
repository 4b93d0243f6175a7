"""Carry out a study: skip what is finished, continue what is not, and gather the result."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from chemscale.base.errors import ConfigError, DataError
from chemscale.base.files import folder_lock, read_json, write_json
from chemscale.base.processor import available_cores
from chemscale.base.progress import Bar, progress_bar
from chemscale.base.records import RunFolder
from chemscale.studies.local import run_locally
from chemscale.studies.messages import Ended, Job, Progress
from chemscale.studies.run import RunConfig, check_same_data
from chemscale.studies.study import Study
from chemscale.studies.tables import curves_table, run_folder, study_table

Executor = Callable[[Sequence[Job], int, int, Callable[[Progress | Ended], None]], list[Ended]]
EXECUTORS: dict[str, Executor] = {"local": run_locally}


@dataclass(frozen=True)
class StudyOutcome:
    """What a study has so far.

    Attributes:
        table: one row per finished run.
        curves: one row per evaluation.
        failed: runs that failed, and runs that another process is training.
        n_left: runs of the grid that are not finished, failed ones included.
        environment: versions and machine of the finished runs; several values of one name are joined.
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    failed: tuple[Ended, ...]
    n_left: int
    environment: dict[str, str]


def execute_study(study: Study, folder: Path, *, workers: int | None = None, executor: str = "local") -> StudyOutcome:
    """Train every run of a study that is not finished yet.

    Args:
        study: the expanded study.
        folder: the study's folder; runs go to `folder/runs`, the study's values to `folder/study.json`.
        workers: runs at a time; None takes one per core.
        executor: `local`.

    Raises:
        BusyError: another process is working on this study.
        ConfigError: the folder holds another study.
        UserError: the data cannot be had.
    """
    check_executor(executor)
    with folder_lock(folder, "running the study"):
        record_study(study, folder)
        check_data(study, folder)
        todo = [run for run in study.runs if not run_folder(folder, run).is_finished()]
        stretches = [Stretch(Job(run.name(), run.to_dict(), run_folder(folder, run).path), run) for run in todo]
        ended = train_stretches(stretches, f"{len(todo)} runs", workers=workers, executor=executor)
        return gather(study, folder, tuple(end for end in ended if end.status == "busy"))


def gather(study: Study, folder: Path, busy: tuple[Ended, ...] = ()) -> StudyOutcome:
    """Read the state of a study from its run folders."""
    folders = [run_folder(folder, run) for run in study.runs]
    failed = [Ended(run.name, "failed", run.failure()["error"]) for run in folders if run.state() == "failed"]
    table = study_table(folder, study.runs, study.varying)
    return StudyOutcome(
        table=table,
        curves=curves_table(folder, study.runs, study.varying),
        failed=(*failed, *busy),
        n_left=len(folders) - len(table),
        environment=_environment(folders),
    )


def read_study_values(folder: Path) -> dict[str, Any]:
    """The plain values of the study in a folder.

    Raises:
        ConfigError: there is no study in it.
    """
    path = folder / "study.json"
    if not path.exists():
        raise ConfigError(f"{folder}: no study here (study.json is missing)")
    try:
        return dict(read_json(path))
    except DataError as error:
        raise DataError(f"{error}. Run `chemscale study` with the same settings to write it again.") from None


def _environment(folders: list[RunFolder]) -> dict[str, str]:
    values: dict[str, set[str]] = {}
    for folder in folders:
        if folder.is_finished():
            for name, value in folder.result().environment.items():
                values.setdefault(name, set()).add(value)
    return {name: ", ".join(sorted(found)) for name, found in values.items()}


def record_study(study: Study, folder: Path) -> None:
    """Write `study.json`.

    Raises:
        ConfigError: the folder holds runs that are not in this study.
    """
    path = folder / "study.json"
    values = json.loads(json.dumps(study.values))
    try:
        before = read_json(path) if path.exists() else values
    except DataError:
        before = None
    if before != values:
        known = {run.name() for run in study.runs}
        others = [p.name for p in (folder / "runs").glob("*") if p.name not in known]
        if others:
            raise ConfigError(
                f"{folder}: holds another study ({len(others)} of its runs are not in this one, e.g. {others[0]}). "
                "Use another --out, or the same settings."
            )
    write_json(path, values)


def check_data(study: Study, folder: Path) -> None:
    """Prepare every data configuration once, and see that finished runs were trained on the same."""
    hashes = {data: world.prepare(data) for data, world in {run.data: run.world for run in study.runs}.items()}
    for run in study.runs:
        check_same_data(run_folder(folder, run), hashes[run.data])


def check_executor(executor: str) -> None:
    """See that there is such an executor.

    Raises:
        ConfigError: there is not.
    """
    if executor not in EXECUTORS:
        raise ConfigError(f"executor: {executor!r} is not one of {', '.join(EXECUTORS)}")


@dataclass(frozen=True)
class Stretch:
    """A job and the part of its run that it is about: from a step, where the run stands, to a step or the end.

    Attributes:
        job: what a worker is told.
        run: the run's configuration.
        from_step: steps that were done before.
        total_steps: of the whole run; needed only where the job does not go from the first step to the last.
    """

    job: Job
    run: RunConfig
    from_step: int = 0
    total_steps: int | None = None

    def cost(self) -> float:
        """Expected cost in arbitrary units."""
        if self.total_steps is None:
            return _relative_cost(self.run)
        end = self.total_steps if self.job.until_step is None else self.job.until_step
        return _relative_cost(self.run) * max(1, end - self.from_step) / self.total_steps

    def share(self, done: int, total: int) -> float:
        """How much of it is done when the run has taken `done` of its `total` steps."""
        end = total if self.job.until_step is None else self.job.until_step
        return min(1.0, max(0.0, (done - self.from_step) / max(1, end - self.from_step)))


def train_stretches(
    stretches: Sequence[Stretch], title: str, *, workers: int | None = None, executor: str = "local"
) -> list[Ended]:
    """Carry out jobs on workers behind one progress bar; returns how each ended.

    Args:
        stretches: the jobs, none to a run that is finished.
        title: what the bar says.
        workers: runs at a time; None takes one per core.
        executor: a key of `EXECUTORS`.
    """
    if not stretches:
        return []
    # the longest first, so that no worker is left alone at the end
    jobs = [one.job for one in sorted(stretches, key=Stretch.cost, reverse=True)]
    n_workers = min(len(jobs), workers or _default_workers([one.run for one in stretches]))
    threads = max(one.run.placement.threads for one in stretches)
    with progress_bar(f"{title} on {n_workers} worker{'s' * (n_workers > 1)}", 100.0) as bar:
        return EXECUTORS[executor](jobs, n_workers, threads, _Display(bar, stretches))


def _default_workers(todo: list[RunConfig]) -> int:
    """One worker per core, fewer where runs have several threads, and one where they share a GPU."""
    if any(run.placement.device != "cpu" for run in todo):
        return 1
    return max(1, available_cores() // max(run.placement.threads for run in todo))


def _relative_cost(run: RunConfig) -> float:
    """Expected cost in arbitrary units: examples seen times cost per token, with a share that no width changes."""
    model, training = run.model, run.training
    per_token = model.n_parameters() + 34_000.0 * getattr(model, "n_layers", 1)
    size = run.data.size if isinstance(run.data.size, int) else 1_000_000
    if training.steps is not None:
        return per_token * float(training.steps) * training.batch_size
    if training.tokens is not None:
        return per_token * training.tokens
    return per_token * float(training.epochs or 1) * size


class _Display:
    """Turns messages into one bar: the share of the expected work that is done."""

    def __init__(self, bar: Bar, stretches: Sequence[Stretch]) -> None:
        self._bar = bar
        self._stretches = {one.job.name: one for one in stretches}
        self._costs = {one.job.name: one.cost() for one in stretches}
        self._shares = dict.fromkeys(self._costs, 0.0)
        self._ended = self._failed = 0

    def __call__(self, message: Progress | Ended) -> None:
        if isinstance(message, Progress):
            self._shares[message.name] = self._stretches[message.name].share(message.done, message.total)
        else:
            self._shares[message.name] = 1.0
            self._ended += 1
            self._failed += message.status not in ("finished", "diverged", "paused")
        done = sum(self._costs[name] * share for name, share in self._shares.items())
        note = f"{self._ended}/{len(self._costs)} runs" + (f", {self._failed} failed" if self._failed else "")
        self._bar.update(100.0 * done / sum(self._costs.values()), note)
