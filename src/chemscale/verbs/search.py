"""The verbs that embed molecules and search among them by what a language model says."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from chemscale.base.errors import UserError
from chemscale.base.files import write_atomically
from chemscale.language.embedder import Pooling
from chemscale.language.embedding_files import embed_file
from chemscale.language.nearest.deltas import K, NeighbourEvaluation, evaluate_neighbours
from chemscale.language.nearest.exact import METRICS, Metric, check_metric
from chemscale.language.nearest.library import Library, canonical_query
from chemscale.language.nearest.library_folder import open_library
from chemscale.language.nearest.listing import neighbour_table
from chemscale.language.nearest.vector_search import NeighbourIndex

embed = embed_file


@dataclass(frozen=True)
class NeighbourList:
    """The molecules of a library that are most like one.

    Attributes:
        library: that was searched.
        index: an approximate one where it was asked for; None searched exactly.
        metric: between embeddings.
        k: neighbours asked for; the table may have fewer.
        table: see `language.neighbours.neighbour_table`.
        evaluation: Delta_p of this query by this metric, by fingerprints, and by chance, over 100 neighbours.
    """

    library: Library
    index: NeighbourIndex | None
    metric: Metric
    k: int
    table: pd.DataFrame
    evaluation: NeighbourEvaluation


@dataclass(frozen=True)
class NeighbourComparison:
    """How near neighbours by embedding are in properties, beside those by fingerprint and by chance.

    Attributes:
        library: that was searched.
        index: an approximate one where it was asked for; None searched exactly.
        k: neighbours asked for; `evaluation.k` may be fewer.
        evaluation: Delta_p of all methods over all queries.
        table: a row for each property and method: what `evaluation.table` gives, and win_rate, win_rate_low and
            win_rate_high of `evaluation.wins`, NaN for fingerprints and chance.
    """

    library: Library
    index: NeighbourIndex | None
    k: int
    evaluation: NeighbourEvaluation
    table: pd.DataFrame


def neighbours(
    checkpoint: Path | str,
    library: Path | str,
    query: str,
    *,
    k: int = 10,
    metric: Metric = "cosine",
    approximate: bool = False,
    out: Path | None = None,
    column: str | None = None,
    layer: int = -1,
    pooling: Pooling = "mean",
    folder: Path | str | None = None,
    seed: int = 0,
    workers: int | None = None,
) -> NeighbourList:
    """List the molecules of a library that are most like one.

    Args:
        checkpoint: a run folder, or a folder in Hugging Face's format.
        library: a molecule file or a registered source.
        query: SMILES, in any spelling; the molecule itself is never among its neighbours.
        k: how many.
        metric: `cosine`, `l1` or `l2`.
        approximate: search with faiss.
        out: CSV file for the table; None writes none.
        column: see `open_library`, as for `layer`, `pooling` and `folder`.
        layer: see `column`.
        pooling: see `column`.
        folder: of the index; None is one in the cache.
        seed: of the random molecules to compare with.
        workers: processes; None takes one per core at hand, or this process for little work.

    Raises:
        UserError: the query is no molecule or cannot be embedded, or a setting is not allowed.
        DataError: the checkpoint or the library cannot be read, or no other molecule is found.
    """
    check_metric(metric)
    _check_counts(k=k)
    text = canonical_query(query)
    found = open_library(
        checkpoint, library, column=column, layer=layer, pooling=pooling, folder=folder, workers=workers
    )
    found.embed([text])  # a query without a vector is told before a search index is built
    index = found.approximate(metric) if approximate else None
    table = neighbour_table(found, text, found.by_embedding([text], k, metric, index)[0])
    evaluation = evaluate_neighbours(found, queries=[text], metrics=[metric], index=index, seed=seed, workers=workers)
    _write(table, out)
    return NeighbourList(found, index, metric, k, table, evaluation)


def compare_neighbours(
    checkpoint: Path | str,
    library: Path | str,
    *,
    n_queries: int = 100,
    k: int = K,
    metric: Metric | None = None,
    approximate: bool = False,
    out: Path | None = None,
    column: str | None = None,
    layer: int = -1,
    pooling: Pooling = "mean",
    folder: Path | str | None = None,
    seed: int = 0,
    workers: int | None = None,
) -> NeighbourComparison:
    """Compare neighbours by embedding, by fingerprint and by chance over molecules drawn from a library.

    Args:
        checkpoint: as for `neighbours`, and so are the others that are not named here.
        library: see `checkpoint`.
        n_queries: how many are drawn.
        k: neighbours of each.
        metric: between embeddings; None takes all, and `cosine` for an approximate search.
        approximate: see `checkpoint`.
        out: see `checkpoint`.
        column: see `checkpoint`.
        layer: see `checkpoint`.
        pooling: see `checkpoint`.
        folder: see `checkpoint`.
        seed: of the queries, of random molecules, and of the bootstrap.
        workers: see `checkpoint`.

    Raises:
        UserError, DataError: as `neighbours`.
    """
    if metric is not None:
        check_metric(metric)
    _check_counts(n_queries=n_queries, k=k)
    found = open_library(
        checkpoint, library, column=column, layer=layer, pooling=pooling, folder=folder, workers=workers
    )
    index = found.approximate(metric or "cosine") if approximate else None
    metrics = METRICS if metric is None and not approximate else [metric or "cosine"]
    evaluation = evaluate_neighbours(
        found, n_queries=n_queries, k=k, metrics=metrics, index=index, seed=seed, workers=workers
    )
    wins = evaluation.wins().rename(columns={"low": "win_rate_low", "high": "win_rate_high"})
    table = evaluation.table().merge(wins, how="left", on=["property", "method", "n_queries"])
    _write(table, out)
    return NeighbourComparison(found, index, k, evaluation, table)


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise UserError(f"{name}: {count}; give a number from 1")


def _write(table: pd.DataFrame, out: Path | None) -> None:
    if out is not None:
        write_atomically(out, table.to_csv(index=False))
