"""Approximate nearest neighbours through faiss (extra `search`), with the share of the true ones that it finds.

Vectors are sorted into cells around centres (an inverted file), and a query looks into the nearest cells only. That
pays for many queries on millions of vectors; below, exact search is as fast and misses nothing.
"""

import importlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import DataError, UserError
from chemscale.base.files import read_json, replacing, write_json
from chemscale.base.seeds import stream
from chemscale.language.nearest.exact import Metric, check_search, measured_distances, nearest_vectors

BLOCK = 65_536
VECTORS_PER_CELL_TRAINED_ON = 64
PROBED_SHARE, LEAST_PROBED = 1 / 16, 16
TEST_QUERIES, TEST_K = 100, 100


@dataclass(frozen=True)
class ApproximateIndex:
    """A faiss index and how good it is.

    Attributes:
        index: faiss's own.
        metric: `cosine` or `l2`.
        recall: share of the true `TEST_K` nearest neighbours found, mean over vectors of the library as queries.
        n_cells: cells, of which `n_probed` are looked into.
        n_probed: see `n_cells`.
    """

    index: Any
    metric: Metric
    recall: float
    n_cells: int
    n_probed: int

    @classmethod
    def build(cls, vectors: npt.NDArray[np.float32], metric: Metric = "cosine", seed: int = 0) -> Self:
        """Sort the vectors of a library into sqrt(n) cells, and measure the recall against exact search.

        Args:
            vectors: [n_library, n_components].
            metric: `cosine` or `l2`.
            seed: of the vectors that cells are made from, and of the test queries.

        Raises:
            UserError: faiss is not installed, or has no such metric.
        """
        faiss = faiss_module()
        if metric not in ("cosine", "l2"):
            raise UserError(f"approximate search: {metric!r} is not there; allowed: cosine, l2. Exact search has it")
        n, n_components = vectors.shape
        n_cells = max(1, min(n, math.ceil(math.sqrt(n))) if n >= 1_000 else 1)
        product = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
        index = faiss.index_factory(n_components, f"IVF{n_cells},Flat", product)
        random = stream(seed, "approximate index")
        rows = np.sort(random.choice(n, min(n, n_cells * VECTORS_PER_CELL_TRAINED_ON), replace=False))
        index.train(_prepared(vectors[rows], metric))
        for start in range(0, n, BLOCK):
            index.add(_prepared(vectors[start : start + BLOCK], metric))
        index.nprobe = min(n_cells, max(LEAST_PROBED, round(n_cells * PROBED_SHARE)))
        built = cls(index, metric, float("nan"), n_cells, index.nprobe)
        queries = np.asarray(vectors[np.sort(random.choice(n, min(n, TEST_QUERIES), replace=False))])
        return cls(index, metric, built.measured_recall(queries, vectors), n_cells, index.nprobe)

    def search(
        self, queries: npt.NDArray[Any], vectors: npt.NDArray[np.float32], k: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """As `nearest_vectors`, but some neighbours may be missed; row -1 and infinity where fewer than k are found.

        Args:
            queries: [n_queries, n_components].
            vectors: those of the library, for the distances.
            k: how many.

        Raises:
            UserError: as in `nearest_vectors`.
        """
        check_search(queries, vectors.shape[1], k, self.metric)
        _, rows = self.index.search(_prepared(queries, self.metric), min(k, len(vectors)))
        distances = measured_distances(queries, vectors, np.maximum(rows, 0), self.metric)
        distances[rows < 0] = np.inf
        order = np.lexsort((rows, distances), axis=1)
        return np.take_along_axis(rows, order, 1), np.take_along_axis(distances, order, 1)

    def measured_recall(self, queries: npt.NDArray[Any], vectors: npt.NDArray[np.float32], k: int = TEST_K) -> float:
        """The share of the true k nearest neighbours of some queries that this index finds."""
        found, _ = self.search(queries, vectors, k)
        true, _ = nearest_vectors(queries, vectors, k, self.metric)
        shares = [len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, true, strict=True)]
        return float(np.mean(shares))

    def save(self, path: Path) -> None:
        """Write the index, and beside it a record of the same name with `.json`."""
        with replacing(path) as temporary:
            faiss_module().write_index(self.index, str(temporary))
        record = {"metric": self.metric, "recall": self.recall, "n_cells": self.n_cells, "n_probed": self.n_probed}
        write_json(path.with_suffix(".json"), record)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            UserError: faiss is not installed.
            DataError: the file is damaged.
        """
        record = read_json(path.with_suffix(".json"))
        try:
            index = faiss_module().read_index(str(path))
        except RuntimeError:  # faiss's own, with the place in its source
            raise DataError(f"{path}: this index is damaged; delete the file, and it is built anew") from None
        index.nprobe = record["n_probed"]
        return cls(index, **record)


def faiss_module() -> Any:
    """The module faiss.

    Raises:
        UserError: it is not installed; the message says how it is.
    """
    try:
        return importlib.import_module("faiss")
    except ImportError:
        raise UserError(
            "approximate search needs the package faiss (pip install 'chemscale[search]'); exact search does not"
        ) from None


def _prepared(vectors: npt.NDArray[Any], metric: Metric) -> npt.NDArray[np.float32]:
    """What faiss shall see: inner products of unit vectors are cosines."""
    values = np.array(vectors, dtype=np.float32, order="C")
    if metric == "cosine":
        values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-30)
    return values
