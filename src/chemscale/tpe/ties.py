"""Ties within seed noise: runs whose scores differ by less than two seeds of one configuration would.

Two scores with seed noise s differ by more than t sqrt(2) s in 1 - level of the cases although nothing differs but the
seed; t is Student's for the degrees of freedom that s was estimated with (normal where s is given).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from chemscale.base.errors import FitError
from chemscale.tpe.curve import Curve

FEWEST_REPEATED = 3
SEED_NAMES = ("seed", "random_seed", "rng_seed")


@dataclass(frozen=True)
class SeedNoise:
    """The standard deviation between seeds of one configuration, in the score's unit.

    Attributes:
        deviation: the standard deviation.
        freedom: degrees of freedom it was estimated with; infinite where it was given.
    """

    deviation: float
    freedom: float = math.inf

    def tie(self, level: float = 0.9) -> float:
        """Scores that differ by at most this are tied."""
        quantile = special.ndtri if math.isinf(self.freedom) else lambda p: special.stdtrit(self.freedom, p)
        return float(quantile(0.5 + level / 2)) * math.sqrt(2) * self.deviation


def given_noise(deviation: float) -> SeedNoise:
    """Seed noise known from elsewhere.

    Raises:
        FitError: it is negative or not finite.
    """
    if not (math.isfinite(deviation) and deviation >= 0):
        raise FitError(f"seed_noise: expected a standard deviation >= 0 in the score's unit, got {deviation!r}")
    return SeedNoise(float(deviation))


def noise_of_repeats(groups: Sequence[Sequence[float]]) -> SeedNoise | None:
    """Pooled standard deviation of scores within groups of equal configurations; None where nothing was repeated.

    Only the better half of the repeated configurations counts, and at least three: poor ones, still far from their
    ends, differ more between seeds, and the question is which of the good ones can be told apart.
    """
    finite = [np.array([value for value in group if math.isfinite(value)]) for group in groups]
    repeated = sorted((group for group in finite if len(group) > 1), key=lambda group: float(group.mean()))
    repeated = repeated[: max(FEWEST_REPEATED, math.ceil(len(repeated) / 2))]
    freedom = sum(len(group) - 1 for group in repeated)
    if not freedom:
        return None
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in repeated)
    return SeedNoise(math.sqrt(squares / freedom), freedom)


def repeats(curves: Sequence[Curve]) -> list[list[str]]:
    """Runs grouped by their settings without the seed; each run alone where the logs have no seed."""
    groups: dict[object, list[str]] = {}
    for curve in curves:
        rest = tuple(sorted((name, value) for name, value in curve.settings.items() if not _is_seed(name)))
        seeded = len(rest) < len(curve.settings)
        groups.setdefault(rest if seeded else curve.run, []).append(curve.run)
    return list(groups.values())


def _is_seed(name: str) -> bool:
    return name.lower().rpartition(".")[2] in SEED_NAMES


def tied_sets(scores: Mapping[str, float], tie: float) -> tuple[tuple[str, ...], ...]:
    """The ranking as sets: each begins with the best run left and holds all within `tie` of it; +inf comes last.

    Args:
        scores: run -> score, smaller is better; NaN is left out.
        tie: the largest difference of a tie, >= 0.
    """
    order = sorted((value, run) for run, value in scores.items() if not math.isnan(value))
    sets: list[list[str]] = []
    best = math.nan
    for value, run in order:
        if sets and (value == best or value - best <= tie):
            sets[-1].append(run)
        else:
            sets.append([run])
            best = value
    return tuple(tuple(members) for members in sets)
