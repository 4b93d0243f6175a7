r"""A race: stop a run when its gap to the leader exceeds what the runs still drift against each other.

gap_i   = s_i(t) - \min_j s_j(t)
drift   = the `quantile` of |d_i - \operatorname{median}_j d_j|,  d_i = s_i(t) - s_i(t/2)
stop i    where gap_i > `factor` \cdot drift

The drift from t/2 to t is measured on the runs themselves, so no seed noise and no law of the curve need be known. Runs
whose drift stays larger than their gaps are all trained to the end: the race then saves little, and says so.
"""

import math
from dataclasses import dataclass

import numpy as np

from chemscale.base.errors import ConfigError
from chemscale.tpe.policies.decision import (
    Decision,
    Known,
    check_share,
    check_whole,
    not_scored,
    rank_order,
    share_text,
)


@dataclass(frozen=True)
class Race:
    """Decide again and again, and stop only those that can hardly catch up.

    Attributes:
        start: the first decision, as a share of the budget.
        every: the distance between decisions, as a share of the budget.
        factor: a run stops when its gap exceeds this many drifts.
        quantile: the quantile of the runs' drifts that counts as the drift.
        keep: at least so many go on; among fewer than three the drift is no longer a measure.
        estimator: the score.
    """

    start: float = 0.1
    every: float = 0.05
    factor: float = 2.0
    quantile: float = 0.9
    keep: int = 3
    estimator: str = "window"

    def __post_init__(self) -> None:
        check_share("start", self.start)
        check_share("every", self.every)
        check_share("quantile", self.quantile)
        check_whole("keep", self.keep, 1)
        if not (math.isfinite(self.factor) and self.factor > 0):
            raise ConfigError(f"factor: expected a number greater than 0, for example 2, got {self.factor!r}")

    def places(self, total_epochs: float) -> tuple[float, ...]:
        """`start`, `start` + `every`, ... below the full budget."""
        n_places = math.ceil((1 - self.start) / self.every - 1e-9)
        return tuple(self.start + index * self.every for index in range(n_places))

    def look_back(self, at: float) -> float | None:
        """Half of what was seen: the drift is measured from there."""
        return at / 2

    def drift(self, known: Known) -> float:
        """How far the runs moved against each other since half of what was seen; NaN for fewer than two runs."""
        moved = np.array([value - known.earlier.get(run, math.nan) for run, value in known.scores.items()])
        moved = moved[np.isfinite(moved)]
        if len(moved) < 2:
            return math.nan
        return float(np.quantile(np.abs(moved - np.median(moved)), self.quantile))

    def decide(self, known: Known) -> tuple[Decision, ...]:
        """Stop those whose gap exceeds the drift."""
        order, drift = rank_order(known.scores), self.drift(known)
        limit = self.factor * drift
        safe = set(order[: self.keep])
        best = known.scores[order[0]] if order else math.nan
        return tuple(
            not_scored(known, run) or self._one(known, run, known.scores[run] - best, limit, run in safe)
            for run in known.scores
        )

    def _one(self, known: Known, run: str, gap: float, limit: float, safe: bool) -> Decision:
        behind = "the leader" if gap == 0 else f"{gap:.4g} behind the leader"
        where = f"{behind} at {share_text(known.at)}"
        if math.isnan(limit):
            return Decision(run, "continue", known.at, known.scores[run], f"{where}; the drift cannot be measured")
        stops = gap > limit and not safe
        compared = "more than" if gap > limit else "within"
        reason = f"{where}, {compared} {self.factor:g} x the drift ({limit:.4g})"
        if gap > limit and safe:
            reason += f"; the best {self.keep} go on"
        return Decision(run, "stop" if stops else "continue", known.at, known.scores[run], reason)
