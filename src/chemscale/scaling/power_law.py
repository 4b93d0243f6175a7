r"""The power law of one resource, L(R) = \alpha R^{-\beta} (frey2023, Eq. 1).

Fitted as the straight line ln L = ln(alpha) - beta ln R by ordinary least squares, so that the noise is a relative
one. Seeds at one R are merged into the mean of their log losses: they make the point better, they are no further
points. Intervals are Student-t with n_points - 2 degrees of freedom; for few points the usual +-1.96 standard errors
cover far less than 95 %. beta's interval is symmetric, alpha's is symmetric in ln(alpha). We differ from frey2023
in that the range is chosen by a test (`range.py`) and never by eye.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from chemscale.base.errors import FitError
from chemscale.scaling.points import (
    MIN_POINTS,
    LossPoint,
    MergedPoints,
    SeedNoise,
    check_level,
    joint_freedom,
    merge_seeds,
    seed_noise,
)
from chemscale.scaling.power_law_warnings import law_warnings
from chemscale.scaling.range import FALSE_ALARM, StraightRange, Verdict, range_as_published, straight_range
from chemscale.scaling.solver.huber import huber_line
from chemscale.scaling.straight_line import StraightLine, fit_line

Range = Literal["auto", "all", "as-published"] | tuple[float, float]


@dataclass(frozen=True)
class LeftOut:
    """A point that the fit did not use, and why."""

    point: LossPoint
    reason: str


@dataclass(frozen=True)
class PowerLaw:
    """A fitted L(R) = alpha R^-beta.

    Attributes:
        line: the fitted line in ln R and ln L.
        level: the level of all intervals and bands, 0 < level < 1.
        points: the points used, sorted by resource.
        left_out: the points not used, each with its reason.
        verdict: "straight" (the law holds in its range), "ends left out" (it does after that), "bent" (the points bend
            away from it), "scattered" (more than the seeds explain), "too few points" (not tested), "all", "given" or
            "as published" (the caller chose the range).
        huber: alpha and beta of the same points with Huber's loss.
        warnings: what a reader should know before using the law.
    """

    line: StraightLine
    level: float
    points: tuple[LossPoint, ...]
    left_out: tuple[LeftOut, ...]
    verdict: Verdict
    huber: dict[str, float]
    warnings: tuple[str, ...]

    @property
    def name(self) -> str:
        """The law's name."""
        return "power"

    @property
    def formula(self) -> str:
        """The law as text."""
        return "L(R) = alpha R^-beta"

    @property
    def regimes(self) -> tuple[()]:
        """A law of one resource has none: see the joint laws."""
        return ()

    @property
    def parameters(self) -> dict[str, float]:
        """The value of every parameter."""
        return {"alpha": self.alpha, "beta": self.beta}

    @property
    def alpha(self) -> float:
        """The loss at R = 1."""
        return float(np.exp(self.line.intercept))

    @property
    def beta(self) -> float:
        """The exponent; positive where the loss falls."""
        return 0.0 - self.line.slope

    @property
    def r_squared(self) -> float:
        """Share of the variance of the log losses that the line explains."""
        return self.line.r_squared

    @property
    def n_points(self) -> int:
        """Distinct resources used."""
        return len(self.points)

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest resource used."""
        return self.points[0].resource, self.points[-1].resource

    @property
    def standard_errors(self) -> dict[str, float]:
        """One standard error of each parameter (alpha's by the delta method)."""
        return {"alpha": self.alpha * self.line.intercept_error, "beta": self.line.slope_error}

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """The interval of each parameter at `level`."""
        width = self.line.quantile(self.level)
        log_alpha, half = self.line.intercept, width * self.line.intercept_error
        return {
            "alpha": (float(_exp(log_alpha - half)), float(_exp(log_alpha + half))),
            "beta": (self.beta - width * self.line.slope_error, self.beta + width * self.line.slope_error),
        }

    def predict(self, resource: ArrayLike) -> np.ndarray:
        """The law's loss at `resource` [n] > 0, in the unit of the losses it was fitted to."""
        return _exp(self.line.at(_log_resource(resource)))

    def interval(self, resource: ArrayLike, new_point: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """The band at `level` around the law at `resource` [n] > 0 -> (low [n], high [n]).

        Args:
            resource: where.
            new_point: the band in which one more run would fall, its own noise included: that of a point, and what one
                run has beyond the mean over seeds that a point is. Outside of the range the band holds only if the law
                goes on unchanged, which nothing here can tell.
        """
        x = np.atleast_1d(_log_resource(resource))
        fitted = self.line.error_at(x, new_point) ** 2
        seeds = np.full(fitted.shape, self.between_seeds.of_one_run if new_point else 0.0)
        freedom = joint_freedom([fitted, seeds], [self.line.freedom, max(self.between_seeds.freedom, 1)])
        half = special.stdtrit(freedom, 0.5 + self.level / 2) * np.sqrt(fitted + seeds)
        return _exp(self.line.at(x) - half), _exp(self.line.at(x) + half)

    @property
    def between_seeds(self) -> SeedNoise:
        """The noise between the seeds of the points used, in ln L."""
        return seed_noise(
            np.array([point.n_seeds for point in self.points]), np.array([point.log_spread for point in self.points])
        )

    def to_dict(self) -> dict[str, Any]:
        """The law as plain JSON types."""
        return {
            "law": self.name,
            "formula": self.formula,
            "parameters": self.parameters,
            "standard_errors": self.standard_errors,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "level": self.level,
            "r_squared": self.r_squared if np.isfinite(self.r_squared) else None,
            "n_points": self.n_points,
            "left_out": [
                {"resource": out.point.resource, "loss": out.point.loss, "reason": out.reason} for out in self.left_out
            ],
            "range": list(self.range),
            "verdict": self.verdict,
            "huber": self.huber,
            "regimes": [],
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        low, high = self.intervals["beta"]
        interval = f"{100 * self.level:g} % interval [{low:.4g}, {high:.4g}]"
        lines = [
            f"L(R) = {self.alpha:.4g} R^{-self.beta:.4g}",
            f"beta = {self.beta:.4g}, {interval}; with Huber's loss {self.huber['beta']:.4g}",
            *([f"R2 = {self.r_squared:.4f}"] if np.isfinite(self.r_squared) else []),
            f"{self.n_points} points, {self.range[0]:.4g} <= R <= {self.range[1]:.4g}",
            *(f"left out: R = {out.point.resource:.4g}, {out.reason}" for out in self.left_out),
            *(f"warning: {text}" for text in self.warnings),
        ]
        return "\n".join(lines)


def fit_power_law(
    resource: ArrayLike,
    loss: ArrayLike,
    *,
    level: float = 0.95,
    fit_range: Range = "auto",
    false_alarm: float = FALSE_ALARM,
) -> PowerLaw:
    """Fit L(R) = alpha R^-beta.

    Args:
        resource: [n_runs], > 0 (parameters, molecules, tokens, FLOPs). Values may repeat: those are seeds.
        loss: [n_runs], > 0, any unit.
        level: level of intervals and bands.
        fit_range: "auto" finds the range in which the law holds and names what it leaves out, "all" uses every point,
            (low, high) uses the points with low <= R <= high, and "as-published" drops the largest sizes until R2 is
            0.98, for comparison with papers that do so: with an irreducible floor the exponent that is left is wrong.
        false_alarm: for "auto", how often a point of a true power law may be left out.

    Raises:
        FitError: fewer than three distinct resources (in the range), a value that is not finite and positive, or an
            argument out of its bounds.
    """
    check_level(level)
    if not 0 < false_alarm < 1:
        raise FitError(f"false_alarm: expected a number between 0 and 1, for example 0.05, got {false_alarm!r}")
    points = merge_seeds(resource, loss)
    chosen = straight_range(points, false_alarm) if fit_range == "auto" else _given_range(points, fit_range)
    kept = points.window(chosen.start, chosen.stop)
    line = fit_line(kept.log_resource, kept.log_loss)
    outside = [*range(chosen.start), *range(chosen.stop, len(points))]
    given = chosen.verdict in ("given", "as published")
    return PowerLaw(
        line=line,
        level=level,
        points=tuple(kept.point(index) for index in range(len(kept))),
        left_out=tuple(LeftOut(points.point(index), _reason(points, index, line, given)) for index in outside),
        verdict=chosen.verdict,
        huber=huber_line(kept.log_resource, kept.log_loss, line),
        warnings=law_warnings(points, kept, line, chosen, level),
    )


def _given_range(points: MergedPoints, fit_range: Any) -> StraightRange:
    if fit_range == "all":
        return StraightRange(0, len(points), "all", float("nan"))
    if fit_range == "as-published":
        return range_as_published(points)
    if not (isinstance(fit_range, tuple | list) and len(fit_range) == 2):
        raise FitError(f'fit_range: expected "auto", "all", "as-published" or (low, high), got {fit_range!r}')
    try:
        low, high = sorted(float(end) for end in fit_range)
    except (TypeError, ValueError):
        raise FitError(f"fit_range: expected two numbers (low, high), got {fit_range!r}") from None
    sizes = points.resource
    start, stop = (int(i) for i in np.searchsorted(sizes, [low * (1 - 1e-9), high * (1 + 1e-9)]))
    if stop - start < MIN_POINTS:
        raise FitError(
            f"fit_range: {max(stop - start, 0)} sizes lie in [{low:g}, {high:g}], the fit needs {MIN_POINTS}. "
            f"The sizes run from {sizes[0]:g} to {sizes[-1]:g}."
        )
    return StraightRange(start, stop, "given", float("nan"))


def _reason(points: MergedPoints, index: int, line: StraightLine, given: bool) -> str:
    x, y = points.log_resource[index], points.log_loss[index]
    ratio = float(np.exp(y - line.at(np.array([x]))[0]) - 1)
    place = f"{100 * abs(ratio):.1f} % {'above' if ratio > 0 else 'below'} the line"
    return f"outside the range asked for, {place}" if given else f"resolution-limited: {place}"


def _log_resource(resource: ArrayLike) -> np.ndarray:
    values = np.asarray(resource, dtype=float)
    if not (np.isfinite(values) & (values > 0)).all():
        raise FitError("resource: a power law is defined for finite R > 0 only")
    logs: np.ndarray = np.log(values)
    return logs


def _exp(value: Any) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(value))
