"""IsoFLOP valleys: loss against model size at one budget each, with the law's own optimum and the parabola's."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from chemscale.base.errors import FitError
from chemscale.report.axes import padded
from chemscale.report.channels import log_x, log_y
from chemscale.report.law_theme import law_config
from chemscale.report.law_titles import LawTitles, law_titles
from chemscale.report.panels import Panel
from chemscale.report.valleys import SIX_ND, BudgetScale, Valley, budget_label, budget_words, find_valleys
from chemscale.scaling.law_fit import LawFit

_LINE_POINTS = 60
_RUN, _DIRECT, _VERTEX = "run", "optimum of the law", "vertex of the parabola"
_KINDS = [_RUN, _DIRECT, _VERTEX]


def isoflop_panel(
    fit: LawFit,
    compute: ArrayLike | None = None,
    levels: Sequence[float] | None = None,
    titles: LawTitles | None = None,
) -> Panel | None:
    """The valleys with a caption that says how far the optima differ; None where no budget has enough runs."""
    valleys, scale = find_valleys(fit, compute, levels)
    if not valleys:
        return None
    chart = _chart(valleys, scale, titles or law_titles(fit))
    return Panel(
        "isoflop_valleys",
        "IsoFLOP valleys",
        valley_caption(valleys, budget_words(compute is not None)),
        chart,
        len(valleys),
    )


def isoflop_chart(
    fit: LawFit,
    compute: ArrayLike | None = None,
    levels: Sequence[float] | None = None,
    titles: LawTitles | None = None,
) -> alt.LayerChart:
    """Loss against model size, one colour per budget.

    Lines are the law, dotted lines the parabolas. A diamond is the law's own minimum, a cross the vertex of a parabola
    in ln N through the runs of that budget.

    Args:
        fit: of a law of model size and data size.
        compute: of every run, or of every cell; None takes 6 N D.
        levels: budgets; None takes those where most runs gather.
        titles: of the axes.

    Raises:
        FitError: a wrong law, or no budget has enough runs.
    """
    panel = isoflop_panel(fit, compute, levels, titles)
    if panel is None:
        raise FitError("no budget has four or more model sizes: give `levels` near which there are such runs")
    return panel.chart


def valley_caption(valleys: Sequence[Valley], budget: str = SIX_ND) -> str:
    """What is drawn, and how far the parabolas' optima lie from the law's.

    Args:
        valleys: those that are drawn.
        budget: what a budget is.
    """
    text = (
        f"Lines: the law at a budget {budget}. Dotted: a parabola in ln N through its runs, moved along the law to "
        "that budget."
    )
    gaps = np.array([valley.difference for valley in valleys if np.isfinite(valley.difference)])
    if not len(gaps):
        return f"{text} No parabola has its vertex among its runs."
    percent = 100 * np.expm1(gaps)
    ends = f"{_percent(percent.min())} to {_percent(percent.max())} off, " if len(gaps) > 1 else ""
    middle = (
        f"median {_percent(np.median(percent))} over {len(gaps)} budgets" if len(gaps) > 1 else _percent(percent[0])
    )
    return f"{text} The parabola's best model size against the law's: {ends}{middle}."


def _percent(value: float) -> str:
    return f"{round(float(value)):+d} %".replace("-", "−")


def _chart(valleys: Sequence[Valley], scale: BudgetScale, titles: LawTitles) -> alt.LayerChart:
    labels = _labels(valleys)
    marks, lines = _mark_frame(valleys, labels), _line_frame(valleys, scale, labels)
    shown = padded(float(marks["x"].min()), float(marks["x"].max()), 0.1)
    losses = padded(float(marks["loss"].min()), float(marks["loss"].max()), 0.08)
    x, y = log_x("x", titles.inputs[0], shown), log_y("loss", titles.loss, losses)
    color = alt.Color("label:O", sort=labels, scale=alt.Scale(domain=labels, range="ordinal"), legend=None)
    dashes = alt.Scale(domain=["law", "parabola"], range=[[1, 0], [2, 3]])
    drawn = (
        alt.Chart(lines)
        .mark_line(clip=True, strokeWidth=1.8, opacity=0.85)
        .encode(
            x=x,
            y=y,
            color=color,
            detail="line:N",
            strokeDash=alt.StrokeDash("of:N", scale=dashes, legend=None),
        )
    )
    shapes = alt.Scale(domain=_KINDS, range=["circle", "diamond", "cross"])
    legend = alt.Legend(title=None, orient="bottom", direction="horizontal")
    points = alt.Chart(marks).encode(
        x=x,
        y=y,
        color=color,
        shape=alt.Shape("kind:N", scale=shapes, legend=legend),
        tooltip=[
            alt.Tooltip("label:N", title="budget"),
            alt.Tooltip("x:Q", title=titles.inputs[0], format=",.4~r"),
            alt.Tooltip("loss:Q", title=titles.loss, format=".4f"),
            alt.Tooltip("kind:N", title="point"),
        ],
    )
    runs = points.transform_filter(f"datum.kind === '{_RUN}'").mark_point(filled=True, size=38, opacity=0.6)
    optima = [
        points.transform_filter(f"datum.kind === '{kind}'").mark_point(
            filled=True, size=size, opacity=1, style="outlined"
        )
        for kind, size in ((_DIRECT, 150), (_VERTEX, 75))
    ]
    names = alt.Chart(_name_frame(lines, labels)).mark_text(style="note", align="left", dx=5)
    named = names.encode(x=x, y=y, text="text:N")
    return alt.layer(drawn, runs, *optima, named).properties(width=520, height=380).configure(**law_config(len(labels)))


def _name_frame(lines: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """The budget at the right end of its curve; C = is said once."""
    ends = lines[lines["of"] == "law"].groupby("label", sort=False).last().reset_index()
    return ends.assign(text=[f"C = {label}" if label == labels[-1] else label for label in ends["label"]])


def _labels(valleys: Sequence[Valley]) -> list[str]:
    """Budgets with two digits; more only where two would not tell them apart."""
    for digits in range(2, 8):
        labels = [budget_label(valley.budget, digits) for valley in valleys]
        if len(set(labels)) == len(labels):
            break
    return labels


def _mark_frame(valleys: Sequence[Valley], labels: Sequence[str]) -> pd.DataFrame:
    """Runs and optima: x, loss, kind, label."""
    frames = []
    for valley, label in zip(valleys, labels, strict=True):
        x = np.array([*valley.size, valley.best, valley.vertex])
        at_vertex = np.polyval(valley.curve, np.log(valley.vertex))
        loss = np.array([*valley.loss, valley.best_loss, at_vertex])
        kinds = [_RUN] * len(valley.size) + [_DIRECT, _VERTEX]
        frames.append(pd.DataFrame({"x": x, "loss": loss, "kind": kinds}).assign(label=label))
    return pd.concat(frames, ignore_index=True).dropna()


def _line_frame(valleys: Sequence[Valley], scale: BudgetScale, labels: Sequence[str]) -> pd.DataFrame:
    """The law and the parabola over the runs and both optima: x, loss, of, label, line."""
    frames = []
    for valley, label in zip(valleys, labels, strict=True):
        places = [*valley.size, valley.best, valley.vertex]
        grid = np.geomspace(np.nanmin(places) / 1.2, np.nanmax(places) * 1.2, _LINE_POINTS)
        curves = {"law": scale.loss_at(grid, valley.budget), "parabola": np.polyval(valley.curve, np.log(grid))}
        for of, loss in curves.items():
            frame = pd.DataFrame({"x": grid, "loss": loss}).assign(of=of, label=label, line=f"{label} {of}")
            frames.append(frame[(frame["loss"] > 0) & np.isfinite(frame["loss"])])
    return pd.concat(frames, ignore_index=True)
