"""From runs to the points of a fit: input checks, and seeds at one resource merged into their mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chemscale.base.errors import FitError

MIN_POINTS = 3
SAME_RESOURCE = 1e-9  # relative; sizes that differ by less are one size written twice


@dataclass(frozen=True)
class LossPoint:
    """One resource value with the losses of all its runs.

    `loss` is the geometric mean over seeds, because the law is fitted to log losses. `log_spread` is the standard
    deviation of the log losses (NaN for one seed).
    """

    resource: float
    loss: float
    n_seeds: int
    log_spread: float


@dataclass(frozen=True)
class SeedNoise:
    """What differs between the seeds of one point.

    Attributes:
        variance: between seeds, pooled over the points that have several; 0 where none has.
        freedom: degrees of freedom of `variance`; 0 where no point has two seeds.
        unshared: share of `variance` that one run has beyond the mean of a point's seeds, 1 - mean(1/n_seeds).
    """

    variance: float
    freedom: int
    unshared: float

    @property
    def of_one_run(self) -> float:
        """The variance that one run has beyond that of a point, which is the mean over its seeds."""
        return self.unshared * self.variance


def seed_noise(n_seeds: np.ndarray, spread: np.ndarray) -> SeedNoise:
    """The noise between seeds.

    Args:
        n_seeds: [n_points].
        spread: standard deviation between the seeds of every point [n_points]; ignored where there is one seed.
    """
    repeated = n_seeds > 1
    freedom = int((n_seeds - 1).sum())
    squares = float(((n_seeds - 1) * spread**2)[repeated].sum())
    return SeedNoise(squares / freedom if freedom else 0.0, freedom, float(1 - np.mean(1.0 / n_seeds)))


def joint_freedom(variances: Sequence[np.ndarray], freedoms: Sequence[float | np.ndarray]) -> np.ndarray:
    """Degrees of freedom of a sum of independent variances [n] with their own ones (satterthwaite1946).

    Where all variances are zero the first one's.
    """
    total = np.maximum(sum(variances), 1e-300)
    weight = np.zeros(total.shape)
    for variance, freedom in zip(variances, freedoms, strict=True):
        weight += (variance / total) ** 2 / freedom
    return np.where(weight > 0, 1 / np.where(weight > 0, weight, 1.0), freedoms[0])


@dataclass(frozen=True)
class MergedPoints:
    """The points of a fit in logs, sorted by resource, with the noise between seeds.

    Attributes:
        resource: [n_points].
        log_resource: [n_points].
        log_loss: [n_points], mean over seeds.
        n_seeds: [n_points].
        log_spread: [n_points], standard deviation between seeds; NaN where there is one seed.
    """

    resource: np.ndarray
    log_resource: np.ndarray
    log_loss: np.ndarray
    n_seeds: np.ndarray
    log_spread: np.ndarray

    def __len__(self) -> int:
        return len(self.log_resource)

    @property
    def seed_freedom(self) -> int:
        """Degrees of freedom of the noise between seeds; 0 where no size was run twice."""
        return int((self.n_seeds - 1).sum())

    @property
    def seed_squares(self) -> float:
        """Sum of squares between seeds, scaled to the variance of a mean: seed variance of a point x freedom."""
        between = seed_noise(self.n_seeds, self.log_spread)
        return between.variance * between.freedom * (1 - between.unshared)

    def window(self, start: int, stop: int) -> "MergedPoints":
        """The points `start <= i < stop`."""
        part = slice(start, stop)
        return MergedPoints(
            self.resource[part], self.log_resource[part], self.log_loss[part], self.n_seeds[part], self.log_spread[part]
        )

    def point(self, index: int) -> LossPoint:
        """One point in the units of the input."""
        return LossPoint(
            resource=float(self.resource[index]),
            loss=float(np.exp(self.log_loss[index])),
            n_seeds=int(self.n_seeds[index]),
            log_spread=float(self.log_spread[index]),
        )


def merge_seeds(resource: ArrayLike, loss: ArrayLike) -> MergedPoints:
    """Check the runs and merge those at one resource into the mean of their log losses.

    Args:
        resource: [n_runs], > 0.
        loss: [n_runs], > 0.

    Raises:
        FitError: lengths differ, a value is no number, not finite or not positive, or there are fewer than three
            distinct resources.
    """
    sizes, losses = numbers("resource", resource), numbers("loss", loss)
    if len(sizes) != len(losses):
        raise FitError(f"resource has {len(sizes)} values and loss has {len(losses)}: give one loss per resource")
    check_positive("resource", sizes)
    check_positive("loss", losses)
    order = np.argsort(sizes, kind="stable")
    x, y = np.log(sizes[order]), np.log(losses[order])
    starts = np.flatnonzero(np.diff(x, prepend=-np.inf) > SAME_RESOURCE)
    if len(starts) < MIN_POINTS:
        shown = ", ".join(f"{value:.6g}" for value in sizes[order][starts]) or "none"
        raise FitError(
            f"a power law needs at least {MIN_POINTS} different sizes, got {len(starts)} ({shown}); seeds at one "
            "size count as one point. Add runs at other sizes."
        )
    n_seeds = np.diff(starts, append=len(y))
    means = np.add.reduceat(y, starts) / n_seeds
    squares = np.add.reduceat((y - np.repeat(means, n_seeds)) ** 2, starts)
    with np.errstate(invalid="ignore"):
        spread = np.where(n_seeds > 1, np.sqrt(squares / np.maximum(n_seeds - 1, 1)), np.nan)
    return MergedPoints(sizes[order][starts], x[starts], means, n_seeds, spread)


def check_level(level: float) -> None:
    """Refuse a level of intervals that is no number between 0 and 1."""
    if not (isinstance(level, int | float) and 0 < level < 1):
        raise FitError(f"level: expected a number between 0 and 1, for example 0.95, got {level!r}")


def numbers(name: str, values: Any) -> np.ndarray:
    """`values` as a float array [n]; a FitError that names them where they are none."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise FitError(f"{name}: expected numbers, got {_shown(values)}") from None
    if array.ndim != 1:
        raise FitError(f"{name}: expected a list of numbers, got an array of shape {list(array.shape)}")
    return array


def check_positive(name: str, values: np.ndarray) -> None:
    """Refuse values that are not finite and positive."""
    bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if len(bad):
        raise FitError(
            f"{name}: value {bad[0] + 1} of {len(values)} is {values[bad[0]]:g}, a scaling law needs finite numbers "
            f"> 0. Leave failed and diverged runs out ({len(bad)} such values)."
        )


def _shown(values: Any) -> str:
    text = repr(list(values) if isinstance(values, Sequence) and not isinstance(values, str) else values)
    return text if len(text) <= 80 else text[:77] + "..."
