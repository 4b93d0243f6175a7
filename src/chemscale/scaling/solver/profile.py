r"""Intervals by profile likelihood: the values a parameter can take before the fit is significantly worse.

For a parameter held at v the others are fitted anew. v is in the interval where [S(v) - S(\hat\theta)] / s^2 <= t^2, S
the sum of squares and t Student's quantile (bates1988, Section 6.1; its square is the F quantile with one numerator
degree of freedom). Unlike +- t standard errors this respects the bounds, and the long tail that a floor gives to the
exponent.
"""

from dataclasses import dataclass

import numpy as np

from chemscale.scaling.solver.least_squares import Minimum, minimise
from chemscale.scaling.solver.solve import Design, covariance, errors_alone, in_chunks, move_matrix

STEPS = 40
CLOSE = 1e-4  # relative, of the signed root at the end of an interval
FARTHEST = 60.0  # standard errors or units of ln: beyond, the end is called open


@dataclass(frozen=True)
class Search:
    """Interval ends to look for: one row per fit, parameter and side.

    Attributes:
        fit: index of the fit [n_ends].
        parameter: [n_ends].
        side: -1 or 1 [n_ends].
        shift: of the inputs, so that a coefficient is taken where the law takes it [n_ends, n_inputs].
    """

    fit: np.ndarray
    parameter: np.ndarray
    side: np.ndarray
    shift: np.ndarray


def profile_intervals(
    design: Design, log_loss: np.ndarray, theta: np.ndarray, squares: np.ndarray, variance: np.ndarray, t: np.ndarray
) -> np.ndarray:
    """Interval ends of every parameter of every fit.

    Args:
        design: the law and its inputs.
        log_loss: [n_fits, n_points].
        theta: the fits, in coordinates around the centre [n_fits, n_parameters].
        squares: their sums of squares [n_fits].
        variance: of one residual [n_fits].
        t: quantile [n_fits, n_parameters].

    Returns:
        [n_fits, n_parameters, 2] in the law's own coordinates; infinite where the data set no end.
    """
    n_fits, n = theta.shape
    search = _ends(design, n_fits, n)
    start, value, error = _starting_values(design, theta, variance, search)
    limit = t[search.fit, search.parameter]
    end = np.clip(value + search.side * limit * error, *_bounds(design, search))
    inner, inner_root = value.copy(), np.zeros(len(value))
    outer, outer_root = np.full(len(value), np.nan), np.full(len(value), np.nan)
    result = np.full(len(value), np.nan)
    open_rows = np.arange(len(value))
    ahead = start + _along(design, theta, variance, search) * (end - value)[:, None]
    behind = start  # the nearest fit inside of the interval: from there the way out is continuous
    for _ in range(STEPS):
        origins = np.stack([ahead[open_rows], behind[open_rows]], axis=1)
        root, fitted = _signed_root(design, log_loss, squares, variance, search, open_rows, end, origins)
        ahead[open_rows] = fitted
        target = limit[open_rows]
        low, high = (bound[open_rows] for bound in _bounds(design, search))
        at_edge = (end[open_rows] <= low) | (end[open_rows] >= high)
        far = np.abs(end[open_rows] - value[open_rows]) > FARTHEST * np.maximum(error[open_rows], 1.0)
        found = np.abs(root - target) < CLOSE * target
        unlimited = (root < target) & (at_edge | far)
        result[open_rows[found | unlimited]] = end[open_rows[found | unlimited]]
        beyond = root >= target
        outer[open_rows[beyond]], outer_root[open_rows[beyond]] = end[open_rows[beyond]], root[beyond]
        inner[open_rows[~beyond]], inner_root[open_rows[~beyond]] = end[open_rows[~beyond]], root[~beyond]
        behind[open_rows[~beyond]] = fitted[~beyond]
        result[open_rows[unlimited]] = _open_end(design, search, open_rows[unlimited], end[open_rows[unlimited]])
        open_rows = open_rows[~(found | unlimited)]
        if not len(open_rows):
            break
        end[open_rows] = _next(inner, inner_root, outer, outer_root, value, limit, open_rows)
        end = np.clip(end, *_bounds(design, search))
    result = np.where(np.isnan(result), end, result)
    return result.reshape(n_fits, n, 2)


def _ends(design: Design, n_fits: int, n: int) -> Search:
    fit, parameter, side = (part.reshape(-1) for part in np.meshgrid(range(n_fits), range(n), (-1, 1), indexing="ij"))
    shift = np.zeros((len(fit), len(design.centre)))
    for index, one in enumerate(design.law.parameters):
        if one.moves_with is not None:
            shift[parameter == index, one.moves_with] = design.centre[one.moves_with]
    return Search(fit, parameter, side, shift)


def _starting_values(
    design: Design, theta: np.ndarray, variance: np.ndarray, search: Search
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every fit in the coordinates of its searches, the value of the parameter in question, and its standard error."""
    start = design.law.move(theta[search.fit], search.shift)
    rows = np.arange(len(search.fit))
    error = np.sqrt(np.abs(_covariances(design, theta, variance, search)[rows, search.parameter, search.parameter]))
    value = start[rows, search.parameter]
    # One on a bound has no covariance: its error with all others held is a first step in its own unit.
    alone = np.stack([errors_alone(design, one) for one in theta]) * np.sqrt(variance)[:, None]
    alone = alone[search.fit, search.parameter]
    alone = np.where(alone > 0, alone, 0.1 * np.maximum(np.abs(value), 0.1))
    return start, value, np.where(error > 0, error, alone)


def _along(design: Design, theta: np.ndarray, variance: np.ndarray, search: Search) -> np.ndarray:
    """How the other parameters follow when one is moved by one [n_ends, n_parameters], to first order."""
    rows = np.arange(len(search.fit))
    column = _covariances(design, theta, variance, search)[rows, :, search.parameter]
    own = column[rows, search.parameter]
    along = np.where(own[:, None] > 0, column / np.where(own > 0, own, 1.0)[:, None], 0.0)
    along[rows, search.parameter] = 1.0
    return along


def _covariances(design: Design, theta: np.ndarray, variance: np.ndarray, search: Search) -> np.ndarray:
    around_centre = np.stack([covariance(design, one) * s2 for one, s2 in zip(theta, variance, strict=True)])
    shifts, kind = np.unique(search.shift, axis=0, return_inverse=True)
    moves = np.stack([move_matrix(design.law, shift) for shift in shifts])[kind.reshape(-1)]
    moved: np.ndarray = moves @ around_centre[search.fit] @ moves.swapaxes(1, 2)
    return moved


def _bounds(design: Design, search: Search) -> tuple[np.ndarray, np.ndarray]:
    return design.low[search.parameter], design.high[search.parameter]


def _signed_root(
    design: Design,
    log_loss: np.ndarray,
    squares: np.ndarray,
    variance: np.ndarray,
    search: Search,
    rows: np.ndarray,
    end: np.ndarray,
    origins: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The root at `end` of every row, and the best fit there; origins [n_rows, n_origins, n_parameters]."""
    n_origins, every = origins.shape[1], np.arange(len(rows) * origins.shape[1])
    each = np.repeat(rows, n_origins)
    theta = origins.reshape(len(every), -1).copy()
    theta[every, search.parameter[each]] = end[each]
    fixed = np.zeros(theta.shape, bool)
    fixed[every, search.parameter[each]] = True
    rounding = design.rounding(log_loss)

    def part(some: slice) -> Minimum:
        residuals = design.residuals(log_loss[search.fit[each[some]]], shift=search.shift[each[some]])
        return minimise(residuals, theta[some], design.low, design.high, fixed[some], rounding)

    found = in_chunks(part, len(every), design.at_once(len(every))).best_of(n_origins)
    fit = search.fit[rows]
    return np.sqrt(np.maximum(found.squares - squares[fit], 0.0) / variance[fit]), found.theta


def _open_end(design: Design, search: Search, rows: np.ndarray, end: np.ndarray) -> np.ndarray:
    """An end on a bound that means something (a floor of zero) is that bound; else the data set no end."""
    floors = np.array([parameter.low == 0.0 for parameter in design.law.parameters])[search.parameter[rows]]
    on_floor = floors & (search.side[rows] < 0) & (end <= 0)
    return np.where(on_floor, end, np.inf * search.side[rows])


def _next(
    inner: np.ndarray,
    inner_root: np.ndarray,
    outer: np.ndarray,
    outer_root: np.ndarray,
    value: np.ndarray,
    limit: np.ndarray,
    rows: np.ndarray,
) -> np.ndarray:
    """Outwards until the limit is passed, then between the two sides: by regula falsi kept away from both ends."""
    a, b, fa, fb, t = inner[rows], outer[rows], inner_root[rows], outer_root[rows], limit[rows]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(np.isfinite(fb), np.clip((t - fa) / (fb - fa), 0.03, 0.97), 0.5)
        stretch = np.clip(1.1 * t / np.maximum(fa, 1e-12), 1.2, 3.0)
    return np.where(np.isnan(b), value[rows] + (a - value[rows]) * stretch, a + share * (b - a))
