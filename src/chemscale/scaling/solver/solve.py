"""Fits of one law to many sets of losses at the same inputs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chemscale.base.seeds import stream
from chemscale.scaling.laws import Law
from chemscale.scaling.solver.least_squares import ROUNDING, Minimum, Residuals, minimise
from chemscale.scaling.solver.whitening import SubsetWhitener

CHUNK = 256  # fits solved at a time: their Jacobians stay in the cache
LARGEST_JACOBIAN = 8_000_000  # numbers in the Jacobians of a chunk: of many points fewer fits are solved at a time
ENOUGH_TO_START = 1000  # points that the search for starts looks at


@dataclass(frozen=True)
class Design:
    """Where a law is fitted: the inputs, shifted to lie around zero.

    Attributes:
        law: the law.
        x: logarithms of the inputs minus `centre` [n_points, n_inputs].
        centre: [n_inputs].
        whitener: makes correlated residuals independent, as a matrix [n_points, n_points] or what acts like one; None
            where they are.
    """

    law: Law
    x: np.ndarray
    centre: np.ndarray
    whitener: np.ndarray | SubsetWhitener | None = None

    @property
    def low(self) -> np.ndarray:
        """Lower bounds of the coordinates [n_parameters]."""
        return np.array([parameter.low for parameter in self.law.parameters])

    @property
    def high(self) -> np.ndarray:
        """Upper bounds of the coordinates [n_parameters]."""
        return np.array([parameter.high for parameter in self.law.parameters])

    def natural(self, theta: np.ndarray) -> np.ndarray:
        """From coordinates around the centre to those of the law as it is written."""
        return self.law.move(theta, self.centre)

    def residuals(
        self, log_loss: np.ndarray, weights: np.ndarray | None = None, shift: np.ndarray | None = None
    ) -> Residuals:
        """The residual function of many fits.

        Args:
            log_loss: [n_fits or 1, n_points].
            weights: of the squared residuals [n_fits, n_points].
            shift: added to the inputs of every fit [n_fits, n_inputs].
        """
        target = np.exp(log_loss) if self.law.residual == "absolute" else log_loss

        def of(theta: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            x = self.x[None] if shift is None else self.x[None] + shift[rows, None, :]
            value, slope = self.law.evaluate(theta, x)
            if self.law.residual == "absolute":
                value = np.exp(value)
                slope = slope * value[..., None]
            residual = value - (target if len(target) == 1 else target[rows])
            if self.whitener is not None:
                both = self.whitener @ np.concatenate([residual[..., None], slope], axis=-1)
                residual, slope = both[..., 0], both[..., 1:]
            if weights is not None:
                root = np.sqrt(weights[rows])
                residual, slope = residual * root, slope * root[..., None]
            return residual, slope

        return of

    def rounding(self, log_loss: np.ndarray) -> float:
        """The mean square of residuals that are rounding alone, for losses of this size."""
        largest = float(np.abs(log_loss).max())
        unit = float(np.exp(2 * log_loss.mean())) if self.law.residual == "absolute" else 1.0
        return unit * max(ROUNDING, (2 * np.finfo(float).eps * largest) ** 2)

    def at_once(self, limit: int = CHUNK) -> int:
        """How many fits are solved at a time: at most `limit`, fewer where their Jacobians would be large."""
        return max(1, min(limit, LARGEST_JACOBIAN // (len(self.x) * len(self.law.parameters))))


def make_design(law: Law, logs: np.ndarray) -> Design:
    """Shift the inputs around zero; epochs, a ratio, stay as they are.

    Args:
        law: the law.
        logs: logarithms of the inputs [n_points, n_inputs].
    """
    centre = logs.mean(axis=0)
    centre[[name == "epochs" for name in law.inputs]] = 0.0
    return Design(law, logs - centre, centre)


def solve(
    design: Design, log_loss: np.ndarray, starts: np.ndarray | None = None, weights: np.ndarray | None = None
) -> Minimum:
    """Fit the law to every row of `log_loss`, from every start, and keep the best.

    Args:
        design: the law and its inputs.
        log_loss: [n_fits, n_points].
        starts: [n_starts, n_parameters] for every fit; None searches for them (for one fit).
        weights: of the squared residuals [n_fits, n_points].
    """
    if starts is None:
        starts = find_starts(design, log_loss[0])
    n_starts = len(starts)
    rounding = design.rounding(log_loss)

    def part(rows: slice) -> Minimum:
        losses = np.repeat(log_loss[rows], n_starts, axis=0)
        chosen = None if weights is None else np.repeat(weights[rows], n_starts, axis=0)
        start = np.tile(starts, (len(losses) // n_starts, 1))
        found = minimise(design.residuals(losses, chosen), start, design.low, design.high, rounding=rounding)
        return found.best_of(n_starts)

    return in_chunks(part, len(log_loss), design.at_once(CHUNK * n_starts) // n_starts or 1)


def find_starts(design: Design, log_loss: np.ndarray, n_starts: int | None = None) -> np.ndarray:
    """Where to start the search [n_starts, n_parameters]; of very many points a random part is looked at."""
    x = design.x
    if len(x) > ENOUGH_TO_START:
        chosen = np.sort(stream(0, "starts", len(x)).choice(len(x), ENOUGH_TO_START, replace=False))
        x, log_loss = x[chosen], log_loss[chosen]
    return design.law.starts(x, log_loss)[:n_starts]


def in_chunks(part: Callable[[slice], Minimum], n_fits: int, at_once: int) -> Minimum:
    """Solve the fits some at a time and put their results together."""
    minima = [part(slice(start, start + at_once)) for start in range(0, n_fits, at_once)]
    return Minimum(
        *(np.concatenate(arrays) for arrays in zip(*(vars(found).values() for found in minima), strict=True))
    )


def covariance(design: Design, theta: np.ndarray) -> np.ndarray:
    """(J^T J)^-1 at theta [n_parameters]; parameters on a bound have no variance, and take none from the others."""
    residuals = design.residuals(np.zeros((1, len(design.x))))
    _, jacobian = residuals(theta[None], np.zeros(1, int))
    jacobian = jacobian[0]
    free = (theta > design.low) & (theta < design.high)
    scale = np.where(free, np.sqrt((jacobian**2).sum(axis=0)), 1.0)
    scale = np.where(scale > 0, scale, 1.0)
    result = np.zeros((len(theta), len(theta)))
    inverse = np.linalg.pinv((jacobian / scale)[:, free], rcond=1e-13)
    result[np.ix_(free, free)] = inverse @ inverse.T
    return result / np.outer(scale, scale)


def errors_alone(design: Design, theta: np.ndarray) -> np.ndarray:
    """Standard errors with all other parameters held and residuals of variance one [n_parameters].

    0 where a parameter has no effect. They also give a unit to parameters on a bound.
    """
    _, jacobian = design.residuals(np.zeros((1, len(design.x))))(theta[None], np.zeros(1, int))
    length = np.sqrt((jacobian[0] ** 2).sum(axis=0))
    return np.where(length > 0, 1 / np.where(length > 0, length, 1.0), 0.0)


def move_matrix(law: Law, shift: np.ndarray) -> np.ndarray:
    """The matrix of `law.move`, which is affine in theta [n_parameters, n_parameters]."""
    n = len(law.parameters)
    origin = law.move(np.zeros(n), shift)
    return np.stack([law.move(unit, shift) - origin for unit in np.eye(n)], axis=-1)
