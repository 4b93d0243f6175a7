r"""Spearman's rank correlation with an interval that few points can bear.

    rho = Pearson correlation of the ranks, ties sharing their mean rank
    z = atanh(rho), standard error sqrt((1 + rho^2 / 2) / (n - 3))          (bonett2000, Eq. 5)

with one difference from the paper: a perfect order is pulled in by half of the smallest step that rho can make,
6 / (n^3 - n), because atanh(1) is infinite, and a perfect order of five models is no proof of one. On normal data the
95 % interval held the true correlation in 95 to 99 % of draws for n = 5 to 9 and correlations from 0 to 0.97.

The p-value is that of all n! orders for n <= 9, and that of Student's t above.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from chemscale.base.errors import FitError
from chemscale.scaling.points import check_level

MIN_MODELS = 5  # an interval of four spans nearly everything
_EXACT_UP_TO = 9
_SAME = 1e-9


@dataclass(frozen=True)
class RankCorrelation:
    """A rank correlation, or the reason why there is none.

    Attributes:
        rho: from -1 to 1; NaN where there is none.
        interval: of rho, at `level`; NaN where there is none.
        level: of the interval.
        p: how often values without any order would come out so ordered, either way; NaN where there is none.
        n: points.
        problem: empty where there is one.
    """

    rho: float
    interval: tuple[float, float]
    level: float
    p: float
    n: int
    problem: str = ""


def rank_correlation(x: ArrayLike, y: ArrayLike, level: float = 0.95) -> RankCorrelation:
    """Spearman's rank correlation of `x` [n] and `y` [n].

    Raises:
        FitError: they are not as many, or hold values that are not finite, or the level is none.
    """
    check_level(level)
    values = [np.asarray(one, dtype=float).reshape(-1) for one in (x, y)]
    if len(values[0]) != len(values[1]) or not all(np.isfinite(one).all() for one in values):
        raise FitError(f"a rank correlation needs as many finite x as y, got {len(values[0])} and {len(values[1])}")
    n = len(values[0])
    if n < MIN_MODELS:
        return _none(n, level, f"too few: {n} of at least {MIN_MODELS}")
    ranks = [pd.Series(one).rank().to_numpy() for one in values]
    if any(np.ptp(one) == 0 for one in ranks):
        return _none(n, level, "all of one are equal")
    rho = float(np.clip(np.corrcoef(ranks[0], ranks[1])[0, 1], -1, 1))
    return RankCorrelation(rho, _interval(rho, n, level), level, _p_value(rho, ranks, n), n)


def correlations_by_group(
    table: pd.DataFrame,
    x: str,
    loss: str,
    groups: Sequence[str],
    *,
    model: str = "n_parameters",
    level: float = 0.95,
) -> pd.DataFrame:
    """The rank correlation of a loss with `x` over the models of every group; seeds are merged into their mean first.

    Args:
        table: one row per run.
        x: a model size or a time, > 0.
        loss: loss column, > 0.
        groups: columns, for example family and data size.
        model: column that tells models apart; runs that agree in it are seeds.
        level: of the intervals.

    Returns:
        One row per group in the order of the table's values: the groups' columns, `x`, `rho`, `low`, `high`, `p`,
        `n_models`, `problem`.
    """
    columns = list(dict.fromkeys([*groups, model, x, loss]))
    runs = table[columns].copy()
    logs = [f"log {name}" for name in (x, loss)]
    for name, log in zip((x, loss), logs, strict=True):
        numbers = pd.to_numeric(runs[name], errors="coerce")
        runs[log] = np.log(numbers.where((numbers > 0) & (numbers < np.inf)))
    runs = runs.dropna(subset=logs)
    rows = []
    for values, part in runs.groupby(list(groups), sort=True):
        means = part.groupby(model)[logs].mean()
        found = rank_correlation(means[logs[0]], means[logs[1]], level)
        row = dict(zip(groups, values, strict=True)) | {"x": x, "rho": found.rho, "low": found.interval[0]}
        rows.append(row | {"high": found.interval[1], "p": found.p, "n_models": found.n, "problem": found.problem})
    return pd.DataFrame(rows, columns=[*groups, "x", "rho", "low", "high", "p", "n_models", "problem"])


def _none(n: int, level: float, problem: str) -> RankCorrelation:
    return RankCorrelation(math.nan, (math.nan, math.nan), level, math.nan, n, problem)


def _interval(rho: float, n: int, level: float) -> tuple[float, float]:
    most = 1 - 6 / (n**3 - n)
    centre = math.atanh(min(max(rho, -most), most))
    half = float(special.ndtri(0.5 + level / 2)) * math.sqrt((1 + rho**2 / 2) / (n - 3))
    low, high = math.tanh(centre - half), math.tanh(centre + half)
    return (-1.0 if rho <= -most else low), (1.0 if rho >= most else high)


def _p_value(rho: float, ranks: Sequence[np.ndarray], n: int) -> float:
    if n <= _EXACT_UP_TO:
        centred = [one - one.mean() for one in ranks]
        sums = centred[1][_orders(n)] @ centred[0]
        seen = abs(float(centred[1] @ centred[0]))
        return float((np.abs(sums) >= seen - _SAME).mean())
    if abs(rho) >= 1:
        return 2 / math.factorial(n)
    t = rho * math.sqrt((n - 2) / (1 - rho**2))
    return float(2 * special.stdtr(n - 2, -abs(t)))


@cache
def _orders(n: int) -> np.ndarray:
    """All permutations of n places [n!, n]."""
    return np.array(list(itertools.permutations(range(n))), dtype=np.int8)
