r"""The best split of a budget: the N and D on the line C(N, D) = C where the loss is least.

For the additive law and a cost k N^a D^b the model term times alpha/a equals the data term times beta/b there, so that
N^* = (alpha A b / (beta B a))^{1/m} (C/k)^{beta/(b m)} with m = alpha + a beta/b (hoffmann2022, Eq. 4, for a = b = 1
and k = 6). For all other laws and costs the derivative of the loss along the line is brought to zero by bisection.
"""

from collections.abc import Callable

import numpy as np

from chemscale.base.errors import FitError
from chemscale.scaling.planning.cost import CostModel
from chemscale.scaling.planning.surface import Surface, five_points

REACH, SPACING = 35.0, 0.5  # of the first look along the line, in ln N on each side of the centre
HALVINGS = 48
NEWTON_STEPS, LONGEST_STEP, CLOSE = 80, 6.0, 1e-11


def best_split(
    surface: Surface, theta: np.ndarray, cost: CostModel, log_budget: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """ln N* and ln D*.

    Args:
        surface: of the law.
        theta: [n_fits, n_parameters].
        cost: what is spent.
        log_budget: [n_fits or 1, n_budgets].

    Returns:
        two arrays [n_fits, n_budgets].

    Raises:
        FitError: the loss falls all along the line, so that there is no best split.
    """
    log_budget = np.broadcast_to(log_budget, (len(theta), log_budget.shape[-1]))
    powers = cost.power_form
    if surface.law.name == "additive" and powers is not None:
        return closed_form(surface, theta, powers, log_budget)
    return numeric_split(surface, theta, cost, log_budget)


def closed_form(
    surface: Surface, theta: np.ndarray, powers: tuple[float, float, float], log_budget: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The best split of the additive law under a cost k N^a D^b; arguments as in `best_split`."""
    k, a, b = powers
    _, log_model, log_data, alpha, beta = (column[:, None] for column in surface.law.move(theta, surface.centre).T)
    together = alpha + a * beta / b
    spare = log_budget - np.log(k)
    size = (log_model + np.log(alpha * b) - log_data - np.log(beta * a) + beta / b * spare) / together
    return size, (spare - a * size) / b


def numeric_split(
    surface: Surface, theta: np.ndarray, cost: CostModel, log_budget: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The best split by bisection; arguments as in `best_split`."""
    budget = np.exp(log_budget)

    def along(size: np.ndarray) -> np.ndarray:
        return surface.log_loss(theta, size, log_data_for(cost, budget, size))

    low, high = _around_least(surface, theta, cost, log_budget)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        falls = _slope(along, middle) < 0
        low, high = np.where(falls, middle, low), np.where(falls, high, middle)
    size = (low + high) / 2
    return size, log_data_for(cost, budget, size)


def log_data_for(cost: CostModel, budget: np.ndarray | float, log_size: np.ndarray) -> np.ndarray:
    """ln of the data that a budget pays for at ln N; minus infinity where it pays for next to none."""
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        return np.asarray(np.log(cost.data_for(budget, np.exp(log_size))))


def _slope(function: Callable[[np.ndarray], np.ndarray], at: np.ndarray) -> np.ndarray:
    return five_points(lambda step: function(at + step))


def _around_least(
    surface: Surface, theta: np.ndarray, cost: CostModel, log_budget: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Two places on either side of the least loss of a wide grid along the line [n_fits, n_budgets]."""
    grid = surface.centre[0] + np.arange(-REACH, REACH + SPACING, SPACING)
    n_fits, n_budgets = log_budget.shape
    seen = log_data_for(cost, np.exp(log_budget)[:, :, None], grid)
    sizes = np.broadcast_to(grid, seen.shape).reshape(n_fits, -1)
    loss = surface.log_loss(theta, sizes, seen.reshape(n_fits, -1)).reshape(n_fits, n_budgets, len(grid))
    best = loss.argmin(axis=-1)
    if ((best == 0) | (best == len(grid) - 1)).any():
        raise FitError(
            f"the law {surface.law.name!r} has no best split of this budget: its loss falls all along the line of "
            "equal cost. Fit a law with a model term and a data term, such as `additive`."
        )
    return grid[best - 1], grid[best + 1]


def cheapest_split(
    surface: Surface, theta: np.ndarray, cost: CostModel, log_target: np.ndarray, log_budget: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ln C, ln N and ln D of the cheapest run with a loss, by Newton's method along the frontier.

    By the envelope theorem d ln L*/d ln C is the slope along ln N over the cost's elasticity by N.

    Args:
        surface: of the law.
        theta: [n_fits, n_parameters].
        cost: what is spent.
        log_target: [n_fits].
        log_budget: where the search starts.

    Returns:
        three arrays [n_fits].

    Raises:
        FitError: no budget reaches the loss.
    """
    spent = np.full((len(theta), 1), log_budget)
    for step_number in range(NEWTON_STEPS):
        try:
            with np.errstate(all="ignore"):
                size, seen = best_split(surface, theta, cost, spent)
        except FitError:
            if step_number == 0:
                raise
            break  # budgets beyond any sense, and the loss still not reached
        with np.errstate(all="ignore"):  # where it goes astray it is stopped below
            excess = surface.log_loss(theta, size, seen)[:, 0] - log_target
            by_size, _ = surface.slopes(theta, size, seen)
            gain = by_size[:, 0] / cost.elasticities(np.exp(size), np.exp(seen))[0][:, 0]
        if (gain >= 0).any() or not np.isfinite(gain).all():
            break
        step = np.clip(-excess / gain, -LONGEST_STEP, LONGEST_STEP)
        if np.abs(step).max() < CLOSE:
            return spent[:, 0], size[:, 0], seen[:, 0]
        spent = spent + step[:, None]
    raise FitError(
        f"no budget reaches a loss of {np.exp(log_target[0]):.6g} by the law {surface.law.name!r}: "
        "ask for a higher loss, one nearer to those that were fitted"
    )
