"""What a tune spent, against training every run to the end: steps, seconds and training operations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chemscale.base.records import RunFolder
from chemscale.studies.tuning.candidates import steps_done
from chemscale.studies.tuning.cooldown import fork_folder, origin_seconds, origin_step
from chemscale.studies.tuning.sizes import RunSize
from chemscale.studies.tuning.training import Tuning


@dataclass(frozen=True)
class Amount:
    """Training work.

    Attributes:
        steps: optimiser steps.
        seconds: wall seconds of the runs, evaluations included, one after the other.
        flops: training operations, closed form.
    """

    steps: float
    seconds: float
    flops: float

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.steps + other.steps, self.seconds + other.seconds, self.flops + other.flops)

    def times(self, factor: float) -> "Amount":
        """So many times as much."""
        return Amount(self.steps * factor, self.seconds * factor, self.flops * factor)


NOTHING = Amount(0, 0.0, 0.0)


@dataclass(frozen=True)
class Saving:
    """What was spent, of what.

    Attributes:
        spent: by all runs and by the forks.
        forks: the part of it that forks spent.
        full: training every run to the end, at each run's own pace; a run that diverged would have ended there too.
    """

    spent: Amount
    forks: Amount
    full: Amount

    def shares(self) -> dict[str, float]:
        """The share of steps, seconds and operations that was saved."""
        return {
            name: 1 - getattr(self.spent, name) / getattr(self.full, name) for name in ("steps", "seconds", "flops")
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "spent": vars(self.spent),
            "of_which_forks": vars(self.forks),
            "full": vars(self.full),
            "saved": self.shares(),
        }


def saving_of(tuning: Tuning, forked: Sequence[str]) -> Saving:
    """Add up what the run folders say.

    Args:
        tuning: the tune.
        forked: runs whose forks were trained.
    """
    spent = full = forks = NOTHING
    for name, size in tuning.sizes.items():
        folder = tuning.run_folder(name)
        done = spent_on(folder, size)
        spent += done
        full += done if folder.is_finished() or not done.steps else done.times(size.total_steps / done.steps)
    for name in forked:
        forks += _spent_on_fork(fork_folder(tuning, name), tuning.sizes[name])
    return Saving(spent + forks, forks, full)


def spent_on(folder: RunFolder, size: RunSize) -> Amount:
    """What one run has taken so far; seconds after its last evaluation at the pace before it."""
    if folder.is_finished():
        resources = folder.result().resources
        return Amount(int(resources["steps"]), resources["seconds"], resources["training_flops"])
    steps, points = steps_done(folder), folder.curve()
    seconds = points[-1].seconds * steps / points[-1].step if points else 0.0
    return Amount(steps, seconds, size.flops(steps))


def _spent_on_fork(folder: RunFolder, size: RunSize) -> Amount:
    whole, start = spent_on(folder, size), origin_step(folder)
    return whole + Amount(-start, -origin_seconds(folder), -size.flops(start))
