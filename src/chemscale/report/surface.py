"""The fitted surface L(N, D): its iso-loss lines, the measured cells, and the compute-optimal path through it."""

import altair as alt
import numpy as np
import pandas as pd

from chemscale.base.errors import FitError
from chemscale.report.axes import padded
from chemscale.report.budgets import SIX_ND_BUDGETS, Budgets
from chemscale.report.contours import level_lines
from chemscale.report.law_theme import law_config
from chemscale.report.law_titles import LawTitles, law_titles
from chemscale.report.panels import Panel
from chemscale.report.size_axes import (
    held_inputs,
    held_words,
    loss_color,
    round_levels,
    size_axes,
    size_tooltips,
)
from chemscale.report.valleys import budget_label, budget_scale, budget_words
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.cost import SixND
from chemscale.scaling.planning.frontier import Frontier, frontier

_GRID = 70
_LEVELS = 9
_PATH_POINTS = 40
_LABEL_GAP = 0.035  # of the axis, between labels beside the figure
_BAND = ("parameters_low", "parameters_high", "data_low", "data_high")

Shown = tuple[tuple[float, float], tuple[float, float]]


def surface_panel(
    fit: LawFit,
    path: pd.DataFrame | None = None,
    titles: LawTitles | None = None,
    budgets: Budgets = SIX_ND_BUDGETS,
) -> Panel:
    """The surface chart with its caption; as `surface_chart`, but with `optimal_path` where no path is given."""
    if path is None:
        path = pd.DataFrame() if budgets.refused else optimal_path(fit, budgets.spent)
    caption = "Lines: equal fitted loss. Points: measured cells, in the same colours."
    if len(fit.law.inputs) > 2:
        caption += f" Both with {held_words(fit)}."
    if not len(path) and budgets.refused:
        caption += f" Without the best splits of budgets and isoFLOP valleys: {budgets.refused}."
    if len(path) and not _visible(fit, path):
        caption += " The best splits of these budgets lie outside of the figure."
    elif len(path):
        band = f" with its {100 * fit.level:g} % band" if set(_BAND) <= set(path.columns) else ""
        budget = budget_words(budgets.spent is not None)
        caption += f" Thick line{band}: best split of a budget {budget} (marks: powers of ten)."
        if any(not fit.intervals[name][0] > 0 for name in fit.law.exponents):
            caption += " It has no band: an exponent may be zero, and the split anything."
    return Panel("loss_surface", "Loss surface", caption, surface_chart(fit, path, titles))


def surface_chart(fit: LawFit, path: pd.DataFrame | None = None, titles: LawTitles | None = None) -> alt.LayerChart:
    """Iso-loss lines over model size and data size, log-log, with the measured cells in the colour of their loss.

    Args:
        fit: of a law of model size and data size; of further inputs only the values that most cells have are drawn.
        path: the best split of budgets, one row per budget in ascending order: `budget`, `parameters`, `data`, and
            where known the ends of the interval of each: `parameters_low`, `parameters_high`, `data_low`, `data_high`.
            None draws none; see `optimal_path`.
        titles: of the axes.

    Raises:
        FitError: the law has one input.
    """
    if len(fit.law.inputs) < 2:
        raise FitError(f"a surface needs a law of model size and data size, got {fit.name!r}")
    titles = titles or law_titles(fit)
    cells = _cells(fit)
    shown: Shown = (_shown(fit, 0), _shown(fit, 1))
    axes = size_axes(titles, shown)
    domain = (float(fit.cells.loss.min()), float(fit.cells.loss.max()))
    layers = _iso_layers(fit, shown, axes, loss_color(domain, titles.loss, legend=False))
    if path is not None and len(path):
        layers += _path_layers(path, shown, axes)
    points = alt.Chart(cells).mark_point(filled=True, shape="circle", size=60, opacity=1)
    points = points.encode(**axes, color=loss_color(domain, titles.loss, legend=False), tooltip=size_tooltips(titles))
    layers.insert(1, points)
    return alt.layer(*layers).properties(width=520, height=380).configure(**law_config(1))


def frontier_frame(found: Frontier) -> pd.DataFrame:
    """A frontier as `surface_chart` takes it."""
    rows = [
        {
            "budget": point.budget,
            "parameters": point.parameters.value,
            "parameters_low": point.parameters.low,
            "parameters_high": point.parameters.high,
            "data": point.data.value,
            "data_low": point.data.low,
            "data_high": point.data.high,
        }
        for point in found.points
    ]
    return pd.DataFrame(rows)


def optimal_path(fit: LawFit, compute: np.ndarray | None = None) -> pd.DataFrame:
    """The best split of every budget that the cells span, as `surface_chart` takes it.

    Without a band where an exponent's interval reaches zero, so that the split may be anything; empty where the law has
    no best split at all.

    Args:
        fit: of a law of model size and data size.
        compute: of every run or cell; None takes 6 N D.
    """
    if len(fit.law.inputs) != 2:
        return pd.DataFrame(columns=["budget", "parameters", "data"])
    scale, spent = budget_scale(fit, compute)
    budgets = np.geomspace(spent.min(), spent.max(), _PATH_POINTS)
    try:
        return frontier_frame(frontier(fit, SixND(scale.factor), budgets))
    except FitError:
        sizes = np.array([scale.best_size(budget) for budget in budgets])
    frame = pd.DataFrame({"budget": budgets, "parameters": sizes, "data": budgets / (scale.factor * sizes)})
    return frame[np.isfinite(frame["parameters"])]


def _cells(fit: LawFit) -> pd.DataFrame:
    cells = fit.cells
    frame = {"x": cells.values[:, 0], "y": cells.values[:, 1], "loss": cells.loss, "n_seeds": cells.n_seeds}
    return pd.DataFrame(frame | {"fitted": fit.predict(*cells.values.T)})[held_inputs(fit)[0]]


def _shown(fit: LawFit, column: int) -> tuple[float, float]:
    values = fit.cells.values[:, column]
    return padded(float(values.min()), float(values.max()), 0.08)


def _slice(fit: LawFit, size: np.ndarray, data: np.ndarray) -> np.ndarray:
    """The law over model size and data size, all other inputs as most cells have them."""
    return fit.predict(size, data, *held_inputs(fit)[1])


def _visible(fit: LawFit, path: pd.DataFrame) -> bool:
    """Whether any part of the path lies where the cells are."""
    inside = [path[name].between(*_shown(fit, column)) for column, name in enumerate(("parameters", "data"))]
    return bool((inside[0] & inside[1]).any())


def _iso_layers(fit: LawFit, shown: Shown, axes: dict[str, alt.X | alt.Y], color: alt.Color) -> list[alt.Chart]:
    logs = [np.linspace(np.log(low), np.log(high), _GRID) for low, high in shown]
    size, data = np.meshgrid(np.exp(logs[0]), np.exp(logs[1]), indexing="ij")
    heights = np.log(_slice(fit, size.reshape(-1), data.reshape(-1))).reshape(_GRID, _GRID)
    levels = round_levels(np.exp(np.diagonal(heights)[:: _GRID // _LEVELS][1:]))
    lines, labels = [], []
    for level in levels:
        for number, line in enumerate(level_lines(logs[0], logs[1], heights, float(np.log(level)))):
            place = np.exp(line)
            lines.append(pd.DataFrame({"x": place[:, 0], "y": place[:, 1], "loss": level, "line": f"{level}-{number}"}))
            labels.append(_label_place(place, shown[0][1]) | {"text": f"{level:g}"})
    if not lines:
        return []
    frame = pd.concat(lines, ignore_index=True).assign(order=lambda table: np.arange(len(table)))
    drawn = alt.Chart(frame).mark_line(strokeWidth=1.3, opacity=0.85)
    text = alt.Chart(_readable(pd.DataFrame(labels), shown[1])).encode(**axes, text="text:N")
    at_edge, inside = text.transform_filter("datum.at_edge"), text.transform_filter("!datum.at_edge")
    return [
        drawn.encode(**axes, color=color, detail="line:N", order="order:Q"),
        at_edge.mark_text(style="note", align="left", dx=4, baseline="middle"),
        inside.mark_text(style="halo"),
        inside.mark_text(style="note"),
    ]


def _readable(labels: pd.DataFrame, shown: tuple[float, float]) -> pd.DataFrame:
    """Without the labels beside the figure that would lie on each other."""
    gap, last = _LABEL_GAP * np.log(shown[1] / shown[0]), -np.inf
    beside = labels[labels["at_edge"]].sort_values("y")
    kept = []
    for place in np.log(beside["y"].to_numpy(float)):
        kept.append(place - last >= gap)
        last = place if kept[-1] else last
    return pd.concat([beside[np.array(kept, bool)], labels[~labels["at_edge"]]])


def _label_place(line: np.ndarray, right_edge: float) -> dict[str, float | bool]:
    """Beside the figure where the line leaves it to the right, else on the line near its upper end."""
    right = line[line[:, 0].argmax()]
    if right[0] > right_edge / 1.001:
        return {"x": float(right[0]), "y": float(right[1]), "at_edge": True}
    upper = line if line[0, 1] >= line[-1, 1] else line[::-1]
    inside = upper[len(upper) // 3]
    return {"x": float(inside[0]), "y": float(inside[1]), "at_edge": False}


def _path_layers(path: pd.DataFrame, shown: Shown, axes: dict[str, alt.X | alt.Y]) -> list[alt.Chart]:
    path = path.rename(columns={"parameters": "x", "data": "y"}).sort_values("budget")
    layers = []
    if set(_BAND) <= set(path.columns):
        # At a given budget a larger model goes with fewer data: the low end of one is the high end of the other.
        low = path[["parameters_low", "data_high"]].to_numpy()
        high = path[["parameters_high", "data_low"]].to_numpy()[::-1]
        outline = np.concatenate([low, high])
        band = pd.DataFrame(outline, columns=["x", "y"]).assign(order=range(len(outline)))
        mark = alt.Chart(band).mark_line(style="frontier_band", filled=True, interpolate="linear-closed", clip=True)
        layers.append(mark.encode(**axes, order="order:Q"))
    line = alt.Chart(path).mark_line(style="frontier", clip=True)
    layers.append(line.encode(**axes, order="budget:Q"))
    marks = _decades(path, shown)
    if len(marks):
        base = alt.Chart(marks).encode(**axes, tooltip=[alt.Tooltip("text:N", title="budget"), "x:Q", "y:Q"])
        layers.append(base.mark_point(style="frontier_mark", filled=True, shape="diamond", size=70, opacity=1))
        text = base.encode(text="text:N")
        layers.append(text.mark_text(style="halo", strokeWidth=3, align="right", dx=-9, dy=-7))
        layers.append(text.mark_text(style="note", align="right", dx=-9, dy=-7))
    return layers


def _decades(path: pd.DataFrame, shown: Shown) -> pd.DataFrame:
    """Where the path passes powers of ten of the budget, inside of the figure."""
    logs = np.log10(path["budget"].to_numpy(float))
    if len(logs) < 2:
        decades = logs
    else:
        decades = np.arange(np.ceil(logs.min() - 1e-9), np.floor(logs.max() + 1e-9) + 1)
        decades = decades[:: max(1, round(len(decades) / 6))]
    places = {name: np.exp(np.interp(decades, logs, np.log(path[name].to_numpy(float)))) for name in ("x", "y")}
    marks = pd.DataFrame(places).assign(text=[budget_label(10.0**decade) for decade in decades])
    return marks[marks["x"].between(*shown[0]) & marks["y"].between(*shown[1])]
