"""Least squares of a straight line: coefficients, covariance, Student-t bands.

y = intercept + slope x + noise, noise normal with one variance s2 estimated with n - 2 degrees of freedom.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

ROUNDING = 1e-14  # relative; values that differ by less are one value


@dataclass(frozen=True)
class StraightLine:
    """A fitted line; `center` is the mean of x, where intercept and slope are uncorrelated."""

    center: float
    height: float
    slope: float
    spread: float
    noise: float
    n_points: int
    r_squared: float

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the residuals."""
        return self.n_points - 2

    @property
    def intercept(self) -> float:
        """The height at x = 0."""
        return self.height - self.slope * self.center

    @property
    def slope_error(self) -> float:
        """Standard error of the slope."""
        return self.noise / self.spread

    @property
    def intercept_error(self) -> float:
        """Standard error of the intercept."""
        return float(self.error_at(np.zeros(1))[0])

    def at(self, x: np.ndarray) -> np.ndarray:
        """The line at `x` [n]."""
        return self.height + self.slope * (x - self.center)

    def error_at(self, x: np.ndarray, new_point: bool = False) -> np.ndarray:
        """Standard error of the line at `x` [n], or of a new point there: the noise of a point like the fitted ones."""
        variance = 1 / self.n_points + ((x - self.center) / self.spread) ** 2 + float(new_point)
        return self.noise * np.sqrt(variance)

    def quantile(self, level: float) -> float:
        """How many standard errors a two-sided Student-t interval of this level spans on each side."""
        return float(special.stdtrit(self.freedom, 0.5 + level / 2))


def fit_line(x: np.ndarray, y: np.ndarray) -> StraightLine:
    """Ordinary least squares of y [n] on x [n], n >= 3 with at least two different x."""
    center, height = float(x.mean()), float(y.mean())
    spread = float(np.sqrt(((x - center) ** 2).sum()))
    slope = float(((x - center) * (y - height)).sum() / spread**2)
    residual = y - height - slope * (x - center)
    squares, total = float((residual**2).sum()), float(((y - height) ** 2).sum())
    varies = total > len(y) * (ROUNDING * max(abs(height), 1.0)) ** 2
    return StraightLine(
        center=center,
        height=height,
        slope=slope,
        spread=spread,
        noise=float(np.sqrt(squares / (len(x) - 2))),
        n_points=len(x),
        r_squared=1 - squares / total if varies else float("nan"),
    )
