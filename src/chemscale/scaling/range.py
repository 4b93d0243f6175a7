"""The range in which a straight line through log points holds.

Points at either end of a study often leave the line: the largest models see too little data or too few steps, the
smallest ones cannot learn at all. frey2023 calls this resolution-limited and leaves such points out by eye. Here
a test decides, and it leaves nothing out unless it has to.

For every window of neighbouring points [start, stop) that keeps enough of them, the dropped ends are tested against
the line through the kept points (the mean-shift F test):

    F = ((RSS_all - RSS_kept) / dropped) / s2,    s2 = (RSS_kept + S_seeds) / (kept - 2 + freedom_seeds)

RSS are residual sums of squares, S_seeds the sum of squares between seeds. The smallest p over all windows is compared
with its own distribution for a true line with normal noise. That distribution depends only on the places of the
points, so it is simulated once, and the false-alarm rate of the whole search is the level asked for.

If the test is positive, the widest window is taken that (1) is itself straight, by the same test and by a test for a
quadratic term, (2) scatters no more than its seeds do, where there are seeds, and (3) whose dropped points are all
flatter than its law by more than `OFF_LINE`: large sizes above the line, small ones below it. An end that is steeper is
never left out, because what is flat then is the rest. Of several windows of one width, the steepest is taken: a flat
end can be as straight as the law. Where no window holds, the points bend, and all are kept, with that said.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from chemscale.base.seeds import stream
from chemscale.scaling.points import MergedPoints
from chemscale.scaling.straight_line import fit_line

FALSE_ALARM = 0.02
OFF_LINE = 0.005  # a point within 0.5 % of the line is on it, however small the noise
CURVED = 0.01
N_SIMULATED = 2000
MOST_POINTS = 200  # beyond, neighbours are averaged
PUBLISHED_R2, PUBLISHED_FEWEST = 0.98, 4

Verdict = Literal["straight", "ends left out", "bent", "scattered", "too few points", "all", "given", "as published"]


@dataclass(frozen=True)
class StraightRange:
    """Which points stay: `start <= i < stop`, and what the test said of all points.

    `averaged` neighbouring points were taken as their mean for the test.
    """

    start: int
    stop: int
    verdict: Verdict
    p_value: float
    averaged: int = 1


def straight_range(points: MergedPoints, false_alarm: float = FALSE_ALARM) -> StraightRange:
    """Find the widest range of neighbouring points on which a line holds.

    Args:
        points: sorted by resource.
        false_alarm: how often, at most, a point of a true power law may be left out.
    """
    n = len(points)
    if n > MOST_POINTS:
        return _range_of_many(points, false_alarm)
    fewest = fewest_kept(points)
    if n <= fewest:
        return StraightRange(0, n, "too few points", float("nan"))
    p_value, limit = _departure(points, fewest, false_alarm)
    if p_value >= false_alarm:
        return StraightRange(0, n, _verdict_of_all(points), p_value)
    for dropped in range(1, n - fewest + 1):
        windows = [(start, start + n - dropped) for start in range(dropped + 1)]
        holding = [window for window in windows if _holds(points, *window, limit, false_alarm)]
        if holding:
            start, stop = min(holding, key=lambda window: _slope(points.window(*window)))
            return StraightRange(start, stop, "ends left out", p_value)
    return StraightRange(0, n, "bent", p_value)


def _range_of_many(points: MergedPoints, false_alarm: float) -> StraightRange:
    """The range among means of neighbouring points: the search grows with the square of their number."""
    each = int(np.ceil(len(points) / MOST_POINTS))
    starts = np.arange(0, len(points) - each + 1, each)  # the last mean takes what is left over
    counts = np.diff(starts, append=len(points))
    logs, losses = (np.add.reduceat(part, starts) / counts for part in (points.log_resource, points.log_loss))
    ones, unknown = np.ones(len(starts), int), np.full(len(starts), np.nan)
    found = straight_range(MergedPoints(np.exp(logs), logs, losses, ones, unknown), false_alarm)
    ends = np.append(starts, len(points))
    return StraightRange(int(ends[found.start]), int(ends[found.stop]), found.verdict, found.p_value, each)


def range_as_published(points: MergedPoints) -> StraightRange:
    """Drop the largest sizes until the rest looks straight (R2 of 0.98), as frey2023 do by eye.

    Kept for comparison only: it stops at the range that pleases, and no interval can count that.
    """
    stop = len(points)
    while stop > PUBLISHED_FEWEST:
        kept = points.window(0, stop)
        if fit_line(kept.log_resource, kept.log_loss).r_squared >= PUBLISHED_R2:
            break
        stop -= 1
    return StraightRange(0, stop, "as published", float("nan"))


def fewest_kept(points: MergedPoints) -> int:
    """At least half of the points are kept, and at least four (three where seeds tell the noise)."""
    n = len(points)
    return max(3 if points.seed_freedom >= n else 4, (n + 1) // 2)


def _holds(points: MergedPoints, start: int, stop: int, limit: float, false_alarm: float) -> bool:
    kept = points.window(start, stop)
    if _window_p(points, start, stop) > limit or not _within_seed_noise(kept) or not _all_flatter(points, start, stop):
        return False
    if curvature_p(kept) < CURVED:
        return False
    fewest = max(3, len(kept) // 2)
    return len(kept) <= fewest or _departure(kept, fewest, false_alarm)[0] >= false_alarm


def _verdict_of_all(points: MergedPoints) -> Verdict:
    if curvature_p(points) < CURVED:
        return "bent"
    return "straight" if _within_seed_noise(points) else "scattered"


def curvature_p(points: MergedPoints) -> float:
    """The p-value of a quadratic term in ln R (t test, noise from residuals and seeds); 1 where it cannot be told."""
    freedom = len(points) - 3 + points.seed_freedom
    if freedom < 1 or len(points) < 4:
        return 1.0
    x = points.log_resource - points.log_resource.mean()
    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), x, x**2], axis=1))
    parts = basis.T @ points.log_loss
    squares = float(((points.log_loss - basis @ parts) ** 2).sum()) + points.seed_squares
    # Rounding leaves residuals of about 1e-16: a bend far below OFF_LINE is no bend.
    noise = max(squares / freedom, (OFF_LINE / 50) ** 2)
    return float(special.fdtrc(1, freedom, parts[2] ** 2 / noise))


def _slope(points: MergedPoints) -> float:
    return fit_line(points.log_resource, points.log_loss).slope


def _window_p(points: MergedPoints, start: int, stop: int) -> float:
    kept, dropped = stop - start, len(points) - (stop - start)
    all_squares = _residual_squares(points)
    squares = _residual_squares(points.window(start, stop))
    freedom = kept - 2 + points.seed_freedom
    noise = (squares + points.seed_squares) / freedom
    return float(special.fdtrc(dropped, freedom, (all_squares - squares) / dropped / max(noise, 1e-300)))


def _within_seed_noise(points: MergedPoints) -> bool:
    """Whether the scatter about the line is no larger than the seeds explain (F test for lack of fit, level 1 %).

    Scatter under half of `OFF_LINE` is always small enough.
    """
    seeds = points.seed_freedom
    if seeds == 0:
        return True
    scatter = _residual_squares(points) / (len(points) - 2)
    from_seeds = max(points.seed_squares / seeds, (OFF_LINE / 2) ** 2)
    return bool(special.fdtrc(len(points) - 2, seeds, scatter / from_seeds) > 0.01)


def _all_flatter(points: MergedPoints, start: int, stop: int) -> bool:
    """Whether every point outside the window is off its line on the flat side: below it if small, above it if large."""
    kept = points.window(start, stop)
    line = fit_line(kept.log_resource, kept.log_loss)
    above = points.log_loss - line.at(points.log_resource)
    return bool((above[:start] < -OFF_LINE).all() and (above[stop:] > OFF_LINE).all())


def _residual_squares(points: MergedPoints) -> float:
    line = fit_line(points.log_resource, points.log_loss)
    return float(line.noise**2 * line.freedom)


def _departure(points: MergedPoints, fewest: int, false_alarm: float) -> tuple[float, float]:
    """The p-value of the search over all windows, and the p a single window needs to be significant in it."""
    x = points.log_resource - points.log_resource.mean()
    line = fit_line(x, points.log_loss)
    seeds = points.seed_freedom
    seen = _smallest_p(x, (points.log_loss - line.at(x))[None], np.array([points.seed_squares]), seeds, fewest)[0]
    random = stream(0, "straight range", len(x), seeds)
    noise = random.standard_normal((N_SIMULATED, len(x)))
    between = random.chisquare(seeds, N_SIMULATED) if seeds else np.zeros(N_SIMULATED)
    simulated = _smallest_p(x, noise, between, seeds, fewest)
    p_value = (1 + int((simulated <= seen).sum())) / (1 + N_SIMULATED)
    return p_value, float(np.quantile(simulated, false_alarm))


def _smallest_p(x: np.ndarray, y: np.ndarray, between: np.ndarray, seeds: int, fewest: int) -> np.ndarray:
    """The smallest p over all windows, for many data sets y [n_sets, n_points] at once -> [n_sets].

    Sums over a window are differences of running sums, so the cost does not grow with the window.
    """
    n = len(x)
    sums = [np.cumsum(np.pad(part, ((0, 0), (1, 0))), axis=1) for part in (x[None], x[None] ** 2, y, x * y, y * y)]
    whole = _window_squares(sums, n)[:, 0]
    smallest = np.ones(len(y))
    for dropped in range(1, n - fewest + 1):
        squares = _window_squares(sums, n - dropped).min(axis=1)
        freedom = n - dropped - 2 + seeds
        noise = np.maximum((squares + between) / freedom, 1e-300)
        smallest = np.minimum(smallest, special.fdtrc(dropped, freedom, (whole - squares) / dropped / noise))
    return smallest


def _window_squares(sums: list[np.ndarray], kept: int) -> np.ndarray:
    """Residual sum of squares of the line in every window of `kept` points [n_sets, n_windows]."""
    sx, sxx, sy, sxy, syy = (total[:, kept:] - total[:, : total.shape[1] - kept] for total in sums)
    slope_part = (sxy - sx * sy / kept) ** 2 / (sxx - sx**2 / kept)
    squares: np.ndarray = np.maximum(syy - sy**2 / kept - slope_part, 0.0)
    return squares
