"""How fast this machine trains each model of a study, measured in a few steps."""

import contextlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from chemscale.base.errors import ConfigError
from chemscale.base.progress import progress_bar
from chemscale.base.records import RunFolder
from chemscale.studies.run import RunConfig
from chemscale.training.config import TrainingConfig
from chemscale.training.loop import TrainingRun
from chemscale.training.precision import float32_products, resolve_precision
from chemscale.training.workload import Workload

STEPS = 1 + 4  # one to warm up, and one pass over the shapes of a rehearsal
MOST_PASSES = 5
FIRST_GUESS = 2e9  # FLOP/s of one core, before anything has been measured


@dataclass(frozen=True)
class Speed:
    """Training speed of one model.

    Attributes:
        flops_per_second: of the closed form's operations.
        measured: False where it is that of the largest model that could be measured.
    """

    flops_per_second: float
    measured: bool


def run_precision(run: RunConfig) -> str:
    """The precision that a run would take on this machine.

    Raises:
        ConfigError: the run is meant for a GPU, which is not what is measured here.
    """
    device = run.placement.device
    if device != "cpu":
        raise ConfigError(f"device: the runs are for {device}, but 'this' measures the processor; set device to cpu")
    return resolve_precision(run.training, torch.device(device), run.model.width, run.world.arithmetic)


def measure_speeds(runs: Sequence[tuple[RunConfig, Workload]], seconds: float) -> list[Speed]:
    """Train a few steps of every model of a study on random data of the right shape, from the smallest on.

    Each model gets an equal share of the time that is left, and as many examples of its batch as fit into that share;
    one whose single example does not fit is given the speed of the largest model that was measured.

    Args:
        runs: one run and its workload for every model and batch that matters.
        seconds: about how long to measure in all.
    """
    speeds = [Speed(FIRST_GUESS, measured=False)] * len(runs)
    latest, deadline = FIRST_GUESS, time.perf_counter() + seconds
    order = sorted(range(len(runs)), key=lambda place: _flops_per_example(runs[place][1]))
    with progress_bar("measuring this machine", len(runs), "models") as bar:
        for done, place in enumerate(order):
            run, workload = runs[place]
            flops = _flops_per_example(workload)
            share = max(0.0, deadline - time.perf_counter()) / (len(runs) - done)
            n_examples = min(workload.batch_size, int(share * latest / (flops * STEPS)))
            if n_examples >= 1 or done == 0:
                n_examples = max(1, n_examples)
                latest = training_speed(run, n_examples, share)
            speeds[place] = Speed(latest, measured=n_examples >= 1)
            bar.advance()
    return speeds


def _flops_per_example(workload: Workload) -> float:
    return workload.training_flops / workload.steps / workload.batch_size


def training_speed(run: RunConfig, n_examples: int, seconds: float) -> float:
    """FLOP/s of the fastest pass over the rehearsal's batches of so many examples, after a step to warm up.

    Other work on the machine only ever slows a pass down, so a few are timed while the time lasts.
    """
    device = torch.device(run.placement.device)
    threads = torch.get_num_threads()
    torch.set_num_threads(run.placement.threads)
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as products:
            task = run.world.rehearsal(run, n_examples)
            products.enter_context(float32_products(device, run.model.width, task.arithmetic))
            training = _rehearsed_training(run.training, 1 + MOST_PASSES * task.steps_per_epoch)
            rehearsed = TrainingRun(task, training, RunFolder(Path(folder)), device)
            rehearsed.model.train()
            rehearsed.train_step()
            deadline, passes = time.perf_counter() + seconds, [_timed_pass(rehearsed, task.steps_per_epoch)]
            while time.perf_counter() + passes[0] < deadline and len(passes) < MOST_PASSES:
                passes.append(_timed_pass(rehearsed, task.steps_per_epoch))
    finally:
        torch.set_num_threads(threads)
    return task.resources()["flops_per_label"] * task.labels_per_epoch / min(passes)


def _rehearsed_training(training: TrainingConfig, steps: int) -> TrainingConfig:
    changes = {"steps": steps, "epochs": None, "tokens": None, "accumulate": 1, "compile": False}
    return training.model_copy(update=changes)


def _timed_pass(rehearsed: TrainingRun, steps: int) -> float:
    start = time.perf_counter()
    for _ in range(steps):
        rehearsed.train_step()
    return time.perf_counter() - start
