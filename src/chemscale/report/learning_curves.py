"""Learning curves: one panel per data size, one line per run, coloured by model size."""

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from chemscale.report.axes import group_labels, padded, title_of
from chemscale.report.channels import group_color, log_x, log_y
from chemscale.report.theme import chart_config

_MOST_POINTS = 200  # per line; more cannot be seen and make the page heavy
_MOST_PANELS = 12


@dataclass(frozen=True)
class CurvePanel:
    """The learning curves of one data size."""

    title: str
    chart: alt.LayerChart


def learning_curve_panels(
    curves: pd.DataFrame,
    table: pd.DataFrame,
    *,
    x: str = "tokens",
    loss: str = "validation_loss",
    model_size: str = "n_parameters",
    data_size: str = "data_points",
    data_unit: str = "molecules",
    loss_unit: str = "nats per token",
    shown_losses: tuple[float, float] | None = None,
) -> list[CurvePanel]:
    """One chart per data size, all on one loss axis; empty where no curve has a finite loss.

    Solid lines are validation losses, dotted ones training losses.

    Args:
        curves: one row per evaluation, with `run`, `x`, `train_loss` and the loss.
        table: the sizes of each run.
        x: horizontal axis: `tokens`, `step` or `epoch`.
        loss: validation loss column.
        model_size: column of the colours.
        data_size: column of the panels.
        data_unit: unit of data sizes in titles.
        loss_unit: unit of the loss in titles.
        shown_losses: ends of the loss axis, for panels side by side; None takes those of these curves.
    """
    frame = _curve_frame(curves, table, x, loss, model_size, data_size)
    if frame.empty:
        return []
    y_range = shown_losses or _loss_range(frame)
    order = list(group_labels(frame["size"].unique()).values())
    panel_names = group_labels(frame["data"].unique())
    titles = (
        title_of("tokens_seen" if x == "tokens" else x),
        title_of(loss, loss_unit=loss_unit),
        title_of(model_size, data_unit),
    )
    panels = []
    for data, part in list(frame.groupby("data"))[-_MOST_PANELS:]:
        chart = _panel(part, y_range, order, titles)
        panels.append(CurvePanel(f"{panel_names[data]} {data_unit}", chart.configure(**chart_config(len(order)))))
    return panels


def learning_curves(panels: list[CurvePanel], columns: int = 3) -> alt.ConcatChart:
    """All panels as one figure, for files."""
    charts = []
    for panel in panels:
        chart = panel.chart.copy(deep=True).properties(width=300, height=240, title=panel.title)
        charts.append(chart)
    config = charts[0].config
    for chart in charts:
        chart.config = alt.Undefined
    together = alt.concat(*charts, columns=columns)
    together.config = config
    return together


def _curve_frame(
    curves: pd.DataFrame, table: pd.DataFrame, x: str, loss: str, model_size: str, data_size: str
) -> pd.DataFrame:
    """Long form: run, x, loss, which ("validation", "training"), size, data, label; thinned to what can be seen."""
    if curves.empty or not {"run", x, loss} <= set(curves.columns):
        return pd.DataFrame()
    sizes = pd.DataFrame({"run": table["run"], "size": table.get(model_size, 0), "data": table.get(data_size, 0)})
    merged = curves[["run", x, *(name for name in (loss, "train_loss") if name in curves)]].merge(sizes, on="run")
    long = merged.rename(columns={x: "x", loss: "validation", "train_loss": "training"}).melt(
        id_vars=["run", "x", "size", "data"], var_name="which", value_name="loss"
    )
    long = long.astype({"x": float, "loss": float, "size": float, "data": float})
    long = long[(long["x"] > 0) & (long["loss"] > 0) & np.isfinite(long["loss"])]
    thinned = [_thin(part.sort_values("x")) for _, part in long.groupby(["run", "which"])]
    if not thinned:
        return pd.DataFrame()
    frame = pd.concat(thinned, ignore_index=True)
    return frame.assign(label=frame["size"].map(group_labels(frame["size"].unique())))


def _loss_range(frame: pd.DataFrame) -> tuple[float, float]:
    """From the lowest loss to the highest first loss of a run: a run that diverges must not squeeze the others."""
    validation = frame[frame["which"] == "validation"]
    shown = validation if len(validation) else frame
    first = shown.sort_values("x").groupby("run")["loss"].first()
    return padded(float(shown["loss"].min()), float(first.max()))


def _thin(line: pd.DataFrame) -> pd.DataFrame:
    if len(line) <= _MOST_POINTS:
        return line
    kept = np.unique(np.geomspace(1, len(line), _MOST_POINTS).round().astype(int) - 1)
    return line.iloc[kept]


def _panel(
    part: pd.DataFrame, y_range: tuple[float, float], order: list[str], titles: tuple[str, str, str]
) -> alt.LayerChart:
    shown = padded(float(part["x"].min()), float(part["x"].max()), 0.02)
    base = alt.Chart(part).encode(
        x=log_x("x", titles[0], shown),
        y=log_y("loss", titles[1], y_range),
        color=group_color(order, titles[2], legend_columns=4),
        detail="run:N",
        tooltip=[
            alt.Tooltip("run:N"),
            alt.Tooltip("x:Q", title=titles[0], format=",.6~r"),
            alt.Tooltip("loss:Q", format=".4f"),
            alt.Tooltip("which:N", title="loss of"),
        ],
    )
    training = base.transform_filter("datum.which === 'training'").mark_line(
        clip=True, strokeWidth=1, strokeDash=[1, 3], opacity=0.6
    )
    validation = base.transform_filter("datum.which === 'validation'").mark_line(
        clip=True, strokeWidth=1.8, opacity=0.9
    )
    return alt.layer(training, validation).properties(width=300, height=240)
