"""Fit what a run costs to what runs did cost: seconds, device-hours or counted operations of a table."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from chemscale.base.errors import FitError
from chemscale.scaling.cells import PROPORTIONAL
from chemscale.scaling.planning.cost import MeasuredCost
from chemscale.scaling.points import check_positive, numbers

FEWEST_RUNS = 4
ROUGH = 0.25  # scatter in ln C beyond which a planned cost is no plan
RUNS_FOR_IDLE, SIZES_FOR_IDLE = 8, 4
BETTER = 6.0  # fall of AICc that the term of idle launches must bring
# Below it twice the budget would buy a thousand times the data: such runs were paid for by the step, not by their data.
SMALLEST_EXPONENT = 0.1
LEVEL = 0.95
SMALLEST_NOISE = 1e-12  # of counted costs, which lie on the law exactly


def fit_cost(parameters: ArrayLike, data: ArrayLike, cost: ArrayLike, unit: str = "seconds") -> MeasuredCost:
    """Fit C = k D^b (N^a + N_0^a) to measured costs, by least squares of ln C.

    N_0, the size below which models cost the same, is kept only where it makes the fit clearly better (AICc).

    Args:
        parameters: N of every run [n_runs].
        data: D of every run, counted over all epochs [n_runs].
        cost: what it took [n_runs].
        unit: of `cost`, as it is to be printed.

    Raises:
        FitError: fewer than 4 runs, one size only, N and D in proportion, bad numbers, or a cost that does not rise, or
            hardly, with N or with D.
    """
    columns = {
        "parameters": numbers("parameters", parameters),
        "data": numbers("data", data),
        "cost": numbers("cost", cost),
    }
    for name, values in columns.items():
        check_positive(name, values)
        if len(values) != len(columns["cost"]):
            raise FitError(
                f"{name} has {len(values)} values and cost has {len(columns['cost'])}: give one of each per run"
            )
    size, amount, measured = (np.log(values) for values in columns.values())
    _check_runs(size, amount)
    centre = np.array([size.mean(), amount.mean()])
    size, amount = size - centre[0], amount - centre[1]
    theta, idle = _plain(size, amount, measured), -np.inf
    if len(measured) >= RUNS_FOR_IDLE and len(np.unique(size.round(9))) >= SIZES_FOR_IDLE:
        theta, idle = _better_with_idle(theta, size, amount, measured)
    residual = measured - _log_cost(theta, idle, size, amount)
    freedom = len(measured) - len(theta)
    noise = max(float(np.sqrt((residual**2).sum() / freedom)), SMALLEST_NOISE)
    jacobian = _jacobian(theta, size, amount)
    total = float(((measured - measured.mean()) ** 2).sum())
    spread = np.linalg.inv(jacobian.T @ jacobian) * noise**2
    _check_rising(theta, np.sqrt(np.diag(spread)), freedom)
    return MeasuredCost(
        height=float(theta[0]),
        a=float(theta[1]),
        b=float(theta[2]),
        log_idle=float(theta[3] + centre[0]) if len(theta) > 3 else -np.inf,
        centre=centre,
        spread=spread,
        freedom=float(freedom),
        noise=noise,
        r_squared=1 - float((residual**2).sum()) / total,
        n_runs=len(measured),
        ranges=(_range(columns["parameters"]), _range(columns["data"])),
        unit=unit,
        warnings=_warnings(noise, residual),
    )


def _check_runs(size: np.ndarray, amount: np.ndarray) -> None:
    if len(size) < FEWEST_RUNS:
        raise FitError(
            f"a cost needs at least {FEWEST_RUNS} measured runs, got {len(size)}. Add runs, or count C = 6 N D."
        )
    for name, values in (("parameters", size), ("data", amount)):
        if np.ptp(values) < 1e-9:
            raise FitError(f"{name}: one size only ({np.exp(values[0]):.6g}), so what more of it costs is not known")
    first, second = size - size.mean(), amount - amount.mean()
    if 1 - (first @ second) ** 2 / ((first @ first) * (second @ second)) < PROPORTIONAL:
        raise FitError("parameters and data change together in every measured run: what either costs cannot be told")


def _check_rising(theta: np.ndarray, errors: np.ndarray, freedom: float) -> None:
    """Refuse a cost that N or D does not raise: a budget cannot be split by it."""
    half = float(special.stdtrit(freedom, 0.5 + LEVEL / 2)) * errors
    what_to_do = {
        "parameters": "The device waits for its launches, or shared its time: measure larger models, on a free device.",
        "data": "Their budget was fixed, in tokens or in steps. Plan with the cost of runs that see all of their data, "
        "or count the tokens seen as data.",
    }
    for index, (name, advice) in enumerate(what_to_do.items(), start=1):
        exponent, low, high = theta[index], theta[index] - half[index], theta[index] + half[index]
        if low <= 0 or exponent < SMALLEST_EXPONENT:
            verb = "falls with" if high < 0 else "hardly depends on"
            raise FitError(
                f"the cost of these runs {verb} their {name} (the exponent is {exponent:.2g}, {100 * LEVEL:g} % "
                f"interval [{low:.2g}, {high:.2g}]): no budget can be split by such a cost. {advice}"
            )


def _range(values: np.ndarray) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _plain(size: np.ndarray, amount: np.ndarray, measured: np.ndarray) -> np.ndarray:
    columns = np.column_stack([np.ones_like(size), size, amount])
    return np.linalg.lstsq(columns, measured, rcond=None)[0]


def _log_cost(theta: np.ndarray, idle: float, size: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """ln C; `idle` is ln N_0 around the centre."""
    model = theta[1] * size
    if not np.isneginf(idle):
        model = np.logaddexp(model, theta[1] * idle)
    return np.asarray(theta[0] + model + theta[2] * amount)


def _jacobian(theta: np.ndarray, size: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Derivatives by (height, a, b) or (height, a, b, ln N_0) [n_runs, 3 or 4]."""
    if len(theta) == 3:
        return np.column_stack([np.ones_like(size), size, amount])
    busy = np.exp(-np.logaddexp(0.0, theta[1] * (theta[3] - size)))
    return np.column_stack([np.ones_like(size), busy * size + (1 - busy) * theta[3], amount, (1 - busy) * theta[1]])


def _better_with_idle(
    plain: np.ndarray, size: np.ndarray, amount: np.ndarray, measured: np.ndarray
) -> tuple[np.ndarray, float]:
    """The fit with N_0 and ln N_0, or the plain one and minus infinity."""
    best, squares = plain, np.inf
    low, high = float(size.min()) - np.log(10), float(size.max())
    for idle in np.quantile(size, [0.1, 0.35, 0.6]):
        start = np.array([plain[0], max(plain[1], 0.1) * 1.3, plain[2], idle])
        found = optimize.least_squares(
            lambda theta: _log_cost(theta, theta[3], size, amount) - measured,
            start,
            jac=lambda theta: _jacobian(theta, size, amount),
            bounds=([-np.inf, 1e-3, -np.inf, low], [np.inf, 5.0, np.inf, high]),
            xtol=1e-12,
            ftol=1e-12,
        )
        if 2 * found.cost < squares:
            best, squares = found.x, 2 * float(found.cost)
    inside = len(best) > 3 and low + 1e-3 < best[3] < high - 1e-3
    before = float(((measured - _log_cost(plain, -np.inf, size, amount)) ** 2).sum())
    if inside and _aicc(squares, len(size), 5) < _aicc(before, len(size), 4) - BETTER:
        return best, float(best[3])
    return plain, -np.inf


def _aicc(squares: float, n: int, n_parameters: int) -> float:
    """Akaike's criterion with the correction for small samples; the noise counts as a parameter."""
    mean = max(squares / n, SMALLEST_NOISE**2)
    return n * float(np.log(mean)) + 2 * n_parameters + 2 * n_parameters * (n_parameters + 1) / (n - n_parameters - 1)


def _warnings(noise: float, residual: np.ndarray) -> tuple[str, ...]:
    found = []
    if noise > ROUGH:
        worst = float(np.exp(np.abs(residual).max()))
        found.append(
            f"the measured costs scatter by {100 * noise:.0f} % about their law, the worst run by a factor of "
            f"{worst:.2g}: were they measured on one kind of device that was otherwise free?"
        )
    return tuple(found)
