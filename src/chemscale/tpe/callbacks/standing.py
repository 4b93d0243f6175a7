"""Where one run stands among those known so far: a policy replayed on the curves as they are now.

At every place that the run has passed, it is compared with all runs that have got as far and were not stopped at an
earlier place. Runs need not start together: the first ones are judged against few others and go on, and are judged
again at the same places when more is known. When all runs have passed a place, the decisions are those of `Replay`.
"""

import math
from collections.abc import Sequence

from chemscale.base.errors import ConfigError
from chemscale.tpe.curve import Curve
from chemscale.tpe.estimators import Reading
from chemscale.tpe.policies.decision import Decision, Policy, share_text
from chemscale.tpe.simulation import decide_now


def standing(
    run: str,
    curves: Sequence[Curve],
    policy: Policy,
    *,
    total_epochs: float,
    reading: Reading,
    least_runs: int = 4,
) -> Decision | None:
    """The decision on `run` at the last place it has passed, or at the first one that stops it.

    Args:
        run: its name, among `curves`.
        curves: all runs known, finished, stopped and in training; what others have seen after a place is not used.
        policy: the policy.
        total_epochs: the full budget of every run.
        reading: how the curves are read.
        least_runs: no run is stopped before so many have reached the first place.

    Returns:
        None where the run has passed no place yet.

    Raises:
        ConfigError: no curve has this name, or `least_runs` is less than 1.
    """
    mine = next((curve for curve in curves if curve.run == run), None)
    if mine is None or least_runs < 1:
        seen = f"no curve of run {run}" if mine is None else f"least_runs: expected 1 or more, got {least_runs}"
        raise ConfigError(f"standing: {seen}")
    if mine.diverged:
        return diverged(run, (mine.diverged_at or 0.0) / total_epochs)
    alive, n_started = list(curves), 0
    latest: Decision | None = None
    for at in policy.places(total_epochs):
        if not mine.reaches(at * total_epochs):
            break
        here = [curve for curve in alive if _is_known_at(curve, at * total_epochs)]
        n_started = n_started or len(here)
        if n_started < least_runs:
            return _too_few(run, at, n_started, least_runs)
        decisions = decide_now(policy, here, at=at, total_epochs=total_epochs, reading=reading, n_started=n_started)
        latest = next(decision for decision in decisions if decision.run == run)
        if latest.action == "stop":
            return latest
        stopped = {decision.run for decision in decisions if decision.action == "stop"}
        alive = [curve for curve in alive if curve.run not in stopped]
    return latest


def diverged(run: str, at: float) -> Decision:
    """The decision on a run whose loss is not finite, at the share `at` of the budget."""
    return Decision(run, "stop", at, math.inf, "diverged: its loss is not finite")


def _is_known_at(curve: Curve, epochs: float) -> bool:
    return curve.reaches(epochs) or curve.up_to(epochs).diverged


def _too_few(run: str, at: float, n_known: int, least_runs: int) -> Decision:
    runs = "1 run has" if n_known == 1 else f"{n_known} runs have"
    reason = f"{runs} reached {share_text(at)}, {least_runs} are needed to stop one"
    return Decision(run, "continue", at, math.nan, reason)
