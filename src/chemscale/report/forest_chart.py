"""Forest plot: exponents with their intervals, one row per group, law or kind of fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from chemscale.base.errors import FitError
from chemscale.report.law_theme import law_config
from chemscale.report.law_titles import symbol_of
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.power_law import PowerLaw

_MOST_HALF_WIDTHS = 3.0


@dataclass(frozen=True)
class ExponentRow:
    """One row.

    Attributes:
        exponent: its name; rows of one exponent share a colour.
        label: the group, law or kind of fit.
        value: the estimate.
        low: lower end of its interval; NaN where it has none.
        high: upper end.
    """

    exponent: str
    label: str
    value: float
    low: float = float("nan")
    high: float = float("nan")


def forest_rows(fits: Mapping[str, LawFit | PowerLaw], with_huber: bool = True) -> list[ExponentRow]:
    """The exponents of all fits, exponent by exponent.

    Args:
        fits: label -> fit.
        with_huber: also a row, without an interval, for the same law fitted with Huber's loss.
    """
    rows = []
    for label, fit in fits.items():
        if isinstance(fit, PowerLaw):
            rows.append(ExponentRow("beta", label, fit.beta, *fit.intervals["beta"]))
            continue
        for name in fit.law.exponents:
            squares = f"{label}, squares" if with_huber else label
            rows.append(ExponentRow(name, squares, fit.parameters[name], *fit.intervals[name]))
            if with_huber:
                rows.append(ExponentRow(name, f"{label}, Huber", fit.huber[name]))
    names = list(dict.fromkeys(row.exponent for row in rows))
    return sorted(rows, key=lambda row: names.index(row.exponent))


def forest_chart(rows: Sequence[ExponentRow], level: float = 0.95) -> alt.LayerChart:
    """Exponents on one axis; a hollow mark has no interval, an arrow leads to an end out of sight.

    Args:
        rows: from top to bottom.
        level: of the intervals, for the title.

    Raises:
        FitError: there are no rows.
    """
    if not rows:
        raise FitError("there is no exponent to draw")
    several = len({row.exponent for row in rows}) > 1
    frame = pd.DataFrame([vars(row) for row in rows])
    frame["exponent"] = [symbol_of(name) for name in frame["exponent"]]
    frame["row"] = frame["exponent"] + "   " + frame["label"] if several else frame["label"]
    frame["has_interval"] = frame["low"].notna() & frame["high"].notna()
    shown = _window(frame)
    margin = 0.012 * (shown[1] - shown[0])  # room for an arrow
    frame["left"] = frame["low"].clip(lower=shown[0] + margin)
    frame["right"] = frame["high"].clip(upper=shown[1] - margin)
    order, names = list(frame["row"]), list(dict.fromkeys(frame["exponent"]))
    scale = alt.Scale(domain=shown, nice=False)
    title = f"{'exponent' if several else f'exponent {names[0]}'}, {100 * level:g} % interval"
    axis = alt.Axis(tickCount=6)
    base = alt.Chart(frame).encode(
        y=alt.Y("row:O", sort=order, title="", axis=alt.Axis(grid=False, ticks=False, domain=False, labelLimit=260)),
        color=alt.Color("exponent:O", sort=names, scale=alt.Scale(domain=names, range="ordinal"), legend=None),
        tooltip=[
            alt.Tooltip("row:N", title="fit"),
            alt.Tooltip("value:Q", format=".4f"),
            alt.Tooltip("low:Q", format=".4f"),
            alt.Tooltip("high:Q", format=".4f"),
        ],
    )
    ends = {"x": alt.X("left:Q", scale=scale, title=title, axis=axis), "x2": "right:Q"}
    place = alt.X("value:Q", scale=scale, title=title, axis=axis)
    marks = base.encode(x=place)
    layers = [
        base.transform_filter("datum.has_interval").mark_rule(strokeWidth=2.5).encode(**ends),
        marks.transform_filter("datum.has_interval").mark_point(filled=True, size=90, opacity=1),
        marks.transform_filter("!datum.has_interval").mark_point(size=80, opacity=1, strokeWidth=2),
    ]
    for side, end, shape in (("left", "low", "triangle-left"), ("right", "high", "triangle-right")):
        cut = base.transform_filter(f"datum.has_interval && datum.{end} !== datum.{side}")
        arrow = cut.mark_point(shape=shape, filled=True, size=70, opacity=1)
        layers.append(arrow.encode(x=alt.X(f"{side}:Q", scale=scale, title=title, axis=axis)))
    chart = alt.layer(*layers).properties(width=520, height=max(34 * len(rows), 60))
    return chart.configure(**law_config(len(names)))


def _window(frame: pd.DataFrame) -> tuple[float, float]:
    """All estimates, and the intervals as far as they do not hide all others."""
    low, high = float(frame["value"].min()), float(frame["value"].max())
    halves = ((frame["high"] - frame["low"]) / 2).replace([np.inf], np.nan).dropna()
    half = float(halves.median()) if len(halves) else 0.0
    reach = max(_MOST_HALF_WIDTHS * half, 0.1 * (high - low), 0.02 * max(abs(high), 0.1))
    first = max(low - reach, np.nanmin([float(frame["low"].min()), low]) - 0.08 * reach)
    last = min(high + reach, np.nanmax([float(frame["high"].max()), high]) + 0.08 * reach)
    margin = 0.04 * (last - first)
    return first - margin, last + margin
