"""One row per run: what became of it, its score, its prediction and its final loss."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.labels import percent, run_labels, varying
from chemscale.report.tuning.theme import CALIBRATION, DIVERGED, FIXED, KEPT
from chemscale.tpe import Curve, Decision, Prediction

MOST_STAGES = 4
IN_LINE, HELD_OUT = "in the line", "held out"


@dataclass(frozen=True, eq=False)
class TunedRuns:
    """The runs of a report as a table.

    Attributes:
        table: one row per run, the best first: `run`, `label`, `outcome`, `stopped_at` (share of the budget; NaN:
            not stopped), `trained` (epochs), `reason`, `score`, `place` (from 1; NaN: diverged), `best`, `tied`,
            `predicted`, `low`, `high` (Student t), `jackknife_low`, `jackknife_high`, `extrapolated`, `role`
            ("in the line", "held out" or ""), `final`, `cooled`.
        outcomes: all outcomes in the order of the colours, those without a run included.
        names: settings that vary.
        by: what the order rests on, in words.
    """

    table: pd.DataFrame
    outcomes: tuple[str, ...]
    names: tuple[str, ...]
    by: str

    @property
    def present(self) -> list[str]:
        """Outcomes that a run has, kept runs first and diverged ones last."""
        found = set(self.table["outcome"])
        order = [KEPT, CALIBRATION, *reversed(self.outcomes[len(FIXED) :]), DIVERGED]
        return [outcome for outcome in order if outcome in found]


def tuned_runs(report: TuningReport) -> TunedRuns:
    """The table of a report's runs."""
    names = varying(report.settings)
    labels = run_labels([curve.run for curve in report.curves], report.settings, names)
    stops = _last(report.decisions, "stop")
    stages = _stages([decision.at for decision in stops.values()])
    last = _last(report.decisions)
    scores = {} if report.estimate is None else {run.run: run.score for run in report.estimate.runs}
    predictions = {} if report.estimate is None else {one.run: one for one in report.estimate.predictions}
    rows = []
    for curve in report.curves:
        run, stop = curve.run, stops.get(curve.run)
        decided = last.get(run)
        rows.append(
            {"run": run, "label": labels[run]}
            | _fate(report, curve, stop, stages)
            | {"reason": decided.reason if decided else "", "best": run == report.best, "tied": run in report.tied}
            | {"score": scores.get(run, decided.score if decided else math.nan)}
            | _prediction(predictions.get(run), report.final.get(run, math.nan))
            | {"final": report.final.get(run, math.nan), "cooled": report.cooled.get(run, math.nan)}
        )
    table, by = _ordered(pd.DataFrame(rows))
    outcomes = (*FIXED, *dict.fromkeys(stages[at] for at in sorted(stages)))
    return TunedRuns(table, outcomes, tuple(names), by)


def decision_places(report: TuningReport) -> list[float]:
    """The shares of the budget at which decisions fell, rising."""
    return sorted({decision.at for decision in report.decisions})


def _last(decisions: Sequence[Decision], action: str | None = None) -> dict[str, Decision]:
    return {decision.run: decision for decision in decisions if action in (None, decision.action)}


def _stages(shares: Sequence[float]) -> dict[float, str]:
    """Share of the budget -> the stage it belongs to; a few neighbours share one where there are many."""
    distinct = sorted(set(shares))
    groups = [group.tolist() for group in np.array_split(np.array(distinct), MOST_STAGES) if len(group)]
    if len(distinct) <= MOST_STAGES:
        groups = [[at] for at in distinct]
    stages: dict[float, str] = {}
    for group in groups:
        ends = f"{100 * group[0]:.2g} to {percent(group[-1])}" if len(group) > 1 else percent(group[0])
        stages |= dict.fromkeys(group, f"stopped at {ends}")
    return stages


def _fate(
    report: TuningReport, curve: Curve, stop: Decision | None, stages: Mapping[float, str]
) -> dict[str, str | float]:
    """What became of a run: outcome, where it was stopped, and how far it was trained."""
    reach = report.total_epochs
    if stop is not None and curve.run not in report.calibration_runs:
        reach = stop.at * report.total_epochs
    diverged = curve.diverged_at
    stopped_at = math.nan if stop is None else stop.at
    if diverged is not None and diverged <= reach:
        return {"outcome": DIVERGED, "stopped_at": stopped_at, "trained": diverged}
    trained = min(reach, curve.seen)
    if stop is None:
        return {"outcome": KEPT, "stopped_at": stopped_at, "trained": trained}
    outcome = CALIBRATION if curve.run in report.calibration_runs else stages[stop.at]
    return {"outcome": outcome, "stopped_at": stopped_at, "trained": trained}


def _prediction(prediction: Prediction | None, final: float) -> dict[str, float | bool | str]:
    if prediction is None:
        none = dict.fromkeys(("predicted", "low", "high", "jackknife_low", "jackknife_high"), math.nan)
        return {**none, "extrapolated": False, "role": ""}
    role = IN_LINE if prediction.calibrated_on else HELD_OUT if math.isfinite(final) else ""
    return {
        "predicted": prediction.predicted,
        "low": prediction.student[0],
        "high": prediction.student[1],
        "jackknife_low": prediction.jackknife[0],
        "jackknife_high": prediction.jackknife[1],
        "extrapolated": prediction.extrapolated,
        "role": role,
    }


def _ordered(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The table with the best run first, its places, and what they rest on."""
    alive = table["outcome"] != DIVERGED
    value = table["final"].where(table["final"].notna(), table["predicted"])
    if value[alive].notna().all():
        predicted = bool(table["final"][alive].isna().any())
        by = "final loss, predicted where a run was stopped" if predicted else "final loss"
    else:
        value, by = table["score"], "how far they were trained, then by score"
    # Without predictions, the final losses and the scores of stopped runs are not on one scale.
    later = -table["trained"] if by.startswith("how") else 0.0
    order = table.assign(_diverged=~alive, _later=later, _value=value, _lasted=-table["trained"])
    order.loc[~alive, "_value"] = math.inf
    ordered = order.sort_values(["_diverged", "_later", "_value", "_lasted"], kind="stable").reset_index(drop=True)
    place = np.where(ordered["_diverged"], math.nan, np.arange(1, len(ordered) + 1))
    kept: pd.DataFrame = ordered.drop(columns=["_diverged", "_later", "_value", "_lasted"]).assign(place=place)
    return kept, by
