r"""The same fit with Huber's loss, which counts outliers by their size and not by its square (huber1964).

h(r) = r^2/2 where |r| <= \delta, \delta (|r| - \delta/2) beyond. hoffmann2022 use \delta = 10^{-3} on residuals of
ln L, which is close to the sum of absolute residuals. The choice between the two losses moves exponents by more than
most published intervals, so both are always shown.
"""

import numpy as np
from scipy import optimize

from chemscale.scaling.laws.power import Power
from chemscale.scaling.solver.solve import Design, covariance, errors_alone, make_design
from chemscale.scaling.straight_line import StraightLine

DELTA = 1e-3


def fit_huber(
    design: Design, log_loss: np.ndarray, starts: np.ndarray, delta: float = DELTA
) -> tuple[np.ndarray, float]:
    """Minimise the sum of Huber losses.

    Args:
        design: the law and its inputs, without a whitener.
        log_loss: [n_points].
        starts: [n_starts, n_parameters], the least squares fit first: it scales the search.
        delta: where the loss turns linear; of scores with absolute residuals, as a share of the mean score.

    Returns:
        theta [n_parameters] and the sum of losses.
    """
    unit = float(np.exp(log_loss).mean()) if design.law.residual == "absolute" else 1.0
    delta = delta * unit
    spread = covariance(design, starts[0])
    axes = unit * _axes(spread, np.sqrt(np.diag(spread)), errors_alone(design, starts[0]))
    residuals, one = design.residuals(log_loss[None]), np.zeros(1, int)

    def cost(step: np.ndarray, origin: np.ndarray) -> tuple[float, np.ndarray]:
        theta = np.clip(origin + axes @ step, design.low, design.high)
        with np.errstate(all="ignore"):
            residual, jacobian = residuals(theta[None], one)
        size = np.abs(residual[0])
        inside = size <= delta
        losses = np.where(inside, 0.5 * np.minimum(size, delta) ** 2, delta * (size - 0.5 * delta))
        pull = np.where(inside, residual[0], delta * np.sign(residual[0]))
        if not np.isfinite(losses).all():
            return 1e300, np.zeros(len(step))
        return float(losses.sum()) / delta**2, axes.T @ (jacobian[0].T @ pull) / delta**2

    best, best_cost = starts[0], np.inf
    for start in starts:
        origin = start
        for _ in range(4):  # restarts refresh the approximate Hessian, which the kinks of the loss spoil
            found = optimize.minimize(
                cost, np.zeros(len(start)), args=(origin,), jac=True, method="BFGS", options={"gtol": 1e-9}
            )
            moved = np.clip(origin + axes @ found.x, design.low, design.high)
            if found.fun >= best_cost - 1e-12 * abs(best_cost):
                if found.fun < best_cost:
                    best, best_cost = moved, found.fun
                break
            best, best_cost, origin = moved, found.fun, moved
    return best, best_cost * delta**2


def huber_line(x: np.ndarray, y: np.ndarray, line: StraightLine) -> dict[str, float]:
    """alpha and beta of ln L = ln alpha - beta ln R with Huber's loss; `line` is the least squares of x, y [n]."""
    design = make_design(Power(), x[:, None])
    start = np.array([[line.intercept, -line.slope]])
    theta, _ = fit_huber(design, y, design.law.move(start, -design.centre))
    log_alpha, beta = design.natural(theta)
    return {"alpha": float(np.exp(min(log_alpha, 700.0))), "beta": float(beta)}


def _axes(spread: np.ndarray, scale: np.ndarray, alone: np.ndarray) -> np.ndarray:
    """Directions in which the least squares problem is round [n_parameters, n_parameters].

    A parameter on a bound has no covariance (scale 0): it goes by what it does alone.
    """
    safe = np.where(scale > 0, scale, np.where(alone > 0, alone, 1.0))
    correlation = spread / np.outer(safe, safe) + np.diag(np.where(scale > 0, 0.0, 1.0))
    sizes, vectors = np.linalg.eigh(correlation)
    return np.asarray(safe[:, None] * vectors * np.sqrt(np.maximum(sizes, 1e-12)))
