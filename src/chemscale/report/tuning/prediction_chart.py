"""Predictions of the line of Eq. 8 (frey2023): against true final losses, and all of them with their intervals."""

import altair as alt
import numpy as np
import pandas as pd

from chemscale.report.panels import Panel
from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.decision_curves import outcome_color
from chemscale.report.tuning.labels import percent
from chemscale.report.tuning.runs import HELD_OUT, IN_LINE, TunedRuns
from chemscale.report.tuning.theme import tuning_config
from chemscale.tpe.ranking import best_part, rho_in_best, spearman_rho

MOST_ROWS = 40
_FEWEST_TO_ZOOM = 15  # runs of which a third is still a picture
_REACH = 0.6  # intervals may leave the losses' own range by this share of it before they are cut


def prediction_panels(report: TuningReport, runs: TunedRuns) -> list[Panel]:
    """Predicted against true (all runs, then the truly best third), and the forest of predictions; what there is."""
    if report.estimate is None or not report.estimate.predictions:
        return []
    table = runs.table[runs.table["predicted"].notna()]
    known = table[np.isfinite(table["final"])]
    panels = []
    if len(known) >= 3:
        title = "Predicted against true final loss"
        panels.append(_scatter("predicted_against_true", title, quality_text(report, runs), known, report, runs))
    if len(known) >= _FEWEST_TO_ZOOM:
        best = known.iloc[best_part(known["final"].to_numpy())]
        caption = f"The same, of the {len(best)} runs with the lowest final losses, among which the choice is made."
        panels.append(_scatter("predicted_best_third", "The best third alone", caption, best, report, runs))
    panels.append(_forest(table, report, runs))
    return panels


def quality_text(report: TuningReport, runs: TunedRuns) -> str:
    """How good the estimate was on runs whose end is known: rho, R2 and how many intervals held, in words."""
    known = runs.table[runs.table["final"].notna() & runs.table["score"].notna()]
    scores, final = known["score"].to_numpy(), known["final"].to_numpy()
    parts = []
    if len(known) >= 3:
        rho, best = spearman_rho(scores, final), rho_in_best(scores, final)
        parts.append(f"Spearman's ρ = {rho:.2f} over all {len(known)} runs, {best:.2f} inside the best third.")
    parts.append(_coverage(report, runs))
    return " ".join(part for part in parts if part)


def _coverage(report: TuningReport, runs: TunedRuns) -> str:
    """How many of the held-out runs lie in their intervals."""
    table = runs.table
    apart = table[table["role"] == HELD_OUT]
    if not len(apart):
        return "Every run here is one that the line was fitted to, so this is no test of it."
    parts = []
    assert report.estimate is not None  # without it no run has a prediction
    one = report.estimate.predictions[0]
    for name, level, ends in (
        ("Student t", one.student_level, ("low", "high")),
        ("jackknife+", one.jackknife_level, ("jackknife_low", "jackknife_high")),
    ):
        inside = int(apart["final"].between(apart[ends[0]], apart[ends[1]]).sum())
        parts.append(f"{inside} of {len(apart)} in their {percent(level)} {name} intervals")
    return f"Held out of the line: {', '.join(parts)}."


def _scatter(name: str, title: str, caption: str, known: pd.DataFrame, report: TuningReport, runs: TunedRuns) -> Panel:
    true, shown = _ranges(known)
    if known["low"].min() < shown[0] or known["high"].max() > shown[1]:
        caption += " Intervals that leave the picture are cut."
    x = alt.X("final:Q", title=f"true {report.loss_title}", scale=alt.Scale(domain=true, nice=False, zero=False))
    x = x.axis(alt.Axis(grid=False, tickCount=6, format="~r"))
    vertical = {
        "title": f"predicted {report.loss_title}",
        "scale": alt.Scale(domain=shown, nice=False, zero=False),
        "axis": alt.Axis(tickCount=6, format="~r", domain=False, ticks=False),
    }
    legend = alt.Legend(title=None, orient="bottom", direction="horizontal")
    roles = [role for role in (HELD_OUT, IN_LINE) if (known["role"] == role).any()]
    shape = alt.Shape(
        "role:N", scale=alt.Scale(domain=roles, range=["circle", "diamond"][-len(roles) :]), legend=legend
    )
    if roles == [HELD_OUT]:
        shape = shape.scale(alt.Scale(domain=roles, range=["circle"]))
    line = pd.DataFrame({"final": list(true), "predicted": list(true)})
    base = alt.Chart(known).encode(x=x, color=outcome_color(runs, known))
    points = base.encode(y=alt.Y("predicted:Q", **vertical), shape=shape, tooltip=_tooltip())
    layers = [
        alt.Chart(line).mark_line(style="guide", clip=True).encode(x=x, y=alt.Y("predicted:Q", **vertical)),
        *_bars(base, "y", vertical),
        points.transform_filter(f"datum.role === '{HELD_OUT}'").mark_point(filled=True, size=70, opacity=1, clip=True),
        points.transform_filter(f"datum.role !== '{HELD_OUT}'").mark_point(
            size=75, strokeWidth=2, opacity=1, clip=True
        ),
    ]
    chart = alt.layer(*layers).properties(width=520, height=360).configure(**tuning_config(len(runs.outcomes)))
    return Panel(name, title, caption, chart, len(runs.outcomes))


def _bars(base: alt.Chart, channel: str, place: dict[str, object]) -> list[alt.Chart]:
    """Two intervals per run: jackknife+ wide and pale, Student t thin."""
    kind = alt.Y if channel == "y" else alt.X
    wide = {channel: kind("jackknife_low:Q", **place), f"{channel}2": "jackknife_high:Q"}
    thin = {channel: kind("low:Q", **place), f"{channel}2": "high:Q"}
    return [
        base.mark_rule(strokeWidth=6, opacity=0.25, clip=True).encode(**wide),
        base.mark_rule(strokeWidth=1.3, opacity=0.8, clip=True).encode(**thin),
    ]


def _ranges(known: pd.DataFrame) -> tuple[tuple[float, float], tuple[float, float]]:
    """The axis of true losses, and that of predictions, with intervals as far as these do not squeeze the points."""
    low, high = float(known["final"].min()), float(known["final"].max())
    span = max(high - low, 1e-3 * abs(high), 1e-9)
    true = (low - 0.06 * span, high + 0.06 * span)
    points = [true[0], true[1], *known["predicted"]]
    first, last = min(points), max(points)
    ends = known[["low", "high", "jackknife_low", "jackknife_high"]]
    reach = _REACH * (last - first)
    bottom = max(first - reach, float(ends.min().min()) - 0.03 * span)
    top = min(last + reach, float(ends.max().max()) + 0.03 * span)
    return true, (min(first, bottom), max(last, top))


def _forest(table: pd.DataFrame, report: TuningReport, runs: TunedRuns) -> Panel:
    """All predictions, the lowest on top, with the true loss where it is known."""
    frame = table.sort_values("predicted", kind="stable").head(MOST_ROWS)
    values = pd.concat([frame["predicted"], frame["final"][np.isfinite(frame["final"])]])
    span = max(float(values.max() - values.min()), 1e-9)
    ends = frame[["low", "high", "jackknife_low", "jackknife_high"]]
    shown = (
        max(float(values.min()) - _REACH * span, float(min(ends.min().min(), values.min())) - 0.02 * span),
        min(float(values.max()) + _REACH * span, float(max(ends.max().max(), values.max())) + 0.02 * span),
    )
    place = {
        "title": report.loss_title,
        "scale": alt.Scale(domain=shown, nice=False, zero=False),
        "axis": alt.Axis(tickCount=6, format="~r"),
    }
    axis = alt.Axis(grid=False, ticks=False, domain=False, labelLimit=230, labelOverlap=False, labelFontSize=11)
    rows = alt.Y("label:N", sort=list(frame["label"]), title=None, axis=axis)
    base = alt.Chart(frame).encode(y=rows, color=outcome_color(runs, frame), tooltip=_tooltip())
    marks = base.encode(x=alt.X("predicted:Q", **place))
    true = alt.Chart(frame[np.isfinite(frame["final"])]).mark_tick(style="true_value", clip=True, height=11)
    layers = [
        *_bars(base, "x", place),
        marks.transform_filter(f"datum.role !== '{IN_LINE}'").mark_point(filled=True, size=60, opacity=1, clip=True),
        marks.transform_filter(f"datum.role === '{IN_LINE}'").mark_point(
            shape="diamond", size=70, strokeWidth=2, opacity=1, clip=True
        ),
        true.encode(x=alt.X("final:Q", **place), y=rows, tooltip=_tooltip()),
    ]
    chart = alt.layer(*layers).properties(width=520, height=max(16 * len(frame), 60))
    chart = chart.configure(**tuning_config(len(runs.outcomes)))
    caption = _forest_caption(report, len(table))
    return Panel("predictions", "Predicted final losses", caption, chart, len(runs.outcomes))


def _forest_caption(report: TuningReport, n_runs: int) -> str:
    assert report.estimate is not None  # without it there is no prediction
    one = report.estimate.predictions[0]
    parts = [
        f"Thin: {percent(one.student_level)} Student t. Wide: {percent(one.jackknife_level)} jackknife+, the level "
        "attained. Diamond: a run that the line was fitted to. Tick: the true final loss."
    ]
    if n_runs > MOST_ROWS:
        parts.append(f"The lowest {MOST_ROWS} of {n_runs}.")
    return " ".join(parts)


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title="run"),
        alt.Tooltip("outcome:N"),
        alt.Tooltip("role:N", title="its end is"),
        alt.Tooltip("score:Q", format=".4f"),
        alt.Tooltip("predicted:Q", format=".4f"),
        alt.Tooltip("low:Q", title="from (Student t)", format=".4f"),
        alt.Tooltip("high:Q", title="to", format=".4f"),
        alt.Tooltip("final:Q", title="true", format=".4f"),
    ]
