r"""Levenberg-Marquardt for many small fits at once, within bounds.

min over theta of sum_i r_i(theta)^2 for every fit of a batch: profile likelihoods, simulations and bootstrap draws are
thousands of fits of five parameters, and one call of a library's solver per fit would spend its time in Python. Each
step solves (J^T J + lambda diag(J^T J)) step = -J^T r over the parameters that are free; those at a bound that the
gradient pushes further out are held (marquardt1963). The columns of J are scaled to one length first, so that no
parameter's unit matters.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MAX_STEPS = 300
TIGHT = 1e-11  # cosine between the residual and every free column of J
REJECTED = 1e10  # damping that a dozen and more rejected steps in a row have reached
LEAST_LIFT = 1e-13  # of the diagonal: what keeps two parameters that do the same from a singular matrix
ROUNDING = 1e-30  # a mean square below this is the rounding of the logarithms

# theta [n_rows, n_parameters], rows [n_rows] -> residuals [n_rows, n_points], J [n_rows, n_points, n_parameters]
Residuals = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Minimum:
    """The end of every fit of a batch.

    Attributes:
        theta: [n_fits, n_parameters].
        squares: sum of squares [n_fits]; infinite where no finite value was ever seen.
        converged: [n_fits].
        at_bound: [n_fits, n_parameters], parameters that end on a bound.
    """

    theta: np.ndarray
    squares: np.ndarray
    converged: np.ndarray
    at_bound: np.ndarray

    def best_of(self, n_starts: int) -> "Minimum":
        """The best of every `n_starts` neighbouring fits."""
        best = self.squares.reshape(-1, n_starts).argmin(axis=1) + np.arange(0, len(self.squares), n_starts)
        return Minimum(self.theta[best], self.squares[best], self.converged[best], self.at_bound[best])


def minimise(
    residuals: Residuals,
    start: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    fixed: np.ndarray | None = None,
    rounding: float = ROUNDING,
) -> Minimum:
    """Minimise the sum of squares of every fit from its start.

    Args:
        residuals: of some rows of the batch.
        start: [n_fits, n_parameters].
        low: lower bounds [n_parameters].
        high: upper bounds [n_parameters].
        fixed: parameters that stay as they are [n_fits, n_parameters].
        rounding: mean square of residuals that are rounding alone.
    """
    theta = np.clip(start, low, high) if fixed is None else np.where(fixed, start, np.clip(start, low, high))
    held = np.zeros(theta.shape, bool) if fixed is None else fixed
    n_fits = len(theta)
    rows = np.arange(n_fits)
    with np.errstate(all="ignore"):
        residual, jacobian = residuals(theta, rows)
        squares = _squares(residual)
        damping = np.full(n_fits, 1e-3)
        converged = np.zeros(n_fits, bool)
        gain = np.full(n_fits, np.inf)
        for _ in range(MAX_STEPS):
            length = _lengths(jacobian)
            unit = jacobian / length[:, None]
            gradient = np.einsum("bnp,bn->bp", unit, residual)
            at = theta[rows]
            stuck = held[rows] | ((at <= low) & (gradient > 0)) | ((at >= high) & (gradient < 0))
            exact = squares[rows] < rounding * residual.shape[1]
            done = exact | _is_done(gradient, stuck, squares[rows], gain, damping[rows])
            converged[rows[done]] = True
            keep = ~done & (damping[rows] < 1e16)
            if not keep.any():
                break
            rows, residual, jacobian, gain = rows[keep], residual[keep], jacobian[keep], gain[keep]
            step = _step(gradient[keep], unit[keep], stuck[keep], damping[rows]) / length[keep]
            trial = np.where(held[rows], theta[rows], np.clip(theta[rows] + step, low, high))
            new_residual, new_jacobian = residuals(trial, rows)
            new_squares = _squares(new_residual)
            better = new_squares < squares[rows]
            gain = np.where(better, squares[rows] - new_squares, gain)
            taken = rows[better]
            theta[taken], squares[taken] = trial[better], new_squares[better]
            residual = np.where(better[:, None], new_residual, residual)
            jacobian = np.where(better[:, None, None], new_jacobian, jacobian)
            damping[rows] = np.where(better, np.maximum(damping[rows] / 8, 1e-14), damping[rows] * 6)
    edge = ((theta <= low) | (theta >= high)) & ~held
    return Minimum(theta, squares, converged, edge)


def _lengths(jacobian: np.ndarray) -> np.ndarray:
    """The length of every column of J [n_fits, n_parameters]; 1 for one that is zero or not finite."""
    length = np.sqrt(np.einsum("bnp,bnp->bp", jacobian, jacobian))
    return np.where(np.isfinite(length) & (length > 0), length, 1.0)


def _is_done(
    gradient: np.ndarray, stuck: np.ndarray, squares: np.ndarray, gain: np.ndarray, damping: np.ndarray
) -> np.ndarray:
    """Whether no free column of J leans on the residual, or steps no longer gain anything."""
    cosine = np.abs(gradient) / np.sqrt(np.maximum(squares, 1e-300))[:, None]
    cosine = np.where(stuck, 0.0, cosine).max(axis=1)
    # Near the end rounding alone decides whether a step is better: a tiny gain ends it, and so do steps that shrink
    # without end and never gain, which is all that losses with few digits allow.
    flat = ((cosine < 1e-7) & ((gain <= 1e-15 * squares) | (damping > 1e4))) | ((cosine < 0.5) & (damping > REJECTED))
    return np.asarray((cosine < TIGHT) | flat)


def _step(gradient: np.ndarray, unit: np.ndarray, stuck: np.ndarray, damping: np.ndarray) -> np.ndarray:
    """The step of parameters whose columns of J have length one."""
    free = ~stuck
    normal = (unit.swapaxes(1, 2) @ unit) * (free[:, :, None] & free[:, None, :])
    # A parameter without any effect must not make the matrix singular.
    lift = np.maximum(damping, LEAST_LIFT)[:, None]
    matrix = normal + np.eye(gradient.shape[1]) * np.where(free, lift, 1.0)[:, None, :]
    matrix = np.where(np.isfinite(matrix).all(axis=(1, 2), keepdims=True), matrix, np.eye(gradient.shape[1]))
    right = np.where(free & np.isfinite(gradient), -gradient, 0.0)
    return np.asarray(np.linalg.solve(matrix, right[..., None])[..., 0])


def _squares(residual: np.ndarray) -> np.ndarray:
    total = np.einsum("bn,bn->b", residual, residual)
    return np.where(np.isfinite(total), total, np.inf)
