"""What the report of a tuning is made of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chemscale.base.errors import DataError
from chemscale.report.tuning.policy_points import PolicyPoint
from chemscale.tpe import Comparison, Curve, Decision, TpeResult


@dataclass(frozen=True)
class Saving:
    """What a tuning spent of one resource.

    Attributes:
        resource: its name with its unit, such as "steps", "seconds" or "FLOPs".
        spent: by this tuning.
        full: by training every run to the end.
    """

    resource: str
    spent: float
    full: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.spent) and math.isfinite(self.full) and self.spent >= 0 and self.full > 0):
            raise DataError(
                f"saving of {self.resource}: spent {self.spent} of {self.full}, expected spent >= 0 and full > 0"
            )

    @property
    def saved(self) -> float:
        """Share of the full cost that was not spent; negative where more was spent than that."""
        return 1 - self.spent / self.full


@dataclass(frozen=True, eq=False)
class TuningReport:
    """Everything that the report of a tuning shows.

    Attributes:
        title: heading of the page.
        curves: one per run; the first one is drawn first.
        total_epochs: the full budget of one run.
        settings: run -> what was tried, such as {"training.learning_rate": 0.001, "seed": 0}.
        decisions: of the policy, in time order; `at` of each says at which share of the budget it fell.
        policy: what it was set to, in words, such as "window at 20 %, keep 3".
        estimate: scores, ranking and predictions at the (last) decision.
        final: run -> converged loss where it is known, +inf where it diverged.
        calibration_runs: runs that the policy stopped and that were trained to the end all the same, for the line.
        replayed: whether the curves were trained to the end anyway and the decisions are only played on them. What
            comes after a stop is then drawn faintly and does not count as spent.
        comparison: estimators and policies side by side, where the truth is known.
        policy_points: policies at several shares of the budget, as `policy_points` gives them.
        savings: per resource.
        best: the run found best, "" where there is none.
        tied: runs that seed noise does not tell from the best one, with the best one itself.
        cooled: run -> loss after its cooldown, for the last ranking.
        commands: the exact commands that made this, one line each.
        environment: versions, machine, date: name -> text.
        config_text: the tuning's file as TOML.
        notes: what a reader should know, in whole sentences.
        loss_title: of the axes.
    """

    title: str
    curves: Sequence[Curve]
    total_epochs: float
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    decisions: Sequence[Decision] = ()
    policy: str = ""
    estimate: TpeResult | None = None
    final: Mapping[str, float] = field(default_factory=dict)
    calibration_runs: frozenset[str] = frozenset()
    replayed: bool = False
    comparison: Comparison | None = None
    policy_points: Sequence[PolicyPoint] = ()
    savings: Sequence[Saving] = ()
    best: str = ""
    tied: Sequence[str] = ()
    cooled: Mapping[str, float] = field(default_factory=dict)
    commands: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    config_text: str = ""
    notes: Sequence[str] = ()
    loss_title: str = "validation loss (nats per token)"

    def __post_init__(self) -> None:
        """Check that all parts speak of the same runs.

        Raises:
            DataError: there are no curves, two of one name, or a part names a run that has none.
        """
        if not self.curves:
            raise DataError("tuning report: no curves, there is nothing to show")
        if not (math.isfinite(self.total_epochs) and self.total_epochs > 0):
            raise DataError(f"tuning report: total_epochs is {self.total_epochs}, expected a number of epochs > 0")
        names = [curve.run for curve in self.curves]
        known = set(names)
        if len(known) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"tuning report: two curves are named `{twice}`. Give every run a name of its own.")
        parts = {
            "decisions": [decision.run for decision in self.decisions],
            "calibration_runs": sorted(self.calibration_runs),
            "best": [self.best] if self.best else [],
            "tied": list(self.tied),
            "cooled": list(self.cooled),
        }
        for part, runs in parts.items():
            unknown = [run for run in runs if run not in known]
            if unknown:
                raise DataError(
                    f"tuning report: {part} names the run `{unknown[0]}`, of which there is no curve. "
                    "Give it its curve, or leave it out."
                )
