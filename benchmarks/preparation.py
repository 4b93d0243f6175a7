"""Corpus preparation and batch reading: speed beside a plain loop over `selfies.encoder`, in one run.

    python benchmarks/preparation.py [SOURCE] [--molecules 20000] [--workers 1 2] [--rounds 3] [--canonical]

About three minutes. SOURCE is any molecule file or source; without it, molecules of the embedded library. The plain
loop encodes the same molecules, in one process, and keeps nothing. Preparation reads the file, encodes, splits, assigns
ids, and writes and joins the files. Every worker has one thread. Variants take turns; medians over rounds, ratios
within them.

    a second       molecules by wall time: near-linear in workers where so many cores are free
    a CPU second   molecules by processor time of this process and of its workers: the cost of one molecule
    batches        random batches read from the memory-mapped store, tokens by processor time; the target is 50 million
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import selfies

from chemscale.chem.embedded_library import distinct_sample
from chemscale.chem.molecule_files import read_smiles
from chemscale.chem.sources import resolve
from chemscale.language.data import Corpus, prepare_corpus
from side_by_side import Times, machine_line, median_ratio, spread, take_turns

BATCH_MOLECULES = 96
GATHER_SECONDS = 1.0
PLAIN = "plain loop over selfies.encoder"


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", nargs="?")
    parser.add_argument("--molecules", type=int, default=20_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--canonical", action="store_true", help="write canonical SMILES first")
    options = parser.parse_args()
    smiles = read_molecules(options.source, options.molecules)
    print(machine_line(selfies=selfies.__version__, source=options.source or "embedded", molecules=len(smiles)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "molecules.smi"
        source.write_text("\n".join(smiles) + "\n")
        cpu_rates: Times = {}
        variants = {PLAIN: measured(len(smiles), lambda _: encode_all(smiles), folder, cpu_rates.setdefault(PLAIN, []))}
        for workers in options.workers:
            title = f"preparation, {workers} worker(s)"
            action = preparation(source, workers, options.canonical)
            variants[title] = measured(len(smiles), action, folder, cpu_rates.setdefault(title, []))
        rates = take_turns(variants, options.rounds, warm_up=0)
        print_table("molecules a second", rates)
        print_table("molecules a CPU second", cpu_rates)
        corpus = prepare_corpus(source, folder / "read", canonical=options.canonical)
        speeds = take_turns({"batches": lambda: gather(corpus)}, options.rounds)["batches"]
        print(f"\nrandom batches of {BATCH_MOLECULES} molecules: {spread(speeds)} million tokens a CPU second")


def print_table(title: str, rates: Times) -> None:
    """Rates, ratios to the plain loop, and what ten million molecules cost."""
    print(f"\n{title}: median (lowest, highest), ratio, minutes for 10 million")
    for name, values in rates.items():
        ratio, minutes = median_ratio(values, rates[PLAIN]), 1e7 / statistics.median(values) / 60
        print(f"{name:34s} {spread(values):>26s} {ratio:6.2f}x {minutes:8.0f}", flush=True)


def preparation(source: Path, workers: int, canonical: bool) -> Callable[[Path], None]:
    """Preparation into a given new folder."""

    def prepare(out: Path) -> None:
        prepare_corpus(source, out, workers=workers, canonical=canonical)

    return prepare


def measured(
    n_molecules: int, action: Callable[[Path], None], folder: Path, cpu_rates: list[float]
) -> Callable[[], float]:
    """Runs `action` on a new folder, notes molecules per CPU second in `cpu_rates`, returns molecules per second."""

    def measure() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as name:
            wall, cpu = time.perf_counter(), cpu_seconds()
            action(Path(name) / "corpus")
            wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
        cpu_rates.append(n_molecules / cpu)
        return n_molecules / wall

    return measure


def read_molecules(source: str | None, count: int) -> list[str]:
    """The first molecules of a source."""
    if source is None:
        return distinct_sample(count, seed=0)
    return [smiles for _, smiles in islice(read_smiles(resolve(source)), count)]


def encode_all(smiles: list[str]) -> None:
    """What a user writes first."""
    for text in smiles:
        try:
            selfies.encoder(text)
        except selfies.EncoderError:
            continue


def cpu_seconds() -> float:
    """CPU seconds of this process and of its ended children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def gather(corpus: Corpus) -> float:
    """Million tokens per CPU second of random batches from the memory-mapped store."""
    generator = np.random.default_rng(0)
    start, tokens, used = cpu_seconds(), 0, 0.0
    while used < GATHER_SECONDS:
        for _ in range(100):
            ids, _ = corpus.gather(generator.integers(0, len(corpus), BATCH_MOLECULES))
            tokens += len(ids)
        used = cpu_seconds() - start
    return tokens / used / 1e6


if __name__ == "__main__":
    main()
