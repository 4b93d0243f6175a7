"""What a reader should know before using a fitted power law."""

import numpy as np
from scipy import special

from chemscale.scaling.points import MergedPoints
from chemscale.scaling.range import StraightRange
from chemscale.scaling.straight_line import StraightLine, fit_line

FEW_POINTS = 5
SHORT_DECADES = 1.0
ALL_EQUAL = "all losses are equal: nothing scales here, and no exponent means anything"


def law_warnings(
    points: MergedPoints, kept: MergedPoints, line: StraightLine, chosen: StraightRange, level: float
) -> tuple[str, ...]:
    """All warnings that apply to a fit, in the order of their weight.

    Args:
        points: all points of the input.
        kept: those the line was fitted to.
        line: the fit.
        chosen: the range and what the test said.
        level: level of the intervals.
    """
    found = [
        _no_scaling(line, chosen, level),
        _verdict(points, kept, chosen),
        _averaged(points, chosen),
        _floor(points, kept, line),
        _few_points(kept),
        _short_range(kept),
        _one_seed(points),
    ]
    return tuple(text for text in found if text)


def _no_scaling(line: StraightLine, chosen: StraightRange, level: float) -> str:
    if np.isnan(line.r_squared):
        return ALL_EQUAL
    if chosen.verdict == "bent":  # a line that does not describe the points cannot say whether they fall
        return ""
    half = line.quantile(level) * line.slope_error
    if -line.slope > half:
        return ""
    if line.slope > half:
        return (
            f"the loss rises with R: the {100 * level:g} % interval of beta lies below zero. If this is a score that "
            "should rise, fit the law 'increasing'"
        )
    return f"no scaling seen: the {100 * level:g} % interval of beta reaches zero, so the loss may not fall at all"


def _verdict(points: MergedPoints, kept: MergedPoints, chosen: StraightRange) -> str:
    dropped = len(points) - len(kept)
    if chosen.verdict in ("ends left out", "given", "as published") and dropped:
        return (
            f"{dropped} of {len(points)} points are left out. The interval does not count that choice: where the loss "
            "has an irreducible floor, leaving out points until the rest is straight gives too small an exponent, and "
            "its interval misses the true one nearly always"
        )
    if chosen.verdict == "bent":
        return (
            "the points bend away from a straight line and no end alone is to blame: all are kept. A pure power law "
            "does not describe them, so the exponent and its interval depend on the range of sizes"
        )
    if chosen.verdict == "scattered":
        return "the points scatter about the line more than their seeds do: something other than the seed varies too"
    return ""


def _averaged(points: MergedPoints, chosen: StraightRange) -> str:
    if chosen.averaged == 1:
        return ""
    return (
        f"{len(points)} sizes are many: the range was looked for among the means of {chosen.averaged} neighbouring "
        "sizes each, and its ends are no finer than that; whether the scatter is that of the seeds was not asked"
    )


def _floor(points: MergedPoints, kept: MergedPoints, line: StraightLine) -> str:
    """Whether a law with an irreducible floor describes all points as well as this line describes the kept ones."""
    if len(points) < 5 or len(points) == len(kept):
        return ""
    squares = _smallest_squares_with_floor(points)
    freedom = len(points) - 3
    limit = special.fdtri(freedom, line.freedom, 0.95) * max(line.noise**2, 1e-12)
    if squares / freedom > limit:
        return ""
    return (
        f"a law with a floor, E + A R^-b, describes all {len(points)} points as well as this one describes the "
        f"{len(kept)} kept ones; prefer it for predictions"
    )


def _smallest_squares_with_floor(points: MergedPoints) -> float:
    """Residual sum of squares in ln L of the best E + A R^-b, E on a grid below the smallest loss."""
    losses = np.exp(points.log_loss)
    best = np.inf
    for floor in losses.min() * np.linspace(0.0, 0.999, 200):
        excess = fit_line(points.log_resource, np.log(losses - floor))
        predicted = np.log(floor + np.exp(excess.at(points.log_resource)))
        best = min(best, float(((points.log_loss - predicted) ** 2).sum()))
    return best


def _few_points(kept: MergedPoints) -> str:
    if len(kept) >= FEW_POINTS:
        return ""
    return f"only {len(kept)} points: the intervals are wide, and no test can tell whether the law holds at its ends"


def _short_range(kept: MergedPoints) -> str:
    decades = (kept.log_resource[-1] - kept.log_resource[0]) / np.log(10)
    if decades >= SHORT_DECADES:
        return ""
    return f"the points span {decades:.2g} decades: less than one decade of sizes says little about an exponent"


def _one_seed(points: MergedPoints) -> str:
    if points.seed_freedom:
        return ""
    unseen = ", so one flat end among so few points can go unseen" if len(points) <= 6 else ""
    return f"one seed per size: the noise is known only from the scatter about the line{unseen}"
