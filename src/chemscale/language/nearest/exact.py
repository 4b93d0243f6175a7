"""Exact nearest neighbours among vectors: a product over blocks of the library, and the best scores of each.

The distance of query q and library vector x is 1 - q.x / (|q| |x|) (cosine), |q - x| (l2), or sum |q_i - x_i| (l1).
Scores are memory for one block of the library and one batch of queries, 17 MB, whatever the size of the library.
"""

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch

from chemscale.base.errors import UserError
from chemscale.training.precision import float32_products

Metric = Literal["cosine", "l1", "l2"]
METRICS: tuple[Metric, ...] = get_args(Metric)

# benchmarks/neighbour_search.py: larger blocks gain a few percent and cost memory
BLOCK, QUERIES = 65_536, 64
# The best k of n scores lie in the k groups with the best maxima; maxima take a fraction of the time of a selection.
GROUP = 64
# Selected beyond k and measured again in float64, so that rounding seldom decides who is the last.
SPARE = 8
ROWS_MEASURED_TOGETHER = 65_536  # 52 MB of float64 at 100 components


def nearest_vectors(
    queries: npt.NDArray[Any], library: npt.NDArray[np.float32], k: int, metric: Metric = "cosine"
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The k nearest library vectors of every query, nearest first.

    Distances are those of the true k nearest to the rounding of float32. Where more vectors than there is room for
    share the last place, as copies of a molecule do, which of them are given is left open.

    Args:
        queries: [n_queries, n_components].
        library: [n_library, n_components]; may be a memory map.
        k: how many; no more than the library has are returned.
        metric: one of `METRICS`.

    Returns:
        Rows of the library [n_queries, k], and distances, in float64, [n_queries, k].

    Raises:
        UserError: the metric is unknown, k is below 1, or the sizes do not fit.
    """
    check_search(queries, library.shape[1], k, metric)
    k = min(k, len(library))
    indices = np.empty((len(queries), k), dtype=np.int64)
    distances = np.empty((len(queries), k))
    with torch.inference_mode(), float32_products(torch.device("cpu"), library.shape[1]):
        for start in range(0, len(queries), QUERIES):
            rows = slice(start, start + QUERIES)
            batch = np.ascontiguousarray(queries[rows], dtype=np.float32)
            candidates = _candidates(torch.from_numpy(batch), library, min(k + SPARE, len(library)), metric)
            indices[rows], distances[rows] = _measured(batch, library, candidates.numpy(), k, metric)
    return indices, distances


def check_metric(metric: str) -> None:
    """Refuse a metric that is not there.

    Raises:
        UserError: see `nearest_vectors`.
    """
    if metric not in METRICS:
        raise UserError(f"metric: {metric!r}; allowed: {', '.join(METRICS)}")


def check_search(queries: npt.NDArray[Any], n_components: int, k: int, metric: str) -> None:
    """Refuse what cannot be searched for.

    Raises:
        UserError: see `nearest_vectors`.
    """
    check_metric(metric)
    if k < 1:
        raise UserError(f"k: {k}; give a number of neighbours from 1")
    if queries.ndim != 2 or queries.shape[1] != n_components:
        raise UserError(f"queries have shape {queries.shape}; expected [n_queries, {n_components}]")
    if not np.isfinite(queries).all():
        raise UserError("a query has numbers that are not finite: a molecule that could not be embedded")


def _candidates(queries: torch.Tensor, library: npt.NDArray[np.float32], k: int, metric: Metric) -> torch.Tensor:
    """Rows of the k best scores of every query [n_queries, k]."""
    best = queries.new_full((len(queries), 0), 0.0)
    rows = torch.empty((len(queries), 0), dtype=torch.int64)
    for start in range(0, len(library), BLOCK):
        rows_here = np.asarray(library[start : start + BLOCK], dtype=np.float32)
        # torch warns of memory that it may not write to, though nothing is written here
        block = torch.from_numpy(rows_here if rows_here.flags.writeable else rows_here.copy())
        values, found = _top(_scores(queries, block, metric), min(k, len(block)))
        best, rows = torch.cat([best, values], 1), torch.cat([rows, found + start], 1)
        if best.shape[1] > k:
            best, kept = best.topk(k, 1)
            rows = rows.gather(1, kept)
    return rows


def _scores(queries: torch.Tensor, block: torch.Tensor, metric: Metric) -> torch.Tensor:
    """What orders a block like its nearness, larger is nearer [n_queries, n_block]."""
    if metric == "l1":
        return -torch.cdist(queries, block, p=1.0)
    products = queries @ block.T
    if metric == "cosine":
        return products.mul_(1.0 / torch.linalg.vector_norm(block, dim=1).clamp_min(1e-30))
    return products.sub_(0.5 * (block * block).sum(1))


def _top(scores: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    n_groups = scores.shape[1] // GROUP
    if scores.shape[1] % GROUP or n_groups < 2 * k:
        values, found = scores.topk(k, 1)
        return values, found
    maxima = scores.view(len(scores), n_groups, GROUP).amax(2)
    groups = maxima.topk(k, 1, sorted=False).indices
    rows = (groups[:, :, None] * GROUP + torch.arange(GROUP)).flatten(1)
    values, found = scores.gather(1, rows).topk(k, 1)
    return values, rows.gather(1, found)


def _measured(
    queries: npt.NDArray[np.float32],
    library: npt.NDArray[np.float32],
    candidates: npt.NDArray[np.int64],
    k: int,
    metric: Metric,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The k nearest of the candidates, by distances in float64."""
    distances = measured_distances(queries, library, candidates, metric)
    order = np.lexsort((candidates, distances), axis=1)[:, :k]
    return np.take_along_axis(candidates, order, 1), np.take_along_axis(distances, order, 1)


def measured_distances(
    queries: npt.NDArray[Any], library: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], metric: Metric
) -> npt.NDArray[np.float64]:
    """Distances of queries [n_queries, n_components] to some rows each [n_queries, n_rows], in float64.

    A vector of zeros has the cosine distance 1 to all others.
    """
    distances = np.empty(rows.shape)
    step = max(1, ROWS_MEASURED_TOGETHER // max(1, len(rows)))
    for start in range(0, rows.shape[1], step):
        columns = slice(start, start + step)
        distances[:, columns] = _distances(queries, library, rows[:, columns], metric)
    return distances


def _distances(
    queries: npt.NDArray[Any], library: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], metric: Metric
) -> npt.NDArray[np.float64]:
    there = np.asarray(library[rows.ravel()], dtype=np.float64).reshape(*rows.shape, -1)
    here = np.asarray(queries, dtype=np.float64)[:, None, :]
    if metric == "l1":
        return np.abs(there - here).sum(2)
    if metric == "l2":
        return np.sqrt(((there - here) ** 2).sum(2))
    norms = np.linalg.norm(there, axis=2) * np.linalg.norm(here, axis=2)
    cosine = (there * here).sum(2) / np.where(norms > 0, norms, 1.0)
    return np.maximum(1.0 - cosine, 0.0)
