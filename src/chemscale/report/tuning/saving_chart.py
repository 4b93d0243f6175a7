"""Saving against regret: one point per policy and share of the budget, on runs whose ends are known."""

import math
from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from chemscale.report.panels import Panel
from chemscale.report.tuning.labels import percent
from chemscale.report.tuning.policy_points import BASELINE, PolicyPoint
from chemscale.report.tuning.theme import tuning_config

_MOST_FAMILIES = 6  # colours of the theme
_TEXT_APART = 5.0  # percent of the compute
_CAPTION = "Means over resampled configurations."


def saving_panels(points: Sequence[PolicyPoint], tie: float = 0.0) -> list[Panel]:
    """Expected regret, and the probability that the best run or a tie of it was kept, both against compute saved.

    Args:
        points: policies, at one or more shares of the budget.
        tie: final losses that differ by at most this are tied within seed noise; 0 draws no line for it.
    """
    frame = _frame(points)
    if frame.empty:
        return []
    n_resamples = points[0].row.expected.n_resamples
    joined = (
        "Points of one policy are joined, by the share of the budget at its first decision." if _lines(frame) else ""
    )
    caption = f"{_CAPTION} {joined} Good is low and to the right."
    kept = f"Of {n_resamples} resamplings of the configurations. Good is high and to the right."
    return [
        _panel("saving_against_regret", "Saving against regret", caption, frame, ("regret", "expected regret"), tie),
        _panel("saving_against_kept", "How often the best was kept", kept, frame, ("kept", "best or its tie kept (%)")),
    ]


def _frame(points: Sequence[PolicyPoint]) -> pd.DataFrame:
    frame = pd.DataFrame(
        [
            {
                "family": point.family,
                "share": point.share,
                "shown": percent(point.share) if point.share else "",
                "saved": 100 * point.row.expected.saved,
                "regret": point.row.expected.regret,
                "kept": 100 * point.row.expected.p_tie_kept,
                "regret_here": point.row.regret,
                "saved_here": 100 * point.row.saved,
                "line": "baseline" if point.family == BASELINE else "policy",
            }
            for point in points
        ],
        columns=["family", "share", "shown", "saved", "regret", "kept", "regret_here", "saved_here", "line"],
    )
    kept: pd.DataFrame = frame[np.isfinite(frame["saved"].astype(float))]
    return kept


def _lines(frame: pd.DataFrame) -> bool:
    """Whether a family has more than one point."""
    return bool(frame["family"].duplicated().any())


def _panel(
    name: str, title: str, caption: str, frame: pd.DataFrame, shown_as: tuple[str, str], tie: float = 0.0
) -> Panel:
    value, y_title = shown_as
    shown = frame[np.isfinite(frame[value])]
    families = list(dict.fromkeys(shown["family"]))
    joined = _lines(shown)
    x = alt.X(
        "saved:Q",
        title="compute saved (%)",
        scale=alt.Scale(domain=(10 * math.floor(shown["saved"].min() / 10), 100), nice=False, zero=False),
        axis=alt.Axis(tickCount=6, grid=False),
    )
    top = 104 if value == "kept" else max(1.08 * float(shown[value].max()), 1.25 * tie, 1e-9)
    scale = alt.Scale(domain=(-0.02 * top, top), nice=False)
    axis = alt.Axis(format="~r", tickCount=6, domain=False, ticks=False)
    y = alt.Y(f"{value}:Q", title=y_title, scale=scale, axis=axis)
    base = alt.Chart(shown).encode(x=x, y=y, tooltip=_tooltip())
    layers = _noise_layers(tie, x, y) if tie > 0 else []
    if joined and len(families) <= _MOST_FAMILIES:
        legend = alt.Legend(title=None, orient="top", direction="horizontal", columns=3, symbolType="circle")
        color = alt.Color("family:N", scale=alt.Scale(domain=families, range="category"), legend=legend)
        dashes = alt.Scale(domain=["policy", "baseline"], range=[[1, 0], [5, 4]])
        layers += [
            base.mark_line(strokeWidth=1.8, opacity=0.8).encode(
                color=color, order="share:Q", strokeDash=alt.StrokeDash("line:N", scale=dashes, legend=None)
            ),
            base.mark_point(filled=True, size=60, opacity=1).encode(color=color),
        ]
    else:
        words = base.mark_text(style="note", align="left", dx=8).encode(text="family:N")
        layers += [base.mark_point(style="dot", filled=True, size=70, opacity=1), words]
    if joined:
        named = alt.Chart(_apart(shown)).mark_text(style="note", dy=-10)
        layers.append(named.encode(x=x, y=y, text="shown:N"))
    chart = alt.layer(*layers).properties(width=520, height=340).configure(**tuning_config(3))
    return Panel(name, title, caption, chart, 3)


def _noise_layers(tie: float, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Below this line, a regret is no more than two seeds of one configuration differ by."""
    frame = pd.DataFrame({"regret": [tie], "saved": [100.0], "text": ["seed noise"]})
    words = alt.Chart(frame).mark_text(style="note", align="right", baseline="bottom", dx=-2, dy=-2)
    return [alt.Chart(frame).mark_rule(style="limit").encode(y=y), words.encode(x=x, y=y, text="text:N")]


def _apart(shown: pd.DataFrame) -> pd.DataFrame:
    """Points of the baseline that are far enough from each other to have their share written at them."""
    baseline = shown[shown["line"] == "baseline"].sort_values("saved")
    rows: list[int] = []
    places = baseline["saved"].tolist()
    for row, saved in enumerate(places):
        if not rows or saved - places[rows[-1]] >= _TEXT_APART:
            rows.append(row)
    return baseline.iloc[rows]


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("family:N", title="policy"),
        alt.Tooltip("shown:N", title="first decision"),
        alt.Tooltip("saved:Q", title="saved (%)", format=".1f"),
        alt.Tooltip("regret:Q", title="expected regret", format=".4f"),
        alt.Tooltip("kept:Q", title="best or tie kept (%)", format=".0f"),
        alt.Tooltip("saved_here:Q", title="saved on these runs (%)", format=".1f"),
        alt.Tooltip("regret_here:Q", title="regret on these runs", format=".4f"),
    ]
