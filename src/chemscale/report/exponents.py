"""The exponents of all fits along one resource, with their intervals; hollow where the points bend off the law."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from chemscale.report.axes import title_of
from chemscale.report.remarks import group_names
from chemscale.report.theme import chart_config
from chemscale.scaling.groups import GroupFit


def exponents(fits: Sequence[GroupFit], data_unit: str = "molecules") -> alt.LayerChart | None:
    """beta with its interval, one row per group; None where there is no law.

    Args:
        fits: of one resource and one group column.
        data_unit: unit of data sizes in titles.
    """
    rows = []
    for fit, label in zip(fits, group_names(fits), strict=True):
        if fit.law is not None:
            low, high = fit.law.intervals["beta"]
            row = {"label": label, "beta": fit.law.beta, "low": low, "high": high, "n_points": fit.law.n_points}
            rows.append(row | {"bent": fit.law.verdict == "bent"})
    if not rows:
        return None
    first = next(fit for fit in fits if fit.law is not None)
    frame, order = pd.DataFrame(rows), [row["label"] for row in rows]
    level = 100 * (first.law.level if first.law else 0.95)
    group = title_of(first.group, data_unit) if first.group else ""
    low, high = _window(frame)
    base = alt.Chart(frame).encode(
        y=alt.Y("label:O", sort=order, title=group, axis=alt.Axis(grid=False, ticks=False, domain=False)),
        color=alt.Color("label:O", sort=order, scale=alt.Scale(domain=order), legend=None),
        tooltip=[
            alt.Tooltip("label:N", title=group),
            alt.Tooltip("beta:Q", format=".4f"),
            alt.Tooltip("low:Q", title=f"low end, {level:g} %", format=".4f"),
            alt.Tooltip("high:Q", title=f"high end, {level:g} %", format=".4f"),
            alt.Tooltip("n_points:Q", title="points"),
        ],
    )
    scale = alt.Scale(domain=(low, high), nice=False)
    title = f"exponent β of {title_of(first.x, data_unit)}, {level:g} % interval"
    axis = alt.Axis(tickCount=6)
    ends = alt.X("low:Q", scale=scale, title=title, axis=axis)
    bars = base.mark_rule(strokeWidth=2.5, clip=True).encode(x=ends, x2="high:Q")
    dots = base.encode(x=alt.X("beta:Q", scale=scale, title=title, axis=axis))
    full = dots.transform_filter("!datum.bent").mark_point(filled=True, size=90, opacity=1)
    open_dots = dots.transform_filter("datum.bent").mark_point(size=80, opacity=1, strokeWidth=2)
    chart = alt.layer(bars, full, open_dots).properties(width=520, height=30 * len(rows))
    return chart.configure(**chart_config(len(order)))


def _window(frame: pd.DataFrame) -> tuple[float, float]:
    """The shown part of the axis: an interval of three points can be so wide that it would hide all others."""
    low, high = float(frame["beta"].min()), float(frame["beta"].max())
    half = float(((frame["high"] - frame["low"]) / 2).median())
    reach = max(2.5 * half, 0.15 * (high - low), 0.005)
    return max(low - reach, float(frame["low"].min()) - 0.1 * reach), min(
        high + reach, float(frame["high"].max()) + 0.1 * reach
    )
