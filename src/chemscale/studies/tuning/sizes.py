"""How long every run is: steps, labels and operations, exact and before anything is trained."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chemscale.studies.run import RunConfig

ROUNDING = 1e-6  # of a step


@dataclass(frozen=True)
class RunSize:
    """The size of one run.

    Attributes:
        steps_per_epoch: optimiser steps of one pass over the data.
        total_steps: of the whole run.
        labels_per_epoch: of one pass over the data.
        flops_per_label: training operations of one label, in closed form.
    """

    steps_per_epoch: int
    total_steps: int
    labels_per_epoch: int
    flops_per_label: float

    def step_at(self, share: float) -> int:
        """The first step at or after a share of the budget: an evaluation that is planned there is then done."""
        return min(self.total_steps, max(1, math.ceil(share * self.total_steps - ROUNDING)))

    def flops(self, steps: int) -> float:
        """Training operations of so many steps."""
        return self.flops_per_label * self.labels_per_epoch * steps / self.steps_per_epoch


def run_sizes(runs: Sequence[RunConfig]) -> dict[str, RunSize]:
    """The size of every run, by its name; reads the data once for each model and batch size.

    Raises:
        UserError: the data cannot be had.
    """
    found: dict[object, tuple[int, int, float]] = {}
    sizes = {}
    for run in runs:
        key = (run.family, run.model, run.data, run.training.batch_size)
        if key not in found:
            task = run.world.make_task(run)
            per_label = float(task.resources().get("flops_per_label", math.nan))
            found[key] = (task.steps_per_epoch, task.labels_per_epoch, per_label)
        steps, labels, per_label = found[key]
        sizes[run.name()] = RunSize(steps, run.training.total_steps(steps, labels), labels, per_label)
    return sizes
