"""Nearest neighbours: milliseconds of CPU per query, beside faiss, scikit-learn and RDKit, in one run.

    python benchmarks/neighbour_search.py [--library 1000000] [--queries 64] [--rounds 3] [--approximate]

About five minutes and 2 GB on one thread. The library is 100 numbers a molecule in clusters of unequal spread, drawn
from a seed; the 100 nearest are searched for. Variants take turns in every round; medians over rounds, ratios within
them. "same" is the share of neighbours that agree with ours.

    chemscale             `nearest_vectors`, exact; all queries in one call, or one at a time
    faiss flat            IndexFlatIP / IndexFlatL2, exact
    scikit-learn          NearestNeighbors, brute force, exact
    approximate           `ApproximateIndex` (faiss IVF): with the time to build it and the recall that it states

Fingerprints: `FingerprintIndex` beside RDKit's BulkTanimotoSimilarity with a sort, over the embedded library's
molecules, repeated to `--fingerprints`. Target: exact search of a million under 10 ms a query in a batch of queries.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import torch
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from sklearn.neighbors import NearestNeighbors

from chemscale.chem.embedded_library import distinct_sample
from chemscale.chem.fingerprints import morgan_fingerprints
from chemscale.language.nearest.approximate import ApproximateIndex
from chemscale.language.nearest.exact import Metric, nearest_vectors
from chemscale.language.neighbours import FingerprintIndex
from side_by_side import machine_line, median_ratio, spread, take_turns

WIDTH, K = 100, 100
Found = dict[str, np.ndarray]


def main() -> None:
    """Measure, and print one table for each metric."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--library", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--metrics", nargs="+", default=["cosine", "l2", "l1"])
    parser.add_argument("--approximate", action="store_true", help="also build and measure an approximate index")
    parser.add_argument("--fingerprints", type=int, default=100_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    print(machine_line(threads=1, library=f"{options.library:,} x {WIDTH}", queries=options.queries, k=K))
    vectors = make_vectors(options.library + options.queries)
    library, queries = vectors[options.queries :], vectors[: options.queries]
    for metric in options.metrics:
        compare(metric, library, queries, options.rounds)
    if options.approximate:
        measure_approximate(library, queries)
    if options.fingerprints:
        compare_fingerprints(options.fingerprints, options.rounds)


def compare(metric: Metric, library: np.ndarray, queries: np.ndarray, rounds: int) -> None:
    """Print milliseconds a query of all that search exactly by this metric."""
    found: Found = {}
    before = reset_peak()
    found["chemscale"], _ = nearest_vectors(queries, library, K, metric)
    added = (peak_kilobytes() - before) / 1e3
    print(f"\n{metric}: ms of CPU a query; our search took {added:.0f} MB beside the library")
    variants = {"chemscale": timed(queries, lambda q: nearest_vectors(q, library, K, metric)[0], found, "chemscale")}
    few = queries[:4]
    variants["chemscale, one by one"] = timed(
        few, lambda q: np.concatenate([nearest_vectors(row[None], library, K, metric)[0] for row in q]), found, "one"
    )
    if metric != "l1":
        flat, prepare = flat_index(library, metric)
        variants["faiss flat"] = timed(queries, lambda q: flat.search(prepare(q), K)[1], found, "faiss flat")
    if metric != "cosine":
        name = {"l1": "manhattan", "l2": "euclidean"}[metric]
        brute = NearestNeighbors(n_neighbors=K, algorithm="brute", metric=name, n_jobs=1).fit(library)
        asked = queries if metric == "l2" else few
        variants["scikit-learn"] = timed(asked, lambda q: brute.kneighbors(q)[1], found, "scikit-learn")
    show(take_turns(variants, rounds, warm_up=0), found)


def flat_index(library: np.ndarray, metric: Metric) -> tuple[faiss.Index, Callable[[np.ndarray], np.ndarray]]:
    """faiss's exact index, and what queries need before it."""
    if metric == "l2":
        index = faiss.IndexFlatL2(WIDTH)
        index.add(library)
        return index, lambda queries: queries
    index = faiss.IndexFlatIP(WIDTH)
    unit = library / np.linalg.norm(library, axis=1, keepdims=True)
    index.add(unit)
    return index, lambda queries: queries / np.linalg.norm(queries, axis=1, keepdims=True)


def measure_approximate(library: np.ndarray, queries: np.ndarray) -> None:
    """Print what an approximate index costs and finds."""
    start = time.process_time()
    index = ApproximateIndex.build(library, "cosine")
    built = time.process_time() - start
    many = np.repeat(queries, 4, axis=0)
    start = time.process_time()
    index.search(many, library, K)
    used = 1000 * (time.process_time() - start) / len(many)
    recall = index.measured_recall(queries, library, K)
    print(f"\napproximate, cosine: {used:.2f} ms of CPU a query, built in {built:.0f} CPU s (recall measured in it)")
    print(f"    {index.n_probed} of {index.n_cells} cells; recall {recall:.3f} here, {index.recall:.3f} as it states")


def compare_fingerprints(n: int, rounds: int) -> None:
    """Print milliseconds a query of Tanimoto search."""
    smiles = distinct_sample(2_000, seed=0)
    molecules = [Chem.MolFromSmiles(text) for text in smiles]
    rows = np.resize(np.arange(len(smiles)), n)
    ours = FingerprintIndex(morgan_fingerprints(molecules)[rows])
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    single = [generator.GetFingerprint(molecule) for molecule in molecules]
    theirs = [single[row] for row in rows]
    places = np.arange(0, 2_000, 125)

    def by_rdkit(queries: np.ndarray) -> np.ndarray:
        all_values = (np.array(DataStructs.BulkTanimotoSimilarity(single[row], theirs)) for row in queries)
        return np.stack([np.argsort(-values, kind="stable")[:K] for values in all_values])

    found: Found = {}
    fingerprints = ours.fingerprints
    variants = {
        "chemscale": timed(places, lambda q: ours.search(fingerprints[q], K)[0], found, "chemscale"),
        "RDKit and a sort": timed(places, by_rdkit, found, "RDKit and a sort"),
    }
    print(f"\nTanimoto, 1024 bits, {n:,} molecules: ms of CPU a query")
    show(take_turns(variants, rounds, warm_up=0), found)


def timed(
    queries: np.ndarray, search: Callable[[np.ndarray], np.ndarray], found: Found, name: str
) -> Callable[[], float]:
    """Searches, notes what was found, and returns milliseconds of CPU a query."""

    def measure() -> float:
        start = time.process_time()
        found[name] = search(queries)
        return 1000 * (time.process_time() - start) / len(queries)

    return measure


def show(times: dict[str, list[float]], found: Found) -> None:
    """Print one line for each variant."""
    for name, values in times.items():
        same = ""
        if name in found and name != "chemscale":
            pairs = zip(found[name], found["chemscale"], strict=False)
            same = f"same {np.mean([len(np.intersect1d(a, b)) / K for a, b in pairs]):.4f}"
        ratio = median_ratio(values, times["chemscale"])
        print(f"    {name:24s} {spread(values, 2):>26s}   {ratio:6.2f}x chemscale   {same}", flush=True)


def make_vectors(n: int) -> np.ndarray:
    """Vectors in 1,000 clusters whose spread falls from component to component, as principal components have it."""
    random = np.random.default_rng(0)
    spreads = np.linspace(3.0, 0.3, WIDTH, dtype=np.float32)
    centres = random.standard_normal((1_000, WIDTH), dtype=np.float32)
    vectors = 0.7 * random.standard_normal((n, WIDTH), dtype=np.float32)
    vectors += centres[random.integers(0, len(centres), n)]
    return vectors * spreads


def reset_peak() -> int:
    """Forget the most memory that this process has held (Linux); returns what it holds now, in kilobytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_kilobytes()


def peak_kilobytes() -> int:
    """The most memory that this process has held since then."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
