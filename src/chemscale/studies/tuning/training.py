"""Train a set of runs of a tune, each to its own step, on the workers of a study."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chemscale.base.errors import BusyError, UserError
from chemscale.base.records import RunFolder
from chemscale.studies.execute import Stretch, train_stretches
from chemscale.studies.messages import Job
from chemscale.studies.run import RunConfig
from chemscale.studies.study import Study
from chemscale.studies.tables import run_folder
from chemscale.studies.tuning.candidates import has_ended, steps_done
from chemscale.studies.tuning.config import TuneConfig
from chemscale.studies.tuning.sizes import RunSize
from chemscale.tpe import Policy, Reading


@dataclass(frozen=True)
class Tuning:
    """What stays the same during a tune.

    Attributes:
        study: the runs.
        settings: the [tune] table.
        policy: who goes on; None where all do.
        reading: how curves are read.
        folder: the tune's folder, as a study's.
        sizes: the size of every run, by its name.
        total_epochs: the budget of every run.
        workers: runs at a time; None takes one per core.
        executor: where runs are placed.
    """

    study: Study
    settings: TuneConfig
    policy: Policy | None
    reading: Reading
    folder: Path
    sizes: Mapping[str, RunSize]
    total_epochs: float
    workers: int | None
    executor: str

    @property
    def runs(self) -> dict[str, RunConfig]:
        """The runs by name, in the order of the grid."""
        return {run.name(): run for run in self.study.runs}

    @property
    def estimator(self) -> str:
        """The score that decides and predicts."""
        if self.policy is not None:
            return self.policy.estimator
        return self.settings.estimator or "window"

    @property
    def scored_at(self) -> float:
        """The share of the budget at which all runs stood, and are scored."""
        return self.settings.scored_at(self.total_epochs)

    def run_folder(self, name: str) -> RunFolder:
        """The folder of a run."""
        return run_folder(self.folder, self.runs[name])


def train_to(tuning: Tuning, until: Mapping[str, int], title: str) -> dict[str, str]:
    """Train runs from where they stand to a step each; those that have come so far, or have ended, are left alone.

    Args:
        tuning: the tune.
        until: run -> step; the run's last step for the end.
        title: what the progress bar says.

    Returns:
        Runs that failed -> their error, where `skip_failed` allows it.

    Raises:
        BusyError: another process is training one of them.
        UserError: runs failed.
    """
    runs = tuning.runs
    stretches = []
    for name, step in until.items():
        folder, size = tuning.run_folder(name), tuning.sizes[name]
        if not has_ended(folder, step) or (step >= size.total_steps and not folder.is_finished()):
            pause = step if step < size.total_steps else None
            job = Job(name, runs[name].to_dict(), folder.path, pause)
            stretches.append(Stretch(job, runs[name], steps_done(folder), size.total_steps))
    return carry_out(tuning, stretches, f"{title}: {_count(len(stretches), 'run')}", len(until))


def carry_out(tuning: Tuning, stretches: list[Stretch], title: str, n_wanted: int) -> dict[str, str]:
    """Carry out stretches of training, those left of `n_wanted` runs; answer and errors as in `train_to`."""
    ended = train_stretches(stretches, title, workers=tuning.workers, executor=tuning.executor)
    busy = [end for end in ended if end.status == "busy"]
    if busy:
        raise BusyError(f"{busy[0].message} Then run the same command again: it goes on where it stopped.")
    failed = {end.name: end.message for end in ended if end.status == "failed"}
    if failed and (not tuning.settings.skip_failed or len(failed) == n_wanted):
        name, message = next(iter(failed.items()))
        folder = next(one.job.folder for one in stretches if one.job.name == name)
        raise UserError(
            f"{len(failed)} of {_count(len(stretches), 'run')} failed, {name} with: {message}\n"
            f"{folder / 'failure.json'} has the traceback. The same command tries them again and "
            "goes on; to go on without them, --set tune.skip_failed=true"
        )
    return failed


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
