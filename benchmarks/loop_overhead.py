"""What the training loop costs per step, beside the bare forward, backward and optimiser step; one run.

    python benchmarks/loop_overhead.py [--widths 16] [--layers 4 24] [--batches 32 98] [--rounds 30] [--breakdown]

About three minutes. Processor milliseconds per step on one thread, same model, same batches in the same order, same
optimiser and arithmetic. The target is an overhead of the loop below 10% at width 16. Evaluations and checkpoints are
not steps, and not in it.

    bare           zero_grad, loss, backward, step on batches made before
    bare, again    the same once more: how far two equal things differ here
    loop           TrainingRun.train_step on the same batches, and progress every few steps through a pipe to a bar,
                   both ends of the pipe counted (in a study the second end is another process)
    loop + data    the same, with every batch gathered from the corpus when it is needed
"""

import argparse
import cProfile
import math
import pstats
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from multiprocessing import Pipe
from pathlib import Path

import torch

from chemscale.base.progress import Bar
from chemscale.base.records import RunFolder
from chemscale.language import ChemGPTConfig
from chemscale.language.batches import TokenBatch
from chemscale.language.task import LanguageData, LanguageTask
from chemscale.studies.messages import Progress
from chemscale.training.config import TrainingConfig
from chemscale.training.loop import STEPS_BETWEEN_REPORTS, TrainingRun
from chemscale.training.matmul import probe_matmul_precision
from chemscale.training.precision import autocast
from side_by_side import machine_line, median_ratio, spread, take_turns

TOTAL_STEPS = 1_000_000
Step = Callable[[], None]


class BatchesMadeBefore(LanguageTask):
    """A task that has its first batches ready, and goes round them."""

    def __init__(self, model: ChemGPTConfig, data: LanguageData, batch_size: int, n_batches: int) -> None:
        super().__init__(model, data, batch_size, seed=0)
        self.ready = [LanguageTask.batch(self, step) for step in range(n_batches)]

    def batch(self, step: int) -> TokenBatch:
        """The batch of a step."""
        return self.ready[step % len(self.ready)]


class BatchesWhenNeeded(BatchesMadeBefore):
    """The same batches, gathered anew every time."""

    def batch(self, step: int) -> TokenBatch:
        """The batch of a step."""
        return LanguageTask.batch(self, step % len(self.ready))


def main() -> None:
    """Measure, and print a table per size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", nargs="?", default="embedded")
    parser.add_argument("--limit", type=int, default=5000, help="molecules of the source")
    parser.add_argument("--widths", type=int, nargs="+", default=[16])
    parser.add_argument("--layers", type=int, nargs="+", default=[4, 24])
    parser.add_argument("--batches", type=int, nargs="+", default=[32, 98], help="molecules a step")
    parser.add_argument("--steps", type=int, default=20, help="steps of a variant in a round")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--breakdown", action="store_true", help="also profile the loop's own lines")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision(probe_matmul_precision())
    print(machine_line(threads=1, products=torch.get_float32_matmul_precision(), source=options.source))
    for width in options.widths:
        for layers in options.layers:
            for batch_size in options.batches:
                with tempfile.TemporaryDirectory() as folder:
                    benchmark(options, ChemGPTConfig(width=width, n_layers=layers), batch_size, Path(folder))


def benchmark(options: argparse.Namespace, model: ChemGPTConfig, batch_size: int, folder: Path) -> None:
    """All variants at one size."""
    data = LanguageData(source=options.source, limit=options.limit, validation_size=50)
    ready = BatchesMadeBefore(model, data, batch_size, options.steps)
    gathered = BatchesWhenNeeded(model, data, batch_size, options.steps)
    steps: dict[str, Step] = {
        "bare": bare(prepare_run(ready, folder / "a")),
        "bare, again": bare(prepare_run(ready, folder / "b")),
        "loop": whole(prepare_run(ready, folder / "c")),
        "loop + data": whole(prepare_run(gathered, folder / "d")),
    }
    times = take_turns({name: timed(step, options.steps) for name, step in steps.items()}, options.rounds, warm_up=2)
    print(f"\nwidth {model.width}, {model.n_layers} layers, {batch_size} molecules: processor ms a step, overhead")
    for name, values in times.items():
        overhead = 100 * (median_ratio(values, times["bare"]) - 1)
        print(f"{name:12s} {spread([1e3 * value for value in values], 2):>24s} {overhead:+7.2f}%", flush=True)
    if options.breakdown:
        print_breakdown(steps["loop + data"], options.steps * 10, statistics.median(times["bare"]))


def prepare_run(task: LanguageTask, folder: Path) -> TrainingRun:
    """A run before its first step; the bare variant takes its model, optimiser and precision from one too."""
    config = TrainingConfig(batch_size=task.batch_size, steps=TOTAL_STEPS, learning_rate=1e-4)
    run = TrainingRun(task, config, RunFolder(folder), torch.device("cpu"))
    run.model.train()
    return run


def bare(run: TrainingRun) -> Step:
    """What every training step needs, and nothing else."""
    batches = endless(run)

    def step() -> None:
        batch = next(batches)
        run.optimiser.zero_grad(set_to_none=True)
        with autocast(run.precision, run.device):
            loss = run.compute_loss(run.model, batch) / batch.n_labels
        loss.backward()  # type: ignore[no-untyped-call]
        run.optimiser.step()

    return step


def endless(run: TrainingRun) -> Iterator[TokenBatch]:
    """The run's batches, one after the other."""
    assert isinstance(run.task, BatchesMadeBefore)
    for step in count():
        yield run.task.ready[step % len(run.task.ready)]


def whole(run: TrainingRun) -> Step:
    """A step of the loop, and its share of the progress reports."""
    ours, theirs = Pipe()
    bar = Bar("benchmark", TOTAL_STEPS, "steps", every_seconds=math.inf)

    def step() -> None:
        run.train_step()
        if run.step % STEPS_BETWEEN_REPORTS == 0:
            ours.send(Progress("run", run.step, run.total_steps, math.nan))
            bar.update(theirs.recv().done)

    return step


def timed(step: Step, n_steps: int) -> Callable[[], float]:
    """Processor seconds a step over so many steps."""

    def measure() -> float:
        start = time.process_time()
        for _ in range(n_steps):
            step()
        return (time.process_time() - start) / n_steps

    return measure


def print_breakdown(step: Step, n_steps: int, bare_seconds: float) -> None:
    """Time in the package's own functions; the profiler slows small functions, so shares are upper limits."""
    with cProfile.Profile(time.process_time) as profile:
        for _ in range(n_steps):
            step()
    rows = []
    for (file, _, name), (_, calls, own, cumulative, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if "chemscale" in file and "language/models" not in file and "language/native" not in file:
            rows.append((cumulative / n_steps, own / n_steps, calls / n_steps, f"{Path(file).name}:{name}"))
    print("    cumulative us   own us   calls   of bare   (under the profiler)")
    for cumulative, own, calls, name in sorted(rows, reverse=True)[:14]:
        share = 100 * cumulative / bare_seconds
        print(f"    {1e6 * cumulative:13.0f} {1e6 * own:8.0f} {calls:7.1f} {share:8.1f}%   {name}")


if __name__ == "__main__":
    main()
