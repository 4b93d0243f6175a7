"""Corpus preparation and batch reading: speed beside a plain loop over `selfies.encoder`, in one run.

    python benchmarks/preparation.py [FILE] [--molecules 20000] [--canonical]

FILE is any molecule file or source; without it, molecules of the embedded library. The plain loop encodes the same
molecules, in one process, and keeps nothing. Preparation reads the file, encodes, splits, assigns ids, and writes and
joins the files. Every worker has one thread. CPU seconds count this process and its workers.
"""

import argparse
import os
import resource
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

BATCH_MOLECULES = 96
GATHER_SECONDS = 3.0


def main() -> None:
    """Measure, and print one line per measurement."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", nargs="?")
    parser.add_argument("--molecules", type=int, default=20_000)
    parser.add_argument("--canonical", action="store_true")
    options = parser.parse_args()
    smiles = read_molecules(options.source, options.molecules)
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    print(f"{len(smiles):,} molecules, {cores} cores, load {load:.1f}, selfies {selfies.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "molecules.smi"
        source.write_text("\n".join(smiles) + "\n")
        plain = report("plain loop over selfies.encoder", len(smiles), lambda: encode_all(smiles))
        for workers in (1, 2):
            out = Path(folder) / str(workers)

            def prepare(workers: int = workers, out: Path = out) -> None:
                prepare_corpus(source, out, workers=workers, canonical=options.canonical)

            rate, cpu_rate = report(f"preparation, {workers} worker(s)", len(smiles), prepare)
            print(
                f"    {rate / plain[0]:.2f} times the plain loop a second, {cpu_rate / plain[1]:.2f} times a CPU second"
            )
            print(f"    10 million molecules: {1e7 / rate / 60:.0f} minutes, {1e7 / cpu_rate / 60:.0f} CPU minutes")
        gather(Corpus.open(Path(folder) / "1"))


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


def report(name: str, count: int, action: Callable[[], None]) -> tuple[float, float]:
    """Run `action`, print and return molecules per second and per CPU second."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    action()
    rate, cpu_rate = count / (time.perf_counter() - wall), count / (cpu_seconds() - cpu)
    print(f"{name:34} {rate:8,.0f} molecules/s {cpu_rate:8,.0f} molecules/CPU s")
    return rate, cpu_rate


def cpu_seconds() -> float:
    """CPU seconds of this process and of its ended children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def gather(corpus: Corpus) -> None:
    """Random batches from the memory-mapped store."""
    generator = np.random.default_rng(0)
    start, tokens, batches = cpu_seconds(), 0, 0
    while cpu_seconds() - start < GATHER_SECONDS:
        ids, _ = corpus.gather(generator.integers(0, len(corpus), BATCH_MOLECULES))
        tokens += len(ids)
        batches += 1
    rate = tokens / (cpu_seconds() - start)
    print(f"random batches of {BATCH_MOLECULES} molecules: {rate / 1e6:.0f} million tokens/CPU s ({batches:,} batches)")


if __name__ == "__main__":
    main()
