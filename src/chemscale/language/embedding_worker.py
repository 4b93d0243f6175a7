"""Worker processes that embed molecules: `python -m chemscale.language.embedding_worker`.

All workers write into the same arrays on disk, each its own rows, so that nothing is copied and the order is kept.
"""

import functools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem

from chemscale.base.errors import DataError
from chemscale.base.worker_processes import WorkerKind, WorkerPool, serve
from chemscale.chem.fingerprints import Fingerprints, morgan_fingerprints
from chemscale.chem.smiles import MoleculeError, parse_smiles
from chemscale.language.array_file import write_rows
from chemscale.language.embedder import Embedder, Pooling
from chemscale.language.trained import load_checkpoint

# sorted by length together: enough that padding is small, and few enough that progress is seen
MOLECULES_PER_ORDER = 2_000
WORKER = WorkerKind(
    module="chemscale.language.embedding_worker",
    title="an embedding worker",
    on_death=lambda order: ", most likely killed for memory. Run the same command again, with fewer workers",
)


@dataclass(frozen=True)
class EmbeddingOrder:
    """Molecules to embed, and where their vectors belong.

    Attributes:
        checkpoint: folder of the model.
        sha256: of its weights, see `Checkpoint`.
        layer: see `Embedder`.
        pooling: see `Embedder`.
        canonical: see `Embedder`.
        smiles: the molecules.
        first: the row of the first one.
        vectors: array file of all rows [n_rows, width], float32.
        fingerprints: array file of all rows [n_rows, WORDS], uint64; None for vectors alone.
    """

    checkpoint: str
    sha256: str
    layer: int
    pooling: Pooling
    canonical: bool
    smiles: Sequence[str]
    first: int
    vectors: str
    fingerprints: str | None = None


@dataclass(frozen=True)
class EmbeddingAnswer:
    """What became of an order.

    Attributes:
        smiles: canonical forms where fingerprints were made, "" for a molecule without one; else empty.
        reasons: row within the order and reason, for every molecule that has no vector.
        n_beyond: see `Embeddings`.
    """

    smiles: list[str]
    reasons: list[tuple[int, str]]
    n_beyond: int


def carry_out(order: EmbeddingOrder, embedder: Embedder) -> EmbeddingAnswer:
    """Embed the molecules of one order and write their rows.

    Raises:
        OSError: the arrays cannot be written.
    """
    canonical: list[str] = []
    reasons: dict[int, str] = {}
    smiles: Sequence[str] = order.smiles
    if order.fingerprints is not None:
        fingerprints, canonical, reasons = fingerprints_of(order.smiles)
        smiles = canonical
        write_rows(order.fingerprints, order.first, fingerprints)
    found = embedder.embed(smiles)
    write_rows(order.vectors, order.first, found.vectors)
    return EmbeddingAnswer(canonical, sorted((found.reasons | reasons).items()), found.n_beyond)


def embed_stream(
    molecules: Iterable[tuple[int, str]],
    embedder: Embedder,
    workers: int,
    vectors: Path,
    fingerprints: Path | None = None,
) -> Iterator[tuple[list[tuple[int, str]], EmbeddingAnswer]]:
    """Embed molecules in up to `workers` processes (1, or few molecules: in this one) into rows of array files.

    Args:
        molecules: line and SMILES; few of them are held in memory.
        embedder: says with which checkpoint and settings.
        workers: processes.
        vectors: array file with a row for each molecule [n_rows, width], float32.
        fingerprints: the same for Morgan fingerprints [n_rows, WORDS], uint64; with it, the canonical form of each
            molecule is embedded.

    Yields:
        Consecutive molecules, and what became of them.

    Raises:
        OSError: the arrays cannot be written.
        DataError: a worker process died, or the folder of the checkpoint holds other weights than the checkpoint.
    """
    waiting: deque[list[tuple[int, str]]] = deque()
    orders = _orders(molecules, embedder, vectors, fingerprints, waiting)
    first = list(islice(orders, workers))
    if len(first) <= 1:
        for order in chain(first, orders):
            yield waiting.popleft(), carry_out(order, embedder)
        return
    with WorkerPool(WORKER, len(first)) as pool:
        for values in pool.results(map(asdict, chain(first, orders))):
            reasons = [(row, reason) for row, reason in values["reasons"]]
            yield waiting.popleft(), EmbeddingAnswer(values["smiles"], reasons, values["n_beyond"])


def _orders(
    molecules: Iterable[tuple[int, str]],
    embedder: Embedder,
    vectors: Path,
    fingerprints: Path | None,
    waiting: deque[list[tuple[int, str]]],
) -> Iterator[EmbeddingOrder]:
    stream, first = iter(molecules), 0
    while chunk := list(islice(stream, MOLECULES_PER_ORDER)):
        waiting.append(chunk)
        yield EmbeddingOrder(
            str(embedder.checkpoint.path),
            embedder.checkpoint.sha256,
            embedder.layer,
            embedder.pooling,
            embedder.canonical,
            [text for _, text in chunk],
            first,
            str(vectors),
            None if fingerprints is None else str(fingerprints),
        )
        first += len(chunk)


def fingerprints_of(smiles: Sequence[str]) -> tuple[Fingerprints, list[str], dict[int, str]]:
    """Morgan fingerprints [n_molecules, WORDS] and canonical SMILES; zeros and "" where there are none, and why."""
    molecules, canonical, reasons = [], [""] * len(smiles), {}
    for row, text in enumerate(smiles):
        try:
            molecules.append(parse_smiles(text))
            canonical[row] = str(Chem.MolToSmiles(molecules[-1]))
        except MoleculeError as error:
            reasons[row] = str(error)
    made = morgan_fingerprints(molecules)
    fingerprints = np.zeros((len(smiles), made.shape[1]), dtype=made.dtype)
    fingerprints[[row for row in range(len(smiles)) if row not in reasons]] = made
    return fingerprints, canonical, reasons


@functools.lru_cache(maxsize=1)
def _embedder(checkpoint: str, sha256: str, layer: int, pooling: Pooling, canonical: bool) -> Embedder:
    loaded = load_checkpoint(checkpoint)
    if loaded.sha256 != sha256:
        raise DataError(
            f"{checkpoint}: holds other weights than the model that embeds (its run goes on training, or the model was "
            "changed in memory); wait for the run to end and load it again, or embed with one worker (workers=1)"
        )
    return Embedder(loaded, layer, pooling, canonical)


def _carry_out_values(values: dict[str, Any]) -> dict[str, Any]:
    order = EmbeddingOrder(**values)
    embedder = _embedder(order.checkpoint, order.sha256, order.layer, order.pooling, order.canonical)
    return asdict(carry_out(order, embedder))


if __name__ == "__main__":
    serve(_carry_out_values)
