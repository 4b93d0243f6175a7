"""A tuning played on finished curves, as a report: what a policy would have done, against the truth."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chemscale.base.errors import ConfigError, DataError
from chemscale.report.tuning.contents import Saving, TuningReport
from chemscale.report.tuning.policy_points import policy_points
from chemscale.tpe import (
    Curve,
    Decision,
    Policy,
    Reading,
    Replay,
    TpeResult,
    compare,
    estimate,
    final_losses,
    shared_source,
)

N_CALIBRATION = 4


def replay_tuning(
    title: str,
    curves: Sequence[Curve],
    policy: Policy,
    *,
    policy_name: str,
    final: Mapping[str, float] | None = None,
    total_epochs: float | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    n_calibration: int = N_CALIBRATION,
    seed_noise: float | None = None,
    n_resamples: int = 200,
) -> TuningReport:
    """The report of the tuning that `policy` would have been on these curves.

    The line of the predictions is fitted to the runs that the policy keeps and to `n_calibration` stopped ones, spread
    over their scores; all others are held out of it. Commands, environment and notes can be added with
    `dataclasses.replace`.

    Args:
        title: heading of the page.
        curves: finished curves.
        policy: who goes on.
        policy_name: what it is set to, in words.
        final: run -> converged loss, +inf where it diverged; the curves' own ends where absent.
        total_epochs: the full budget; the longest curve's where absent.
        settings: run -> what was tried; the curves' own where absent.
        n_calibration: stopped runs that are trained to the end all the same.
        seed_noise: standard deviation of the final losses between seeds; from repeated seeds where absent.
        n_resamples: bootstrap samples of the configurations.

    Raises:
        ConfigError: `n_calibration` is negative, or the policy decides nowhere within the budget.
        DataError: fewer than four runs have a known final loss.
    """
    if n_calibration < 0:
        raise ConfigError(f"n_calibration: expected 0 or more, got {n_calibration}")
    total = total_epochs or max((curve.seen for curve in curves), default=0.0)
    ends = final_losses(curves, total) if final is None else dict(final)
    used = [curve for curve in curves if not math.isnan(ends.get(curve.run, math.nan))]
    comparison = compare(used, ends, total_epochs=total, seed_noise=seed_noise, n_resamples=n_resamples)
    places = policy.places(total)
    if not places:
        raise ConfigError(f"policy {policy_name}: it decides nowhere within {total:g} epochs")
    reading = Reading(source=shared_source(used), total_epochs=total)
    replay = Replay(used, np.array([ends[curve.run] for curve in used]), total, reading)
    outcome = replay.run(policy)
    stops = {decision.run: decision for decision in outcome.decisions if decision.action == "stop"}
    at_first = dict(
        zip([curve.run for curve in used], replay.scores(policy.estimator, places[0]).tolist(), strict=True)
    )
    extra = _spread([run for run in stops if math.isfinite(ends[run])], at_first, n_calibration)
    finished = {run: ends[run] for run in ends if run not in stops or run in extra}
    return TuningReport(
        title=title,
        curves=tuple(used),
        total_epochs=total,
        settings={curve.run: curve.settings for curve in used} if settings is None else settings,
        decisions=outcome.decisions,
        policy=policy_name,
        estimate=_estimate(used, policy, places[0], total, finished),
        final=ends,
        calibration_runs=frozenset(extra),
        replayed=True,
        comparison=comparison,
        policy_points=policy_points(used, ends, total_epochs=total, seed_noise=seed_noise, n_resamples=n_resamples),
        savings=_savings(used, stops, extra, total),
        best=outcome.chosen,
        tied=_tied(finished, outcome.chosen, comparison.final_tie),
    )


def _spread(runs: Sequence[str], scores: Mapping[str, float], n: int) -> list[str]:
    """`n` of the runs, evenly spread over the order of their scores, the worst one among them."""
    order = sorted((run for run in runs if math.isfinite(scores[run])), key=lambda run: scores[run])
    if not order or not n:
        return []
    places = np.linspace(0, len(order) - 1, min(n, len(order)) + 1)[1:].round().astype(int)
    return [order[place] for place in dict.fromkeys(places.tolist())]


def _estimate(
    curves: Sequence[Curve], policy: Policy, at: float, total: float, finished: Mapping[str, float]
) -> TpeResult:
    return estimate(curves, fraction=at, total_epochs=total, estimator=policy.estimator, final=finished)


def _savings(
    curves: Sequence[Curve], stops: Mapping[str, Decision], extra: Sequence[str], total: float
) -> tuple[Saving, ...]:
    """Logged steps that would have been trained; a diverged run ends where it diverged, in both sums."""
    spent = full = 0
    for curve in curves:
        whole = curve if curve.diverged_at is None else curve.up_to(curve.diverged_at)
        until = stops[curve.run].at * total if curve.run in stops and curve.run not in extra else total
        spent += whole.up_to(until).n_steps
        full += whole.n_steps
    if not full:
        raise DataError("replay: the curves have no training steps")
    return (Saving("steps", spent, full),)


def _tied(finished: Mapping[str, float], best: str, tie: float) -> tuple[str, ...]:
    if not best:
        return ()
    return tuple(run for run, loss in finished.items() if abs(loss - finished[best]) <= tie)
