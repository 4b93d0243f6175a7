"""A study of K equal runs on N cores: N workers of one thread, beside one process with all threads; wall time.

    python benchmarks/study_throughput.py [--widths 32 128] [--runs 4] [--workers 2] [--rounds 3] [--busy 1]

About ten minutes for the defaults on two cores. Every variant is the same study, carried out by `execute_study`; runs
differ in their seed alone. Real tokens per second of the whole study: every symbol and the end of every molecule,
padding never. With --busy so many processes compute beside it, as on a machine that others use too.

    N workers x 1 thread     what the program does by itself
    1 worker x N threads     the same runs one after the other in one process with all threads
    1 worker x 1 thread      one core, to see what the others gain

"with start-up" counts all of `execute_study`: starting the workers and importing torch too. "without start-up" begins
when the first run writes its configuration and ends when the last writes its result; reading the corpus, building the
model, evaluations and checkpoints are still in it.
"""

import argparse
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chemscale.base.processor import available_cores
from chemscale.studies.execute import StudyOutcome, execute_study
from chemscale.studies.study import parse_study
from chemscale.training.matmul import probe_matmul_precision
from side_by_side import Times, machine_line, median_ratio, spread, take_turns

BUSY_PROGRAM = "while True: pass"
START_UP = "with start-up"
TRAINING = "without start-up"


def main() -> None:
    """Measure, and print a table per width."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", nargs="?", default="embedded")
    parser.add_argument("--limit", type=int, default=20_000, help="molecules of the source")
    parser.add_argument("--widths", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--steps", type=int, default=100, help="steps of a run")
    parser.add_argument("--batch", type=int, default=98, help="molecules a step")
    parser.add_argument("--workers", type=int, default=available_cores(), help="cores to use")
    parser.add_argument("--runs", type=int, help="runs of the study; two for every core if not given")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--busy", type=int, default=0, help="processes that compute beside the study")
    options = parser.parse_args()
    options.runs = options.runs or 2 * options.workers
    # the probe's answer is kept for all workers, so that no variant pays for it
    print(machine_line(products=probe_matmul_precision(), source=options.source, busy_processes=options.busy))
    for width in options.widths:
        benchmark(options, width)


def benchmark(options: argparse.Namespace, width: int) -> None:
    """All variants at one width."""
    n = options.workers
    placements = {f"{n} workers x 1 thread": (n, 1), f"1 worker x {n} threads": (1, n), "1 worker x 1 thread": (1, 1)}
    trained: Times = {name: [] for name in placements}
    with tempfile.TemporaryDirectory() as folder, busy_machine(options.busy):
        variants = {
            name: measured(options, width, workers, threads, Path(folder) / str(number), trained[name])
            for number, (name, (workers, threads)) in enumerate(placements.items())
        }
        print(f"\nwidth {width}, {options.layers} layers, {options.runs} runs of {options.steps} steps", flush=True)
        whole = take_turns(variants, options.rounds, warm_up=0)
    reference = f"1 worker x {n} threads"
    for title, rates in ((START_UP, whole), (TRAINING, trained)):
        print(f"  {title}: real tokens a second of the whole study, median (lowest, highest)")
        for name, values in rates.items():
            ratio = median_ratio(values, rates[reference])
            print(f"    {name:24s} {spread(values):>28s}   {ratio:5.2f}x {reference}", flush=True)


def measured(
    options: argparse.Namespace, width: int, workers: int, threads: int, folder: Path, trained: list[float]
) -> Callable[[], float]:
    """A variant: carries out a new study, notes its rate without start-up in `trained`, returns that of all of it."""
    study = parse_study(study_values(options, width, threads))

    def measure() -> float:
        out = folder / str(len(trained))
        start = time.time()
        outcome = execute_study(study, out, workers=workers)
        seconds = time.time() - start
        tokens = n_tokens(outcome, options.runs)
        trained.append(tokens / training_seconds(out))
        return tokens / seconds

    return measure


def study_values(options: argparse.Namespace, width: int, threads: int) -> dict[str, object]:
    """K equal runs, as a study file would hold them."""
    return {
        "family": "chemgpt",
        "threads": threads,
        "model": {"width": width, "n_layers": options.layers},
        "data": {"source": options.source, "limit": options.limit, "validation_size": 200},
        "training": {"batch_size": options.batch, "steps": options.steps, "learning_rate": 1e-3, "evaluations": 1},
        "grid": {"seed": list(range(options.runs))},
    }


def n_tokens(outcome: StudyOutcome, n_runs: int) -> float:
    """Real tokens that the whole study has trained on.

    Raises:
        SystemExit: a run has failed, so that there is nothing to compare.
    """
    if outcome.failed or len(outcome.table) != n_runs:
        reasons = "; ".join(end.message for end in outcome.failed) or "no reason given"
        raise SystemExit(f"{outcome.n_left} of {n_runs} runs did not end: {reasons}")
    return float(outcome.table["tokens_seen"].sum())


def training_seconds(study_folder: Path) -> float:
    """Wall time from the first run's configuration to the last run's result."""
    began = min((path.stat().st_mtime for path in study_folder.glob("runs/*/config.json")), default=math.nan)
    ended = max((path.stat().st_mtime for path in study_folder.glob("runs/*/result.json")), default=math.nan)
    return ended - began


@contextmanager
def busy_machine(n_processes: int) -> Iterator[None]:
    """Let so many processes compute until the block ends."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY_PROGRAM]) for _ in range(n_processes)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
