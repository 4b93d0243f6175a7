"""A library of molecules that can be searched: its SMILES, embeddings and fingerprints in one folder."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import DataError, UserError
from chemscale.base.files import folder_lock, read_json
from chemscale.chem.fingerprints import morgan_fingerprints
from chemscale.chem.smiles import MoleculeError, canonical_smiles, parse_smiles
from chemscale.language.embedder import Embedder, Vectors
from chemscale.language.nearest.approximate import ApproximateIndex
from chemscale.language.nearest.exact import Metric
from chemscale.language.nearest.fingerprint_search import FingerprintIndex
from chemscale.language.nearest.projection import Projection
from chemscale.language.nearest.text_column import TextColumn
from chemscale.language.nearest.vector_search import NeighbourIndex

RECORD, VECTORS, FINGERPRINTS, LINES, PROJECTION = (
    "library.json",
    "vectors.npy",
    "fingerprints.npy",
    "lines.npy",
    "projection.npz",
)
REJECTS = "rejects.tsv"
SPARE = 8  # neighbours asked for beyond k, for the copies of the query that the library may have
Found = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]


class Library:
    """An indexed library; open it with `open_library`.

    Attributes:
        folder: where it is.
        record: what it was made of, and counts.
        embedder: makes vectors of queries as those of the library were made.
        smiles: canonical SMILES by row; molecules that could not be embedded have no row.
        index: of embeddings, exact.
        fingerprints: of the same molecules in the same order.
        lines: of the source file that each molecule came from [n_library].
    """

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self.folder, self.embedder = folder, embedder
        self.record: dict[str, Any] = read_json(folder / RECORD)
        self.smiles = TextColumn(folder)
        # "c": writable in memory and never on disk, which spares search a copy
        vectors = np.load(folder / VECTORS, mmap_mode="c")
        self.index = NeighbourIndex(Projection.load(folder / PROJECTION), vectors)
        self.fingerprints = FingerprintIndex(np.load(folder / FINGERPRINTS, mmap_mode="r"))
        self.lines = np.load(folder / LINES, mmap_mode="r")

    def __len__(self) -> int:
        return len(self.smiles)

    def approximate(self, metric: Metric = "cosine") -> NeighbourIndex:
        """The index of embeddings that misses some neighbours; built at the first call, kept in the folder.

        Raises:
            UserError: faiss is not installed, or has no such metric.
        """
        path = self.folder / f"approximate-{metric}.faiss"
        with folder_lock(self.folder, "building an approximate index", wait_seconds=-1):
            if path.with_suffix(".json").is_file() and path.is_file():
                found = ApproximateIndex.load(path)
            else:
                found = ApproximateIndex.build(self.index.vectors, metric)
                found.save(path)
        return NeighbourIndex(self.index.projection, self.index.vectors, found)

    def embed(self, queries: Sequence[str]) -> Vectors:
        """Embeddings of queries given as canonical SMILES [n_queries, width].

        Raises:
            UserError: one cannot be embedded; the message has it and the reason.
        """
        found = self.embedder.embed(queries)
        for row, reason in found.reasons.items():
            raise UserError(f"query {queries[row]}: {reason}")
        return found.vectors

    def by_embedding(
        self, queries: Sequence[str], k: int, metric: Metric = "cosine", index: NeighbourIndex | None = None
    ) -> list[Found]:
        """The k nearest other molecules of every query, by embedding.

        Args:
            queries: canonical SMILES; molecules of the library with the same are left out.
            k: how many; fewer where the library has fewer, or an approximate search finds no more.
            metric: see `NeighbourIndex.search`.
            index: what `approximate` gave; None searches exactly.

        Returns:
            For every query: rows of the library, and distances, nearest first.

        Raises:
            UserError: a query cannot be embedded, or an argument is not allowed.
            DataError: no other molecule than the query is found.
        """
        chosen = index or self.index
        return self._others(queries, self.embed(queries), k, lambda vectors, n: chosen.search(vectors, n, metric))

    def by_fingerprint(self, queries: Sequence[str], k: int) -> list[Found]:
        """The k most similar other molecules of every query, by Tanimoto similarity; otherwise as `by_embedding`."""
        fingerprints = morgan_fingerprints(map(parse_smiles, queries))
        return self._others(queries, fingerprints, k, self.fingerprints.search)

    def _others(
        self, queries: Sequence[str], keys: npt.NDArray[Any], k: int, search: Callable[[Any, int], Found]
    ) -> list[Found]:
        """Search, leave out the query itself, and search further where that left fewer than k and there is more."""
        found: dict[int, Found] = {}
        pending, wanted = list(range(len(queries))), k + SPARE
        while pending:
            rows, distances = search(keys[pending], wanted)
            unfinished = []
            for place, query in enumerate(pending):
                others = [row >= 0 and self.smiles[row] != queries[query] for row in rows[place]]
                found[query] = rows[place][others][:k], distances[place][others][:k]
                # a row of -1: an approximate search has nothing more where it looks
                if len(found[query][0]) < k and wanted < len(self) and rows[place].min() >= 0:
                    unfinished.append(query)
            pending, wanted = unfinished, 4 * wanted
        for query, text in enumerate(queries):
            if not len(found[query][0]):
                raise DataError(f"no other molecule than the query {text} was found in the library")
        return [found[query] for query in range(len(queries))]


def canonical_query(smiles: str) -> str:
    """The canonical SMILES of a query.

    Raises:
        UserError: it is no molecule; the message has it and the reason.
    """
    try:
        return canonical_smiles(smiles)
    except MoleculeError as error:
        raise UserError(f"query {smiles!r}: {error}") from None
