"""Samples of a property: what is in the middle, how far they spread, and how far two of them are apart."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


class Spread(NamedTuple):
    """Mean, median and quartiles, in the unit of the values; all NaN for no values."""

    mean: float
    median: float
    lower_quartile: float
    upper_quartile: float


def spread_of(values: Values) -> Spread:
    """Mean, median and quartiles of values [n]."""
    if not len(values):
        return Spread(math.nan, math.nan, math.nan, math.nan)
    lower, median, upper = np.quantile(values, (0.25, 0.5, 0.75))
    return Spread(float(values.mean()), float(median), float(lower), float(upper))


def wasserstein_distance(first: Values, second: Values) -> float:
    """Wasserstein distance of order 1 between two samples [n_first], [n_second], in their unit; NaN if one is empty.

    Integral of |F(x) - G(x)| over x, where F and G are the shares of each sample up to x (Ramdas et al. 2017,
    10.3390/e19020047, proposition 1).
    """
    if not len(first) or not len(second):
        return math.nan
    places = np.sort(np.concatenate((first, second)))
    shares = [np.searchsorted(np.sort(values), places[:-1], side="right") / len(values) for values in (first, second)]
    return float(np.abs(shares[0] - shares[1]) @ np.diff(places))
