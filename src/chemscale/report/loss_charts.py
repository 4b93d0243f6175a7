"""Loss against one resource on log axes, with the fitted law and its band.

Filled points are in the fit, hollow ones were left out of it. A law is solid in its range and dashed outside of it,
where it is an extrapolation. The band is that of the fitted line at the fit's level. Where the points bend away from
their law, it is a thin dotted guide without a band.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from chemscale.report.axes import ALL_RUNS, group_labels, padded, title_of
from chemscale.report.channels import group_color, group_shape, log_x, log_y
from chemscale.report.theme import chart_config
from chemscale.scaling.groups import GroupFit

_LINE_POINTS = 60
_FEW_BANDS = 6  # more of them, at full strength, would hide each other
_IN_FIT, _LEFT_OUT, _NO_FIT = "in the fit", "left out of the fit", "no fit"


def loss_against_size(
    table: pd.DataFrame,
    fits: Sequence[GroupFit],
    *,
    x: str = "n_parameters",
    loss: str = "validation_loss",
    group: str = "data_points",
    data_unit: str = "molecules",
    loss_unit: str = "nats per token",
    order: Sequence[str] | None = None,
    shown_losses: tuple[float, float] | None = None,
    picked: str = "picked",
) -> alt.LayerChart:
    """Loss against model size, one colour per data size.

    Args:
        table: one row per run, finite losses only.
        fits: laws; those whose resource is `x` and whose group is `group` are drawn.
        x: resource column.
        loss: loss column.
        group: column of the colours; a missing or single-valued one gives one colour.
        data_unit: unit of data sizes in titles.
        loss_unit: unit of the loss in titles.
        order: labels of all groups in the order of their colours, those without a run too; None takes the table's.
        shown_losses: ends of the vertical axis, for charts side by side; None takes those of the points.
        picked: name of the legend's selection; charts of one file need different ones.
    """
    chosen = [fit for fit in fits if fit.x == x and fit.group in (group, None)]
    points = _point_frame(table, chosen, x, loss, group)
    labels = group_labels(points["group"])
    order = list(order or labels.values())
    if ALL_RUNS not in order and any(fit.group is None for fit in chosen):
        order.append(ALL_RUNS)
    titles = (title_of(x, data_unit), title_of(loss, loss_unit=loss_unit), title_of(group, data_unit))
    axes = _axes(points, order, titles, shown_losses)
    selection = alt.selection_point(fields=["label"], bind="legend", name=picked)
    lines = _law_layers(axes, _line_frame(chosen, labels, axes.shown), selection)
    layers = [*lines, *_point_layers(axes, points, selection)]
    return alt.layer(*layers).properties(width=520, height=380).configure(**chart_config(len(order)))


def loss_against_data(
    table: pd.DataFrame,
    fits: Sequence[GroupFit],
    *,
    x: str = "data_points",
    loss: str = "validation_loss",
    group: str = "n_parameters",
    data_unit: str = "molecules",
    loss_unit: str = "nats per token",
    order: Sequence[str] | None = None,
    picked: str = "picked",
) -> alt.LayerChart:
    """Loss against data size, one colour per model size; arguments as in `loss_against_size`."""
    units: dict[str, Any] = {"data_unit": data_unit, "loss_unit": loss_unit}
    return loss_against_size(table, fits, x=x, loss=loss, group=group, order=order, picked=picked, **units)


@dataclass(frozen=True)
class _Axes:
    """The channels of one figure; `y` is asked for by column because the band reads two."""

    shown: tuple[float, float]
    x: alt.X
    y: Callable[[str], alt.Y]
    color: alt.Color
    shape: alt.Shape
    tooltip: list[alt.Tooltip]


def _axes(
    points: pd.DataFrame,
    order: list[str],
    titles: tuple[str, str, str],
    shown_losses: tuple[float, float] | None = None,
) -> _Axes:
    shown = padded(float(points["x"].min()), float(points["x"].max()), 0.1)
    losses = shown_losses or padded(float(points["loss"].min()), float(points["loss"].max()), 0.08)
    return _Axes(
        shown=shown,
        x=log_x("x", titles[0], shown),
        y=lambda column: log_y(column, titles[1], losses),
        color=group_color(order, titles[2]),
        shape=group_shape(order, titles[2]),
        tooltip=[
            alt.Tooltip("x:Q", title=titles[0], format=",.6~r"),
            alt.Tooltip("loss:Q", title=titles[1], format=".4f"),
            alt.Tooltip("label:N", title=titles[2]),
            alt.Tooltip("role:N", title="point"),
        ],
    )


def _point_frame(table: pd.DataFrame, fits: Sequence[GroupFit], x: str, loss: str, group: str) -> pd.DataFrame:
    """Runs and their means over seeds: run, x, loss, group, label, role, kind ("run" or "mean"), n_seeds."""
    names = table["run"].astype(str) if "run" in table else table.index.astype(str)
    groups = table[group] if group in table else pd.Series(ALL_RUNS, index=table.index)
    runs = pd.DataFrame({"run": names, "x": table[x], "loss": table[loss], "group": groups}).astype(
        {"x": float, "loss": float}
    )
    runs = runs[(runs["x"] > 0) & (runs["loss"] > 0) & np.isfinite(runs["x"]) & np.isfinite(runs["loss"])]
    runs["log_loss"] = np.log(runs["loss"])
    means = runs.groupby(["group", "x"], as_index=False).agg(log_loss=("log_loss", "mean"), n_seeds=("run", "size"))
    means = means.assign(run="", loss=np.exp(means["log_loss"]), kind="mean")
    several = runs.merge(means.loc[means["n_seeds"] > 1, ["group", "x", "n_seeds"]], on=["group", "x"])
    points = pd.concat([several.assign(kind="run"), means], ignore_index=True)
    roles = _roles(fits)
    points["role"] = [
        roles.get((None, size), roles.get((value, size), _NO_FIT))
        for value, size in zip(points["group"], points["x"], strict=True)
    ]
    points["label"] = points["group"].map(group_labels(points["group"]))
    kept: pd.DataFrame = points.drop(columns="log_loss")
    return kept


def _roles(fits: Sequence[GroupFit]) -> dict[tuple[Any, float], str]:
    roles: dict[tuple[Any, float], str] = {}
    for fit in fits:
        value = None if fit.group is None else fit.value
        if fit.law is not None:
            roles |= {(value, point.resource): _IN_FIT for point in fit.law.points}
            roles |= {(value, out.point.resource): _LEFT_OUT for out in fit.law.left_out}
    return roles


def _line_frame(fits: Sequence[GroupFit], labels: Mapping[Any, str], x_range: tuple[float, float]) -> pd.DataFrame:
    """Laws on a grid: x, loss, low, high, label, part ("law", "extrapolation", "guide"), piece (one per stroke)."""
    frames = []
    for fit in fits:
        if fit.law is None or (fit.group is not None and fit.value not in labels):
            continue
        low, high = fit.law.range
        pieces = [("law", low, high), ("extrapolation", high, x_range[1]), ("extrapolation", x_range[0], low)]
        if fit.law.verdict == "bent":
            pieces = [("guide", low, high)]
        for number, (part, start, stop) in enumerate(pieces):
            grid = np.geomspace(start, stop, _LINE_POINTS if part != "extrapolation" else _LINE_POINTS // 3)
            band = fit.law.interval(grid)
            label = ALL_RUNS if fit.group is None else labels[fit.value]
            frames.append(
                pd.DataFrame({"x": grid, "loss": fit.law.predict(grid), "low": band[0], "high": band[1]}).assign(
                    label=label, part=part, piece=f"{label}-{number}"
                )
            )
    columns = ["x", "loss", "low", "high", "label", "part", "piece"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _law_layers(axes: _Axes, lines: pd.DataFrame, chosen: alt.Parameter) -> list[alt.Chart]:
    if lines.empty:
        return []
    when = alt.when(chosen)
    strength = 0.13 if lines["label"].nunique() <= _FEW_BANDS else 0.06
    base = alt.Chart(lines).encode(x=axes.x, color=axes.color, detail="piece:N")
    band = (
        base.transform_filter("datum.part !== 'guide'")
        .mark_area(clip=True)
        .encode(y=axes.y("low"), y2="high:Q", opacity=when.then(alt.value(strength)).otherwise(alt.value(0.02)))
    )
    dashes = alt.Scale(domain=["law", "extrapolation", "guide"], range=[[1, 0], [5, 4], [1, 4]])
    line = base.mark_line(clip=True, strokeWidth=2).encode(
        y=axes.y("loss"),
        strokeDash=alt.StrokeDash("part:N", scale=dashes, legend=None),
        opacity=when.then(alt.value(0.9)).otherwise(alt.value(0.12)),
    )
    return [band, line]


def _point_layers(axes: _Axes, points: pd.DataFrame, chosen: alt.Parameter) -> list[alt.Chart]:
    when = alt.when(chosen)
    means, runs = points[points["kind"] == "mean"], points[points["kind"] == "run"]
    plain = {"x": axes.x, "y": axes.y("loss"), "color": axes.color, "shape": axes.shape}
    marked = alt.Chart(means).encode(
        **plain,
        tooltip=[*axes.tooltip, alt.Tooltip("n_seeds:Q", title="seeds")],
        opacity=when.then(alt.value(1.0)).otherwise(alt.value(0.1)),
    )
    full = marked.transform_filter(f"datum.role !== '{_LEFT_OUT}'").mark_point(filled=True, size=75)
    hollow = marked.transform_filter(f"datum.role === '{_LEFT_OUT}'").mark_point(filled=False, size=65, strokeWidth=1.8)
    if runs.empty:
        return [full.add_params(chosen), hollow]
    seeds = alt.Chart(runs).mark_point(filled=True, size=16)
    faint = when.then(alt.value(0.45)).otherwise(alt.value(0.05))
    seeds = seeds.encode(**plain, tooltip=[alt.Tooltip("run:N"), *axes.tooltip], opacity=faint)
    return [seeds, full.add_params(chosen), hollow]
