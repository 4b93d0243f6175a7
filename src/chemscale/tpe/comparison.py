"""Estimators and policies side by side on finished curves: whoever wins."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chemscale.base.errors import DataError
from chemscale.base.files import finite
from chemscale.tpe.curve import Curve
from chemscale.tpe.estimators import ESTIMATORS, Reading, shared_source
from chemscale.tpe.finals import check_known, final_losses
from chemscale.tpe.policies import FirstEpochs, Halving, KeepBest, Policy, Race
from chemscale.tpe.ranking import normalised_regret, r_squared, regret, rho_in_best, spearman_rho
from chemscale.tpe.simulation import Expected, Replay
from chemscale.tpe.text import number, text_table
from chemscale.tpe.ties import noise_of_repeats, repeats

FRACTIONS = (0.05, 0.1, 0.2, 0.5)
MIN_RUNS = 4


@dataclass(frozen=True)
class EstimatorRow:
    """One estimator at one share of the budget.

    Attributes:
        estimator: its name.
        fraction: share of the full budget that was seen.
        n_runs: runs that it could score, diverged ones included.
        rho: Spearman's rho with the final losses over all runs.
        rho_best_third: the same inside the truly best third.
        r_squared: R2 of the line L = m s + b on these runs.
        regret: final loss of the run it puts first, minus the best one.
        normalised_regret: the same, as a share of the way from the best to the median run.
        saved: compute saved where only the run that it puts first is trained to the end.
    """

    estimator: str
    fraction: float
    n_runs: int
    rho: float
    rho_best_third: float
    r_squared: float
    regret: float
    normalised_regret: float
    saved: float


@dataclass(frozen=True)
class PolicyRow:
    """One policy: what it did on these runs, and its means over resampled configurations.

    Attributes:
        policy: its name, with what it was set to.
        chosen: the run it returned.
        regret: that run's final loss minus the best one.
        normalised_regret: the same, as a share of the way from the best to the median run.
        saved: compute saved.
        best_kept: whether the best run, or one within seed noise of it, was trained to the end.
        expected: means over resamplings.
    """

    policy: str
    chosen: str
    regret: float
    normalised_regret: float
    saved: float
    best_kept: bool
    expected: Expected


@dataclass(frozen=True)
class Comparison:
    """The table of estimators and policies on one set of finished runs."""

    n_runs: int
    n_diverged: int
    total_epochs: float
    final_tie: float
    estimators: tuple[EstimatorRow, ...]
    policies: tuple[PolicyRow, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The tables as plain JSON types; numbers that are not finite are None."""
        return dict(finite(asdict(self)))

    def __str__(self) -> str:
        heads = ("estimator", "seen", "rho", "rho best third", "R2", "regret", "of median", "saved")
        rows = [_estimator_cells(row) for row in self.estimators]
        policy_heads = ("policy", "regret", "saved", "expected regret", "of median", "P(best kept)", "or tied", "saved")
        policy_rows = [_policy_cells(row) for row in self.policies]
        title = f"{self.n_runs} runs, {self.n_diverged} of them diverged, {self.total_epochs:g} epochs"
        parts = [title, text_table(heads, rows), text_table(policy_heads, policy_rows)]
        parts.append("\n".join(f"warning: {text}" for text in self.warnings))
        return "\n\n".join(part for part in parts if part)


def compare(
    curves: Sequence[Curve],
    final: Mapping[str, float] | None = None,
    *,
    fractions: Sequence[float] = FRACTIONS,
    policies: Mapping[str, Policy] | None = None,
    total_epochs: float | None = None,
    warmup_steps: int = 0,
    share: float = 0.25,
    costs: Mapping[str, float] | None = None,
    seed_noise: float | None = None,
    n_resamples: int = 200,
    seed: int = 0,
) -> Comparison:
    """Compare all estimators at several budgets and all policies, on runs that were trained to the end.

    Args:
        curves: the finished curves; runs without a known final loss are left out and named.
        final: run -> converged loss, +inf where it diverged; the curves' own ends where absent.
        fractions: shares of the full budget.
        policies: name -> policy; `default_policies` where absent.
        total_epochs: the full budget; the longest curve's where absent.
        warmup_steps: first steps that the window and the power law leave out.
        share: the window's share of what was seen.
        costs: run -> cost of the whole run (steps, seconds, FLOPs); all alike where absent.
        seed_noise: standard deviation of the final losses between seeds; from repeated seeds where absent.
        n_resamples: bootstrap samples of the configurations.
        seed: of the bootstrap.

    Raises:
        DataError: fewer than four runs have a known final loss, or not one of them is finite.
    """
    total = total_epochs or max((curve.seen for curve in curves), default=0.0)
    check_known(final or {}, curves)
    ends = final_losses(curves, total) if final is None else final
    used = [curve for curve in curves if not math.isnan(ends.get(curve.run, math.nan))]
    if len(used) < MIN_RUNS:
        raise DataError(f"compare: {len(used)} runs with a known final loss, the comparison needs at least {MIN_RUNS}")
    _check_fractions(fractions)
    losses = np.array([ends[curve.run] for curve in used])
    reading = Reading(source=shared_source(used), share=share, warmup_steps=warmup_steps, total_epochs=total)
    tie = _final_tie(used, ends, seed_noise)
    full_costs = None if costs is None else np.array([_cost(costs, curve.run) for curve in used])
    replay = Replay(used, losses, total, reading, full_costs, tie)
    rows = [_estimator_row(replay, name, at) for name in ESTIMATORS for at in fractions]
    chosen = default_policies(used, total) if policies is None else policies
    return Comparison(
        n_runs=len(used),
        n_diverged=int((~np.isfinite(losses)).sum()),
        total_epochs=total,
        final_tie=tie,
        estimators=tuple(row for row in rows if row.n_runs >= MIN_RUNS),
        policies=tuple(_policy_row(replay, name, policy, n_resamples, seed) for name, policy in chosen.items()),
        warnings=_warnings(curves, used, rows, tie),
    )


def default_policies(curves: Sequence[Curve], total_epochs: float) -> dict[str, Policy]:
    """The policies of the table: the paper's rule, ours, and the i-epoch baseline."""
    first = 1.0 if total_epochs > 1 else 0.1 * total_epochs
    validated = shared_source([curve.up_to(first) for curve in curves]) == "validation"
    return {
        "sum at 20 %, keep 1 (the paper)": KeepBest(0.2, 1, "sum"),
        "window at 20 %, keep 1": KeepBest(0.2, 1),
        "window at 20 %, keep 3": KeepBest(0.2, 3),
        "window at 10 %, keep 3": KeepBest(0.1, 3),
        "halving from 11 %, eta 3": Halving(),
        "halving from 4 %, eta 3": Halving(first=1 / 27),
        "race from 10 %": Race(),
        f"{first:g} epochs, keep 1 (baseline)": FirstEpochs(first, 1, "last_validation" if validated else "tse_e"),
    }


def _estimator_row(replay: Replay, name: str, at: float) -> EstimatorRow:
    scores = replay.scores(name, at)
    known = ~np.isnan(scores)
    s, losses = scores[known], replay.final[known]
    if len(s) < MIN_RUNS:
        return EstimatorRow(name, at, len(s), *(math.nan,) * 6)
    first = float(losses[int(np.argmin(s))])
    return EstimatorRow(
        estimator=name,
        fraction=at,
        n_runs=len(s),
        rho=spearman_rho(s, losses),
        rho_best_third=rho_in_best(s, losses),
        r_squared=r_squared(s, losses),
        regret=regret(first, replay.final),
        normalised_regret=normalised_regret(first, replay.final),
        saved=replay.run(KeepBest(at, 1, name)).saved,
    )


def _policy_row(replay: Replay, name: str, policy: Policy, n_resamples: int, seed: int) -> PolicyRow:
    outcome = replay.run(policy)
    return PolicyRow(
        policy=name,
        chosen=outcome.chosen,
        regret=outcome.regret,
        normalised_regret=outcome.normalised_regret,
        saved=outcome.saved,
        best_kept=outcome.tie_kept,
        expected=replay.expected(policy, n_resamples, seed),
    )


def _estimator_cells(row: EstimatorRow) -> list[str]:
    quality = [number(value, 2) for value in (row.rho, row.rho_best_third, row.r_squared)]
    lost = [number(row.regret, 4), number(row.normalised_regret, 2)]
    return [row.estimator, f"{row.fraction:.0%}", *quality, *lost, f"{row.saved:.0%}"]


def _policy_cells(row: PolicyRow) -> list[str]:
    mean = row.expected
    here = [row.policy, number(row.regret, 4), f"{row.saved:.0%}"]
    lost = [number(mean.regret, 4), number(mean.normalised_regret, 3)]
    return [*here, *lost, number(mean.p_best_kept, 2), number(mean.p_tie_kept, 2), f"{mean.saved:.0%}"]


def _final_tie(curves: Sequence[Curve], final: Mapping[str, float], seed_noise: float | None) -> float:
    """Final losses that differ by at most one seed's standard deviation times sqrt(2) are taken as one."""
    if seed_noise is not None:
        return math.sqrt(2) * seed_noise
    noise = noise_of_repeats([[final[run] for run in group] for group in repeats(curves)])
    return 0.0 if noise is None else math.sqrt(2) * noise.deviation


def _warnings(
    curves: Sequence[Curve], used: Sequence[Curve], rows: Sequence[EstimatorRow], tie: float
) -> tuple[str, ...]:
    found = []
    left = [curve.run for curve in curves if curve not in used]
    if left:
        found.append(f"no final loss is known of {', '.join(left[:5])}{' and more' if len(left) > 5 else ''}: left out")
    unscored = sorted({row.estimator for row in rows if row.n_runs < MIN_RUNS})
    if unscored:
        found.append(f"too little was seen for {', '.join(unscored)} at some budgets: those rows are left out")
    if len(used) < 12:
        found.append(
            f"only {len(used)} runs: the best third holds {max(3, math.ceil(len(used) / 3))}, its rho is a rough number"
        )
    if tie == 0:
        found.append("one seed per configuration: differences between near equal runs may be seed noise")
    return tuple(found)


def _check_fractions(fractions: Sequence[float]) -> None:
    bad = [value for value in fractions if not 0 < value <= 1]
    if bad or not fractions:
        raise DataError(f"fractions: expected shares of the budget such as 0.2, got {bad[0] if bad else 'none'}")


def _cost(costs: Mapping[str, float], run: str) -> float:
    value = costs.get(run, math.nan)
    if not (math.isfinite(value) and value > 0):
        raise DataError(f"costs: run `{run}` has {value}, expected a cost > 0 for every run")
    return float(value)
