"""Orders and their quality: ranks with ties, Spearman's rho, rho among the best, regret."""

import math

import numpy as np
from numpy.typing import ArrayLike

from chemscale.base.errors import FitError


def ranks(values: ArrayLike) -> np.ndarray:
    """Ranks from 1 [n], equal values sharing their mean rank; +inf is last, and all of them are equal.

    Raises:
        FitError: a value is NaN.
    """
    array = np.asarray(values, dtype=float)
    if np.isnan(array).any():
        raise FitError(f"ranks: value {int(np.flatnonzero(np.isnan(array))[0]) + 1} of {len(array)} is NaN")
    _, inverse, counts = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle = last - (counts - 1) / 2
    return np.asarray(middle[inverse.reshape(-1)], dtype=float)


def spearman_rho(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rank correlation, with mean ranks for ties; NaN below three pairs or where one side is all equal."""
    a, b = ranks(x), ranks(y)
    if len(a) != len(b):
        raise FitError(f"spearman_rho: {len(a)} and {len(b)} values, expected as many")
    if len(a) < 3:
        return math.nan
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 else math.nan


def best_part(final: np.ndarray, share: float = 1 / 3) -> np.ndarray:
    """Which of `final` [n] are the best `share`, rounded up and at least three (all where there are fewer)."""
    n = min(len(final), max(3, math.ceil(share * len(final) - 1e-9)))
    return np.argsort(final, kind="stable")[:n]


def rho_in_best(scores: np.ndarray, final: np.ndarray, share: float = 1 / 3) -> float:
    """Spearman's rho of scores [n] and final losses [n] inside the truly best `share`: bad runs cannot inflate it."""
    part = best_part(final, share)
    return spearman_rho(scores[part], final[part])


def regret(chosen: float, final: np.ndarray) -> float:
    """How much worse the chosen run's final loss is than the best one, in the losses' own unit; +inf if it diverged."""
    return float(chosen - final.min())


def normalised_regret(chosen: float, final: np.ndarray) -> float:
    """Regret as a share of the way from the best to the median run: 0 = the best, 1 = no better than the median."""
    finite = final[np.isfinite(final)]
    span = float(np.median(finite) - finite.min()) if len(finite) else 0.0
    gap = regret(chosen, final)
    if gap == 0:
        return 0.0
    return gap / span if span > 0 else math.inf


def r_squared(x: np.ndarray, y: np.ndarray) -> float:
    """Squared Pearson correlation of the pairs that are finite: R2 of the least-squares line; NaN below three."""
    finite = np.isfinite(x) & np.isfinite(y)
    if finite.sum() < 3:
        return math.nan
    a, b = x[finite] - x[finite].mean(), y[finite] - y[finite].mean()
    scale = float((a * a).sum() * (b * b).sum())
    return float((a * b).sum()) ** 2 / scale if scale > 0 else math.nan
