"""How far neighbours are from their query in a property: Delta_p of Frey et al. 2023, and how methods compare.

    Delta_p = | 1/k sum_j p(neighbour_j) - p(query) |        (Eq. 9; k = 100)

Frey et al. show it for one query. Over many queries there are a mean and a median with bootstrap intervals, and how
often embeddings win over fingerprints, with a Wilson interval. Random molecules of the library are the control: a
method is worth something where its Delta_p is well below theirs.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from chemscale.base.errors import UserError
from chemscale.base.progress import progress_bar
from chemscale.base.seeds import stream
from chemscale.chem.properties import PROPERTIES
from chemscale.chem.property_worker import properties_of
from chemscale.language.nearest.exact import METRICS, Metric
from chemscale.language.nearest.library import Library
from chemscale.language.nearest.vector_search import NeighbourIndex

FINGERPRINTS, RANDOM = "Tanimoto", "random"
K = 100
DRAWS, LEVEL, NORMAL_QUANTILE = 2_000, 0.95, 1.959964
# Nearer than this, deltas are equal: means of the same neighbours in another order differ by rounding.
EQUAL = 1e-9
Deltas = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NeighbourEvaluation:
    """Delta_p of several methods over the same queries.

    Attributes:
        queries: canonical SMILES [n_queries].
        k: neighbours of every query: as many as were asked for, or as all methods found for all queries. Where that is
            most of the library, methods can hardly differ.
        deltas: by method (`cosine`, `l1`, `l2`: embeddings; `Tanimoto`; `random`) [n_queries, n_properties], the
            properties in the order of `chem.properties.PROPERTIES`.
        seed: of the bootstrap.
    """

    queries: tuple[str, ...]
    k: int
    deltas: Mapping[str, Deltas]
    seed: int = 0

    def table(self) -> pd.DataFrame:
        """One row per property and method: mean and median of Delta_p with their 95 % intervals.

        Columns: property, method, n_queries, mean, mean_low, mean_high, median, median_low, median_high.
        """
        rows = []
        for place, name in enumerate(PROPERTIES):
            for method, deltas in self.deltas.items():
                values = deltas[:, place]
                row: dict[str, object] = {"property": name, "method": method, "n_queries": len(values)}
                for title, statistic in (("mean", np.mean), ("median", np.median)):
                    row[title] = float(statistic(values))
                    draws = statistic(values[self._draws(len(values))], axis=1)
                    row[f"{title}_low"], row[f"{title}_high"] = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
                rows.append(row)
        return pd.DataFrame(rows)

    def wins(self) -> pd.DataFrame:
        """How often embeddings have the smaller Delta_p than fingerprints; a tie, to rounding, is half a win.

        One row per property and metric: property, method, n_queries, win_rate, low, high (Wilson, 95 %).
        """
        rows = []
        for place, name in enumerate(PROPERTIES):
            other = self.deltas[FINGERPRINTS][:, place]
            for method in [metric for metric in METRICS if metric in self.deltas]:
                own = self.deltas[method][:, place]
                ties = np.isclose(own, other, rtol=EQUAL, atol=EQUAL)
                rate = float(np.where(ties, 0.5, own < other).mean())
                low, high = wilson_interval(rate, len(own))
                row = {"property": name, "method": method, "n_queries": len(own)}
                rows.append({**row, "win_rate": rate, "low": low, "high": high})
        return pd.DataFrame(rows)

    def _draws(self, n: int) -> npt.NDArray[np.int64]:
        # the same draws for all methods: their differences are not blurred by the bootstrap
        return stream(self.seed, "bootstrap").integers(0, n, (DRAWS, n))


def evaluate_neighbours(
    library: Library,
    *,
    queries: Sequence[str] | None = None,
    n_queries: int = 100,
    k: int = K,
    metrics: Sequence[Metric] = METRICS,
    index: NeighbourIndex | None = None,
    seed: int = 0,
    workers: int | None = None,
) -> NeighbourEvaluation:
    """Compare neighbours by embedding, by fingerprint and by chance.

    Args:
        library: see `open_library`.
        queries: canonical SMILES that the model can embed; None draws them from the library.
        n_queries: how many are drawn; all different ones if the library has fewer.
        k: neighbours of a query; itself is never among them. Fewer are compared where a library has fewer, or an
            approximate search finds fewer: the same number by all methods, see `NeighbourEvaluation.k`.
        metrics: between embeddings.
        index: an approximate index for the one metric in `metrics`; None searches exactly.
        seed: of queries, of random molecules, and of the bootstrap.
        workers: processes that compute properties; None takes one per core at hand.

    Raises:
        UserError: an argument is not allowed, or a query cannot be embedded.
        DataError: the library has no other molecule than a query.
    """
    if n_queries < 1:
        raise UserError(f"n_queries: {n_queries}; give a number from 1")
    chosen = list(queries) if queries is not None else _drawn_queries(library, n_queries, seed)
    rows_by_method: dict[str, list[npt.NDArray[np.int64]]] = {}
    for metric in metrics:
        rows_by_method[metric] = [rows for rows, _ in library.by_embedding(chosen, k, metric, index)]
    rows_by_method[FINGERPRINTS] = [rows for rows, _ in library.by_fingerprint(chosen, k)]
    rows_by_method[RANDOM] = _random(library, chosen, k, seed)
    k = min(len(rows) for all_rows in rows_by_method.values() for rows in all_rows)
    rows_by_method = {method: [rows[:k] for rows in all_rows] for method, all_rows in rows_by_method.items()}
    every = np.unique(np.concatenate([np.concatenate(rows) for rows in rows_by_method.values()]))
    values = _properties([library.smiles[int(row)] for row in every], workers)
    own = _properties(chosen, workers=1)
    deltas = {
        method: np.array([delta(own[i], values[np.searchsorted(every, rows)]) for i, rows in enumerate(all_rows)])
        for method, all_rows in rows_by_method.items()
    }
    return NeighbourEvaluation(tuple(chosen), k, deltas, seed)


def delta(query: npt.NDArray[np.float64], neighbours: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Delta_p of one query [n_properties], from its properties [n_properties] and its neighbours' [k, n_properties]."""
    return np.abs(neighbours.mean(0) - query)


def wilson_interval(rate: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share that was `rate` in n trials (Wilson 1927, 10.1080/01621459.1927.10502953)."""
    z2 = NORMAL_QUANTILE**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = NORMAL_QUANTILE * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return centre - half, centre + half


def _drawn_queries(library: Library, n_queries: int, seed: int) -> list[str]:
    """Different molecules of the library, in random order."""
    chosen: dict[str, None] = {}
    for row in stream(seed, "queries").permutation(len(library)):
        chosen[library.smiles[int(row)]] = None
        if len(chosen) == n_queries:
            break
    return list(chosen)


def _random(library: Library, queries: Sequence[str], k: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """k random rows for every query, without the query itself; fewer where the library has fewer."""
    random = stream(seed, "random neighbours")
    chosen = []
    for query in queries:
        others: list[int] = []
        drawn = 0
        while len(others) < k and drawn < len(library):
            # one more than k would do but for copies of the query in the library
            drawn = min(max(2 * k + 1, 4 * drawn), len(library))
            rows = random.choice(len(library), drawn, replace=False)
            others = [row for row in rows if library.smiles[int(row)] != query]
        chosen.append(np.array(others[:k], dtype=np.int64))
    return chosen


def _properties(smiles: Sequence[str], workers: int | None) -> npt.NDArray[np.float64]:
    parts = []
    with progress_bar("properties", len(smiles), "molecules") as bar:
        for part in properties_of(smiles, workers):
            parts.append(part)
            bar.advance(len(part))
    return np.concatenate(parts)
