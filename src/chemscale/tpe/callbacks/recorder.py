"""The losses of one run, kept in a folder that runs share, and whether this run should stop: plain Python."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from chemscale.base.errors import ConfigError, DataError
from chemscale.base.files import write_json
from chemscale.tpe.callbacks.checks import Checks
from chemscale.tpe.callbacks.curve_file import CurveFile, Setting
from chemscale.tpe.callbacks.curve_folder import CurveFolder
from chemscale.tpe.callbacks.standing import diverged, standing
from chemscale.tpe.curve import SAME_PLACE
from chemscale.tpe.estimators import Reading
from chemscale.tpe.policies.decision import Decision, Policy

LARGEST_HOLE = 1.0  # epochs that a log may lack where it is gone on with, as after a power cut


class Recorder:
    """Records one run and compares it with the others in the folder.

        recorder = Recorder("curves", "lr0.1", steps_per_epoch=100, total_epochs=20, policy=KeepBest(share=0.2, keep=3))
        recorder.step(loss)                       # after every training step
        if recorder.should_stop(): break          # after every epoch, or every step

    The folder may be used by any number of processes at once. Compare different batch sizes by giving each run its own
    `steps_per_epoch`: epochs, and so examples, are what counts. The last decision on the run is also written to
    `decisions/<run>.json` in the folder.

    Attributes:
        decision: the last decision with its reason; None before the first.
    """

    def __init__(
        self,
        folder: str | Path,
        run: str,
        *,
        steps_per_epoch: int | None = None,
        total_epochs: float | None = None,
        policy: Policy | None = None,
        settings: Mapping[str, Setting] | None = None,
        resumed_at: float = 0.0,
        reading: Reading | None = None,
        least_runs: int = 4,
    ) -> None:
        """Prepare; the first step writes.

        Args:
            folder: shared by the runs that are compared; made if absent.
            run: this run's name, its own within the folder; the file is `<run>.jsonl`.
            steps_per_epoch: steps that make one epoch; where absent, every `step` says how far the run is.
            total_epochs: the full budget of every run; a policy needs it.
            policy: who goes on; None only records.
            settings: such as {"lr": 0.1, "seed": 0}; runs that differ in nothing but a seed measure the seed noise.
            resumed_at: epochs completed by the checkpoint that the run goes on from; what the file holds after that
                is dropped. 0 starts anew, and an earlier file of this run is kept aside as `<run>.jsonl.old`.
            reading: how the curves are read; by their validation losses where all runs have them.
            least_runs: no run is stopped before so many have reached the policy's first place.

        Raises:
            ConfigError: a value out of its bounds, or a policy without `total_epochs`.
            DataError: the run is there with other settings, or its file ends long before `resumed_at`.
        """
        if steps_per_epoch is not None and steps_per_epoch < 1:
            raise ConfigError(f"steps_per_epoch: expected 1 or more, got {steps_per_epoch!r}")
        if not (math.isfinite(resumed_at) and resumed_at >= 0):
            raise ConfigError(f"resumed_at: expected epochs completed, 0 or more, got {resumed_at!r}")
        if least_runs < 1:
            raise ConfigError(f"least_runs: expected 1 or more, got {least_runs!r}")
        self.folder = Path(folder)
        self.run = run
        self.policy = policy
        self.total_epochs = total_epochs
        self.decision: Decision | None = None
        self._steps_per_epoch = steps_per_epoch
        self._least_runs = least_runs
        self._reading = _with_total(reading or Reading(source="validation"), total_epochs)
        self._checks = Checks(policy, total_epochs)
        self._file = CurveFile(self.folder, run, settings or {}, resumed_at)
        self._neighbours = CurveFolder(self.folder)
        self._progress = float(resumed_at)
        self._steps = round(resumed_at * (steps_per_epoch or 0))
        self._held: list[tuple[float, int, float]] = []
        self._diverged = False
        if resumed_at - self._file.last_epoch > LARGEST_HOLE + SAME_PLACE:
            raise DataError(
                f"{self._file.path}: the log ends after {self._file.last_epoch:g} epochs, the run goes on at "
                f"{resumed_at:g}. Record the run from its start, or go on in the folder that holds its first part."
            )

    @property
    def progress(self) -> float:
        """Epochs completed."""
        return self._progress

    def step(self, loss: Any, *, progress: float | None = None, step: int | None = None) -> None:
        """Record the training loss of the step that has just been taken.

        Args:
            loss: a number, or what becomes one by `float`; NaN and infinity mean that the run has diverged.
            progress: epochs completed after this step; needed where `steps_per_epoch` was not given.
            step: the step's number; counted here where absent.

        Raises:
            ConfigError: nothing says how far the run is, or it is not a number.
            DataError: the loss is no number.
            BusyError, StorageError: the file is another recorder's, or cannot be written.
        """
        value = _number("loss", loss)
        self._steps = self._steps + 1 if step is None else step
        self._progress = self._place(progress)
        self._file.append(self._progress, self._steps, {"train_loss": value})
        self._diverged = self._diverged or not math.isfinite(value)
        for at, number, held in self._held:
            self._file.append(at, number, {"validation_loss": held})
        self._held.clear()

    def validation(self, loss: Any) -> None:
        """Record a validation loss, measured after the last step; errors as in `step`."""
        row = (self._progress, self._steps, _number("validation loss", loss))
        if self._file.is_new:  # a file begins with a training loss
            self._held.append(row)
        else:
            self._file.append(row[0], row[1], {"validation_loss": row[2]})

    def should_stop(self) -> bool:
        """Whether the policy stops this run; cheap where nothing can have changed since the last time."""
        stopped = self.decision is not None and self.decision.action == "stop"
        if not stopped and (self._diverged or self._checks.due(self._progress)):
            self.judge()
        return self.decision is not None and self.decision.action == "stop"

    def judge(self) -> Decision | None:
        """Compare with the other runs as they are now; None where it is too early, or there is no policy."""
        if self.policy is None or self.total_epochs is None:
            return None
        if self._diverged:
            decision: Decision | None = diverged(self.run, self._progress / self.total_epochs)
        elif self._progress < min(self.policy.places(self.total_epochs), default=math.inf) * self.total_epochs - 1e-9:
            decision = None
        else:
            decision = standing(
                self.run,
                self._neighbours.curves(),
                self.policy,
                total_epochs=self.total_epochs,
                reading=self._reading,
                least_runs=self._least_runs,
            )
        if decision is not None and decision != self.decision:
            write_json(self.folder / "decisions" / f"{self.run}.json", decision.to_dict())
        self.decision = decision
        return decision

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """The recorder itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of the file."""
        self.close()

    def _place(self, progress: float | None) -> float:
        if progress is not None:
            place = float(progress)
        elif self._steps_per_epoch is not None:
            place = self._steps / self._steps_per_epoch
        else:
            raise ConfigError(
                "steps_per_epoch: give it to the Recorder, or `progress` (epochs completed) to every step"
            )
        if not (math.isfinite(place) and place > 0):
            raise ConfigError(f"progress: expected the epochs completed after this step, more than 0, got {progress!r}")
        return place


def _with_total(reading: Reading, total_epochs: float | None) -> Reading:
    if total_epochs is None or not math.isnan(reading.total_epochs):
        return reading
    return replace(reading, total_epochs=total_epochs)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        raise DataError(f"{name}: expected a number, got {type(value).__name__} {str(value)[:60]!r}") from None
