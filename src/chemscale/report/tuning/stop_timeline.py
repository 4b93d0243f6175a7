"""Timeline of a tuning: one bar per run until where it was trained, the best run on top."""

import altair as alt
import pandas as pd

from chemscale.report.panels import Panel
from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.decision_curves import outcome_color
from chemscale.report.tuning.labels import DOT, percent, plain_setting
from chemscale.report.tuning.runs import TunedRuns, decision_places
from chemscale.report.tuning.theme import tuning_config

MOST_ROWS = 80
_LABELLED = 48  # rows; with more, a row is too low for its text
_MOST_GUIDES = 4


def stop_timeline(report: TuningReport, runs: TunedRuns) -> Panel:
    """One bar per run, from the best at the end to the worst, with the reason of the last decision on hover."""
    table = runs.table.head(MOST_ROWS)
    frame = table.assign(start=0.0, end=report.total_epochs, share=table["trained"] / report.total_epochs)
    frame["mark"] = [
        "best" if best else "tied" if tied else "" for best, tied in zip(table["best"], table["tied"], strict=True)
    ]
    step = 17 if len(frame) <= _LABELLED else 8
    rows = _rows(frame, runs)
    scale = alt.Scale(domain=(0, report.total_epochs), nice=False)
    axis = alt.Axis(grid=False, tickCount=8)
    title = f"epochs, of {report.total_epochs:g}"
    base = alt.Chart(frame).encode(y=rows, tooltip=_tooltip(runs))
    ends = base.encode(x=alt.X("start:Q", scale=scale, title=title, axis=axis))
    layers: list[alt.Chart] = [
        ends.mark_bar(style="band", cornerRadius=2).encode(x2="end:Q"),
        ends.mark_bar(cornerRadius=2).encode(x2="trained:Q", color=outcome_color(runs, frame)),
        *_guides(report, scale),
    ]
    marked = frame[frame["mark"] != ""]
    if len(marked) and len(frame) <= _LABELLED:
        words = alt.Chart(marked).mark_text(style="on_bar", align="right", dx=-5)
        layers.append(words.encode(x=alt.X("trained:Q", scale=scale), y=rows, text="mark:N"))
    chart = alt.layer(*layers).properties(width=520, height=max(step * len(frame), 60))
    chart = chart.configure(**tuning_config(len(runs.outcomes)))
    return Panel("stop_timeline", "Who was stopped when", _caption(report, runs), chart, len(runs.outcomes))


def _rows(frame: pd.DataFrame, runs: TunedRuns) -> alt.Y:
    labelled = len(frame) <= _LABELLED
    by_settings = bool(runs.names) and (runs.table["label"] != runs.table["run"]).any()
    title = DOT.join(plain_setting(name) for name in runs.names) if by_settings else "run"
    axis = alt.Axis(
        grid=False, ticks=False, domain=False, labels=labelled, labelLimit=230, labelOverlap=False, labelFontSize=11
    )
    order = list(frame["label"])
    return alt.Y("label:N", sort=order, title=title, axis=axis, scale=alt.Scale(paddingInner=0.22, paddingOuter=0.1))


def _guides(report: TuningReport, scale: alt.Scale) -> list[alt.Chart]:
    places = decision_places(report)
    if not places or len(places) > _MOST_GUIDES:
        return []
    frame = pd.DataFrame({"epoch": [at * report.total_epochs for at in places]})
    return [alt.Chart(frame).mark_rule(style="guide").encode(x=alt.X("epoch:Q", scale=scale))]


def _tooltip(runs: TunedRuns) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title="run"),
        alt.Tooltip("outcome:N"),
        alt.Tooltip("trained:Q", title="epochs trained", format=".4~g"),
        alt.Tooltip("share:Q", title="of the budget", format=".3~p"),
        alt.Tooltip("score:Q", format=".4f"),
        alt.Tooltip("predicted:Q", format=".4f"),
        alt.Tooltip("final:Q", title="final loss", format=".4f"),
        alt.Tooltip("reason:N", title="because"),
    ]


def _caption(report: TuningReport, runs: TunedRuns) -> str:
    places = decision_places(report)
    parts = [f"Coloured: trained. Grey: not spent. Ordered by {runs.by}; diverged runs last."]
    if places and len(places) <= _MOST_GUIDES:
        where = " and ".join(percent(at) for at in places)
        parts.append(f"Dashes: where the policy decided ({where} of the budget).")
    elif places:
        first, last = percent(places[0]), percent(places[-1])
        parts.append(f"The policy decided {len(places)} times, from {first} to {last} of the budget.")
    if len(runs.table) > MOST_ROWS:
        parts.append(f"The first {MOST_ROWS} of {len(runs.table)} runs; the table below has all of them.")
    return " ".join(parts)
