"""What a policy is given (the scores so far) and what it answers (one decision with its reason for every run)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from chemscale.base.errors import ConfigError


@dataclass(frozen=True)
class Known:
    """What is known when a policy decides.

    Attributes:
        at: share of the full budget that every run here has had, 0 < at < 1.
        scores: runs still in training -> score, smaller is better; +inf has diverged, NaN cannot be scored yet.
        n_started: runs at the very beginning, those stopped since included.
        earlier: the same runs' scores at the share that the policy asked to look back to; empty where it asks none.
    """

    at: float
    scores: Mapping[str, float]
    n_started: int
    earlier: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """What becomes of one run, and why."""

    run: str
    action: Literal["continue", "stop"]
    at: float
    score: float
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """The decision as plain JSON types; a score that is not finite is None."""
        score = self.score if math.isfinite(self.score) else None
        return {"run": self.run, "action": self.action, "at": self.at, "score": score, "reason": self.reason}


class Policy(Protocol):
    """A policy: where it decides, which score it reads, and the decision itself, a pure function of what is known."""

    @property
    def estimator(self) -> str:
        """The estimator whose scores it reads."""

    def places(self, total_epochs: float) -> tuple[float, ...]:
        """The shares of the full budget at which it decides, rising, each below 1."""

    def look_back(self, at: float) -> float | None:
        """The earlier share whose scores it wants to see as well, or None."""

    def decide(self, known: Known) -> tuple[Decision, ...]:
        """One decision for every run in `known.scores`, in their order."""


def keep_best(known: Known, n_kept: int, rule: str) -> tuple[Decision, ...]:
    """Keep the `n_kept` best of the runs, and all that cannot be scored yet; `rule` ends the reasons."""
    order = rank_order(known.scores)
    place = {run: index + 1 for index, run in enumerate(order)}
    best = known.scores[order[0]] if order else math.nan
    return tuple(_one(known, run, place.get(run), n_kept, best, rule) for run in known.scores)


def rank_order(scores: Mapping[str, float]) -> list[str]:
    """Runs from the best to the worst score; ties in the order given, diverged and unscored ones left out."""
    return sorted((run for run, value in scores.items() if math.isfinite(value)), key=lambda run: scores[run])


def not_scored(known: Known, run: str) -> Decision | None:
    """The decision on a run whose score is not finite: stop what diverged, let go on what cannot be scored yet."""
    value = known.scores[run]
    if math.isnan(value):
        return Decision(run, "continue", known.at, value, "too little was seen of it for a score")
    if math.isinf(value):
        return Decision(run, "stop", known.at, value, "diverged: its loss is not finite")
    return None


def share_text(at: float) -> str:
    """A share of the budget in words."""
    return f"{100 * at:.3g} % of the budget"


def check_share(name: str, value: float) -> None:
    """Refuse a share of the budget that is not between 0 and 1."""
    if not 0 < value < 1:
        raise ConfigError(f"{name}: expected a share of the full budget between 0 and 1, got {value!r}")


def check_whole(name: str, value: int, least: int) -> None:
    """Refuse a number that is not whole or too small."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name}: expected a whole number, {least} or more, got {value!r}")


def _one(known: Known, run: str, place: int | None, n_kept: int, best: float, rule: str) -> Decision:
    if place is None:
        other = not_scored(known, run)
        assert other is not None  # a run without a place has no finite score
        return other
    value = known.scores[run]
    gap = "the best" if place == 1 else f"{value - best:.4g} behind the best"
    reason = f"place {place} of {len(known.scores)} at {share_text(known.at)}, {gap}; {rule}"
    return Decision(run, "continue" if place <= n_kept else "stop", known.at, value, reason)
