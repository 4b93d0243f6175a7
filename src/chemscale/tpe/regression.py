r"""From a score to the converged loss: L = m s + b (frey2023, Eq. 8), with intervals that say how far to trust it.

Two intervals. Student-t: exact where the residuals are normal with one variance, n - 2 degrees of freedom. Jackknife+
(barber2021): makes no such assumption; with n runs left out one at a time it cannot promise more than the level
n / (n + 1), so a higher level asked for is lowered to that and the level attained is stated. Its guarantee in the worst
case is 1 - 2 (1 - level); in practice it covers about `level`. Both assume that the calibration runs were not chosen by
their score: the best-looking runs alone are refused, because intervals from them cover far less than they say.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from chemscale.base.errors import FitError
from chemscale.tpe.ranking import r_squared, spearman_rho

MIN_RUNS = 3
SPAN_WANTED = 0.8
DECIDES_ALONE = 0.95  # leverage: the share of a run's own loss in its fitted value


@dataclass(frozen=True)
class Interval:
    """Prediction intervals for new runs: low [n] and high [n] at `level`, the level attained."""

    low: np.ndarray
    high: np.ndarray
    level: float


@dataclass(frozen=True, eq=False)
class Calibration:
    """A fitted L = slope s + intercept.

    Attributes:
        scores: [n_runs], the calibration runs' scores.
        losses: [n_runs], their converged losses.
        slope: m.
        intercept: b.
        noise: standard deviation of the residuals, n_runs - 2 degrees of freedom.
        r_squared: R2 on the calibration runs themselves; it says nothing about other runs.
        rho: Spearman's rho on them.
        warnings: what a reader should know before using the predictions.
    """

    scores: np.ndarray
    losses: np.ndarray
    slope: float
    intercept: float
    noise: float
    r_squared: float
    rho: float
    warnings: tuple[str, ...]

    @property
    def n_runs(self) -> int:
        """Calibration runs."""
        return len(self.scores)

    @property
    def attainable_level(self) -> float:
        """The highest level that jackknife+ can reach with this number of runs."""
        return self.n_runs / (self.n_runs + 1)

    def predict(self, scores: ArrayLike) -> np.ndarray:
        """Converged losses [n] of runs with these scores [n]."""
        return self.slope * np.asarray(scores, dtype=float) + self.intercept

    def extrapolates(self, scores: ArrayLike) -> np.ndarray:
        """Which scores [n] lie outside of those calibrated on."""
        array = np.asarray(scores, dtype=float)
        return (array < self.scores.min()) | (array > self.scores.max())

    def student(self, scores: ArrayLike, level: float = 0.9) -> Interval:
        """Student-t prediction intervals of new runs with these scores [n]."""
        _check_level(level)
        x = np.asarray(scores, dtype=float)
        spread = float(((self.scores - self.scores.mean()) ** 2).sum())
        error = self.noise * np.sqrt(1 + 1 / self.n_runs + (x - self.scores.mean()) ** 2 / spread)
        half = float(special.stdtrit(self.n_runs - 2, 0.5 + level / 2)) * error
        middle = self.predict(x)
        return Interval(middle - half, middle + half, level)

    def jackknife(self, scores: ArrayLike, level: float = 0.9) -> Interval:
        """Jackknife+ intervals of new runs with these scores [n], at `level` or the highest level attainable.

        With f_{-i} the line without run i and r_i = |L_i - f_{-i}(s_i)|: from the floor(a (n + 1))-th smallest of
        f_{-i}(s) - r_i to the ceil((1 - a)(n + 1))-th smallest of f_{-i}(s) + r_i, a = 1 - level (barber2021, Eq. 6).
        """
        _check_level(level)
        attained = min(level, self.attainable_level)
        x = np.atleast_1d(np.asarray(scores, dtype=float))
        lines = [_line(np.delete(self.scores, i), np.delete(self.losses, i)) for i in range(self.n_runs)]
        left_out = np.array([abs(y - m * s - b) for (m, b), s, y in zip(lines, self.scores, self.losses, strict=True)])
        predicted = np.array([m * x + b for m, b in lines])
        upper = min(self.n_runs, math.ceil(attained * (self.n_runs + 1) - 1e-9))
        low = np.sort(predicted - left_out[:, None], axis=0)[self.n_runs - upper]
        high = np.sort(predicted + left_out[:, None], axis=0)[upper - 1]
        return Interval(low, high, attained)

    def to_dict(self) -> dict[str, Any]:
        """The line as plain JSON types."""
        return {
            "line": "L = slope s + intercept",
            "slope": self.slope,
            "intercept": self.intercept,
            "noise": self.noise,
            "n_runs": self.n_runs,
            "r_squared": self.r_squared,
            "rho": self.rho,
            "attainable_level": self.attainable_level,
            "warnings": list(self.warnings),
        }


def calibrate(scores: ArrayLike, losses: ArrayLike, all_scores: ArrayLike | None = None) -> Calibration:
    """Fit L = m s + b by least squares.

    Args:
        scores: [n_runs], scores of runs whose converged loss is known; diverged runs are left out before.
        losses: [n_runs], their converged losses.
        all_scores: [n_candidates], the scores of all runs that the calibration runs were chosen from, those included.
            Without them nobody can tell whether the calibration runs were the best-looking ones.

    Raises:
        FitError: fewer than three runs, values that are not finite, scores that are all equal, or calibration runs that
            are only the best-looking ones.
    """
    x, y = _finite("scores", scores), _finite("losses", losses)
    if len(x) != len(y):
        raise FitError(f"calibrate: {len(x)} scores and {len(y)} losses: give one converged loss per run")
    if len(x) < MIN_RUNS:
        raise FitError(f"calibrate: {len(x)} runs with a converged loss, the line needs at least {MIN_RUNS} (5 to 10)")
    if np.ptp(x) <= 1e-12 * max(1.0, float(np.abs(x).max())):
        raise FitError(f"calibrate: all {len(x)} scores are {x[0]:.6g}: a line needs different scores")
    everything = x if all_scores is None else np.asarray(all_scores, dtype=float)
    everything = everything[np.isfinite(everything)]
    _refuse_only_the_best(x, everything)
    slope, intercept = _line(x, y)
    residual = y - slope * x - intercept
    return Calibration(
        scores=x,
        losses=y,
        slope=slope,
        intercept=intercept,
        noise=float(np.sqrt((residual**2).sum() / (len(x) - 2))),
        r_squared=r_squared(x, y),
        rho=spearman_rho(x, y),
        warnings=_warnings(x, everything, slope, all_scores is not None),
    )


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of least squares; a level line where all x are equal."""
    spread = float(((x - x.mean()) ** 2).sum())
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread if spread > 0 else 0.0
    return slope, float(y.mean() - slope * x.mean())


def _refuse_only_the_best(x: np.ndarray, everything: np.ndarray) -> None:
    """Refuse where every calibration run looks better than the median run."""
    if len(everything) > len(x) and x.max() < np.median(everything):
        raise FitError(
            f"calibrate: the {len(x)} runs with a converged loss are all among the better-looking half of "
            f"{len(everything)}. A line through these alone predicts badly and its interval is too small. "
            "Finish some middling and poor runs too."
        )


def _warnings(x: np.ndarray, everything: np.ndarray, slope: float, known: bool) -> tuple[str, ...]:
    found = []
    covered = float(((everything >= x.min()) & (everything <= x.max())).mean())
    if covered < SPAN_WANTED:
        outside = round((1 - covered) * len(everything))
        found.append(
            f"the calibration runs do not span the scores: {outside} of {len(everything)} runs lie outside of "
            f"{x.min():.4g} to {x.max():.4g}, and their predictions are extrapolations"
        )
    if slope <= 0:
        found.append(
            "the line falls: a smaller score goes with a larger converged loss, so the score ranks nothing here"
        )
    far = int(np.argmax(np.abs(x - x.mean())))
    if len(x) >= 5 and 1 / len(x) + (x[far] - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum() > DECIDES_ALONE:
        found.append(
            f"one calibration run, score {x[far]:.4g}, lies so far from the others that it alone decides the line: "
            "R2 and the interval say little. Leave it out if it went wrong"
        )
    if len(x) < 5:
        found.append(f"only {len(x)} calibration runs: the intervals are wide, 5 to 10 are usual")
    if not known:
        found.append(
            "the scores of the other runs are not known, so nobody can tell whether these were the best-looking ones"
        )
    return tuple(found)


def _finite(name: str, values: ArrayLike) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise FitError(f"{name}: expected numbers") from None
    if array.ndim != 1:
        raise FitError(f"{name}: expected a list of numbers, got an array of shape {list(array.shape)}")
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise FitError(f"{name}: value {bad[0] + 1} of {len(array)} is {array[bad[0]]}: leave diverged runs out")
    return array


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise FitError(f"level: expected a number between 0 and 1, for example 0.9, got {level!r}")
