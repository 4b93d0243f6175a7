"""Loss against training time of one family: larger marks for larger models, in the colour of their data size."""

import altair as alt
import numpy as np
import pandas as pd

from chemscale.report.axes import group_labels, title_of
from chemscale.report.channels import group_color, log_x, log_y
from chemscale.report.theme import chart_config

Range = tuple[float, float]


def time_chart(
    runs: pd.DataFrame,
    *,
    time: str,
    loss: str,
    model_size: str,
    data_size: str,
    shown: tuple[Range, Range],
    data_sizes: list[float],
    units: tuple[str, str],
) -> alt.LayerChart:
    """The chart; the mean over the seeds of every model and data size is a mark too, and thin lines join models.

    Args:
        runs: finished runs of one family.
        time, loss, model_size, data_size: columns.
        shown: ends of the axes of time and of loss, the same for all families.
        data_sizes: those of all families, for the colours.
        units: of data sizes and of the loss.
    """
    data_unit, loss_unit = units
    labels = group_labels(data_sizes)
    columns = {"time": time, "loss": loss, "model": model_size, "data": data_size}
    frame = pd.DataFrame({name: runs[column].astype(float) for name, column in columns.items()})
    frame = frame.assign(run=runs["run"].astype(str), label=frame["data"].map(labels))
    frame = frame[(frame["time"] > 0) & (frame["loss"] > 0)]
    logs = frame.assign(time=np.log(frame["time"]), loss=np.log(frame["loss"]))
    means = logs.groupby(["model", "data", "label"], as_index=False)[["time", "loss"]].mean()
    means = means.assign(time=np.exp(means["time"]), loss=np.exp(means["loss"]))
    titles = (title_of(time), title_of(loss, loss_unit=loss_unit))
    channels = {
        "x": log_x("time", titles[0], shown[0]),
        "y": log_y("loss", titles[1], shown[1]),
        "color": group_color(list(labels.values()), title_of(data_size, data_unit), 5),
    }
    size = alt.Size(
        "model:Q",
        title=title_of(model_size),
        scale=alt.Scale(type="log", range=[25, 260], domain=[frame["model"].min(), frame["model"].max()], nice=False),
        legend=None,
    )
    tooltip = [
        alt.Tooltip("time:Q", title=titles[0], format=",.4~r"),
        alt.Tooltip("loss:Q", title=titles[1], format=".4g"),
        alt.Tooltip("model:Q", title=title_of(model_size), format=",.4~r"),
        alt.Tooltip("label:N", title=title_of(data_size, data_unit)),
    ]
    lines = alt.Chart(means).mark_line(strokeWidth=1, opacity=0.6, clip=True).encode(**channels, order="model:Q")
    seeds = alt.Chart(frame).mark_point(filled=True, size=10, opacity=0.45, clip=True)
    marks = alt.Chart(means).mark_point(filled=True, opacity=0.95, clip=True)
    layers = [
        lines,
        seeds.encode(**channels, tooltip=[alt.Tooltip("run:N"), *tooltip]),
        marks.encode(**channels, size=size, tooltip=tooltip),
    ]
    return alt.layer(*layers).properties(width=480, height=320).configure(**chart_config(len(labels)))
