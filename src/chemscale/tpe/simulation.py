"""Policies at work: decide now from curves, or replay a policy on finished curves and count what it would have cost."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from chemscale.base.errors import DataError
from chemscale.base.seeds import stream
from chemscale.tpe.curve import Curve
from chemscale.tpe.estimators import Reading
from chemscale.tpe.policies.decision import Decision, Known, Policy
from chemscale.tpe.ranking import normalised_regret, regret
from chemscale.tpe.scoring import scores_at


@dataclass(frozen=True)
class Outcome:
    """What one policy did to a set of runs whose ends are known.

    Attributes:
        chosen: the run with the best final loss among those trained to the end.
        regret: its final loss minus the best run's.
        normalised_regret: the same, as a share of the way from the best to the median run.
        cost: training done, as a share of training every run to the end.
        best_kept: whether the best run was trained to the end.
        tie_kept: whether the best run or one within seed noise of it was.
        decisions: all decisions, in time order.
    """

    chosen: str
    regret: float
    normalised_regret: float
    cost: float
    best_kept: bool
    tie_kept: bool
    decisions: tuple[Decision, ...]

    @property
    def saved(self) -> float:
        """Share of the full cost that was not spent."""
        return 1 - self.cost


@dataclass(frozen=True)
class Expected:
    """Means of a policy's outcomes over resamplings of the configurations."""

    regret: float
    normalised_regret: float
    p_best_kept: float
    p_tie_kept: float
    saved: float
    n_resamples: int


@dataclass(frozen=True, eq=False)
class Replay:
    """Finished curves with their final losses, and every score that a policy has asked for so far.

    Attributes:
        curves: the finished curves.
        final: [n_runs] final losses; +inf for runs that diverged.
        total_epochs: the full budget.
        reading: how the curves are read.
        costs: [n_runs], the cost of each whole run, in any unit (epochs count alike where absent).
        final_tie: final losses that differ by at most this are tied.
    """

    curves: Sequence[Curve]
    final: np.ndarray
    total_epochs: float
    reading: Reading
    costs: np.ndarray | None = None
    final_tie: float = 0.0
    _scores: dict[tuple[str, float], np.ndarray] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if len(self.final) != len(self.curves) or not len(self.curves):
            raise DataError(f"replay: {len(self.curves)} curves and {len(self.final)} final losses")
        if not np.isfinite(self.final).any():
            raise DataError("replay: every run diverged, there is nothing to choose from")

    def scores(self, estimator: str, at: float) -> np.ndarray:
        """Scores [n_runs] at the share `at` of the budget."""
        key = (estimator, round(at, 12))
        if key not in self._scores:
            self._scores[key] = scores_at(self.curves, estimator, at * self.total_epochs, self.reading)
        return self._scores[key]

    def run(self, policy: Policy, members: Sequence[int] | None = None) -> Outcome:
        """Replay a policy on the runs `members` (all where None; the same run may come twice, as two runs)."""
        chosen_from = list(range(len(self.curves))) if members is None else list(members)
        names = _names([self.curves[index].run for index in chosen_from])
        index_of = dict(zip(names, chosen_from, strict=True))
        alive, stopped, decisions = list(names), {}, []
        for at in policy.places(self.total_epochs):
            if not alive:
                break
            for decision in policy.decide(self._known(policy, at, alive, index_of, len(names))):
                decisions.append(decision)
                if decision.action == "stop":
                    stopped[decision.run] = at
            alive = [name for name in alive if name not in stopped]
        return self._outcome(index_of, alive, stopped, tuple(decisions))

    def expected(self, policy: Policy, n_resamples: int = 200, seed: int = 0) -> Expected:
        """Mean outcome over bootstrap samples of the configurations: as many as there are, drawn with replacement."""
        generator = stream(seed, "resampled configurations")
        outcomes: list[Outcome] = []
        while len(outcomes) < n_resamples:
            members = generator.integers(0, len(self.curves), len(self.curves))
            if np.isfinite(self.final[members]).any():
                outcomes.append(self.run(policy, members.tolist()))
        return Expected(
            regret=float(np.mean([outcome.regret for outcome in outcomes])),
            normalised_regret=float(np.mean([outcome.normalised_regret for outcome in outcomes])),
            p_best_kept=float(np.mean([outcome.best_kept for outcome in outcomes])),
            p_tie_kept=float(np.mean([outcome.tie_kept for outcome in outcomes])),
            saved=float(np.mean([outcome.saved for outcome in outcomes])),
            n_resamples=n_resamples,
        )

    def _known(self, policy: Policy, at: float, alive: Sequence[str], index_of: Mapping[str, int], n: int) -> Known:
        now = self.scores(policy.estimator, at)
        earlier: dict[str, float] = {}
        back = policy.look_back(at)
        if back is not None:
            before = self.scores(policy.estimator, back)
            earlier = {name: float(before[index_of[name]]) for name in alive}
        return Known(at, {name: float(now[index_of[name]]) for name in alive}, n, earlier)

    def _outcome(
        self,
        index_of: Mapping[str, int],
        alive: Sequence[str],
        stopped: Mapping[str, float],
        decisions: tuple[Decision, ...],
    ) -> Outcome:
        members = np.array(list(index_of.values()))
        final = self.final[members]
        costs = np.ones(len(members)) if self.costs is None else self.costs[members]
        spent = np.array([self._share_trained(index, stopped.get(name, 1.0)) for name, index in index_of.items()])
        ends = {name: float(self.final[index_of[name]]) for name in alive}
        chosen = min(ends, key=lambda name: ends[name], default="")
        loss = ends.get(chosen, math.inf)
        return Outcome(
            chosen=chosen,
            regret=regret(loss, final),
            normalised_regret=normalised_regret(loss, final),
            cost=float((spent * costs).sum() / costs.sum()),
            best_kept=loss == float(final.min()),
            tie_kept=loss - float(final.min()) <= self.final_tie,
            decisions=decisions,
        )

    def _share_trained(self, index: int, stopped_at: float) -> float:
        diverged = self.curves[index].diverged_at
        return stopped_at if diverged is None else min(stopped_at, diverged / self.total_epochs)


def decide_now(
    policy: Policy,
    curves: Sequence[Curve],
    *,
    at: float,
    total_epochs: float,
    reading: Reading,
    n_started: int | None = None,
) -> tuple[Decision, ...]:
    """Let a policy decide on runs in training, from their curves up to now.

    Args:
        policy: the policy; `at` is one of its `places`.
        curves: the runs still in training; what they have seen after `at` is not used.
        at: share of the full budget.
        total_epochs: the full budget.
        reading: how the curves are read.
        n_started: runs at the very beginning (those given here where absent).

    Raises:
        DataError: a run has not been trained so far yet.
    """
    for curve in curves:
        if not curve.diverged and not curve.reaches(at * total_epochs):
            raise DataError(
                f"run {curve.run}: it has seen {curve.seen:.4g} epochs, the decision needs {at * total_epochs:.4g}. "
                "Train it so far first."
            )
    names = [curve.run for curve in curves]
    now = scores_at(curves, policy.estimator, at * total_epochs, reading)
    earlier: dict[str, float] = {}
    back = policy.look_back(at)
    if back is not None:
        before = scores_at(curves, policy.estimator, back * total_epochs, reading)
        earlier = dict(zip(names, before.tolist(), strict=True))
    return policy.decide(Known(at, dict(zip(names, now.tolist(), strict=True)), n_started or len(curves), earlier))


def _names(runs: Sequence[str]) -> list[str]:
    """Names of runs, made different where one was drawn twice."""
    seen: dict[str, int] = {}
    out = []
    for run in runs:
        seen[run] = seen.get(run, 0) + 1
        out.append(run if seen[run] == 1 else f"{run} (copy {seen[run]})")
    return out
