r"""Profile curves: how much worse the fit becomes as one parameter is held away from its best value.

\zeta(v) = sign(v - \hat v) \sqrt{[S(v) - S(\hat\theta)] / s^2}, S(v) the lowest sum of squares with the parameter
held at v (bates1988, Section 6.1). A straight line means that +- t standard errors are a fair interval; a bend shows by
how much they are not. The interval ends where |\zeta| = t.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from chemscale.base.errors import FitError
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.solver.least_squares import minimise
from chemscale.scaling.solver.solve import Design, move_matrix

BEYOND = 1.25  # how far past the interval's end the curve goes, in widths from the best value
OPEN_REACH = 4.0  # standard errors that are drawn where the interval is open
SHORTEST = 1e-3  # standard errors
SMALLEST_NOISE = 1e-10  # relative


@dataclass(frozen=True)
class ProfileCurve:
    """The signed root of one parameter.

    Attributes:
        parameter: its name.
        values: of the parameter, ascending [n_values].
        roots: signed roots [n_values].
        best: the fitted value.
        interval: its interval at `level`; open ends are infinite.
        limit: t; the interval holds the values with |root| below it.
        standard_error: of the value, on the scale of the curve (of ln v for a coefficient).
        is_log: whether the parameter is positive and its curve is read over ln v.
    """

    parameter: str
    values: np.ndarray
    roots: np.ndarray
    best: float
    interval: tuple[float, float]
    limit: float
    standard_error: float
    is_log: bool


def profile_curves(fit: LawFit, n_values: int = 12) -> list[ProfileCurve]:
    """The profile of every parameter that is not on a bound.

    Args:
        fit: of any law.
        n_values: values on either side of the best one.

    Raises:
        FitError: the points lie exactly on the law, so that nothing is uncertain.
    """
    if fit.relative_noise < SMALLEST_NOISE:
        raise FitError("the points lie exactly on the law: there is no uncertainty to draw a profile of")
    free = (fit.theta > fit.design.low) & (fit.theta < fit.design.high)
    return [_curve(fit, int(index), n_values) for index in np.flatnonzero(free)]


def _curve(fit: LawFit, index: int, n_values: int) -> ProfileCurve:
    law, name = fit.law, fit.law.names[index]
    own = law.parameters[index]
    shift = np.zeros(len(fit.design.centre))
    if own.moves_with is not None:
        shift[own.moves_with] = fit.design.centre[own.moves_with]
    # A coefficient is held where the law takes it, at an input of 1, and not at the centre of the data.
    theta = law.move(fit.theta, shift)
    matrix = move_matrix(law, shift)
    spread = matrix @ fit.spread @ matrix.T
    error = float(np.sqrt(spread[index, index]))
    along = spread[:, index] / spread[index, index]
    is_log = own.scale == "log"
    reaches = _reaches(fit, name, theta[index], error, is_log, (own.low, own.high))
    places = [theta[index]]
    roots = [0.0]
    for side, reach in zip((-1.0, 1.0), reaches, strict=True):
        steps = side * reach * np.arange(1, n_values + 1) / n_values
        found = _walk(fit, shift, theta, along, index, steps)
        places += list(theta[index] + steps)
        roots += list(side * found)
    order = np.argsort(places)
    values = np.array(places)[order]
    return ProfileCurve(
        parameter=name,
        values=np.exp(values) if is_log else values,
        roots=np.array(roots)[order],
        best=fit.parameters[name],
        interval=fit.intervals[name],
        limit=float(special.stdtrit(fit.freedom[index], 0.5 + fit.level / 2)),
        standard_error=error,
        is_log=is_log,
    )


def _reaches(
    fit: LawFit, name: str, place: float, error: float, is_log: bool, bounds: tuple[float, float]
) -> tuple[float, float]:
    """How far the curve goes to either side, in the solver's coordinate, kept inside of the parameter's bounds."""
    reaches = []
    for side, end, bound in zip((-1, 1), fit.intervals[name], bounds, strict=True):
        is_open = not np.isfinite(end) or (is_log and end <= 0)
        width = OPEN_REACH * error if is_open else abs((np.log(end) if is_log else end) - place)
        reaches.append(min(BEYOND * max(width, SHORTEST * error), side * (bound - place)))
    return reaches[0], reaches[1]


def _walk(
    fit: LawFit, shift: np.ndarray, theta: np.ndarray, along: np.ndarray, index: int, steps: np.ndarray
) -> np.ndarray:
    """|root| at every step away from the best value, each solved from where the one before it ended [n_steps]."""
    design: Design = fit.design
    residuals = design.residuals(fit.cells.log_loss[None], shift=shift[None])
    rounding = design.rounding(fit.cells.log_loss)
    lowest = float((residuals(theta[None], np.zeros(1, int))[0] ** 2).sum())
    variance = fit.shared_noise.own**2 if fit.shared_noise else fit.noise**2
    fixed = np.zeros((1, len(theta)), bool)
    fixed[0, index] = True
    current, before, squares = theta, 0.0, []
    for step in steps:
        start = current + along * (step - before)
        start[index] = theta[index] + step
        found = minimise(residuals, start[None], design.low, design.high, fixed, rounding)
        squares.append(float(found.squares[0]))
        current, before = found.theta[0], step
    return np.sqrt(np.maximum(np.array(squares) - lowest, 0.0) / variance)
