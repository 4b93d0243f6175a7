"""Exponents of all families with their intervals; those of the literature are hollow, with their printed ±."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from chemscale.report.axes import title_of
from chemscale.report.families.published import PublishedExponent
from chemscale.report.families.theme import family_config
from chemscale.scaling.family_laws import FamilyLaws

_REACH = 2.5  # half widths of a usual interval that the axis shows beyond the outermost exponent


def exponent_chart(
    laws: FamilyLaws, published: Mapping[str, PublishedExponent], data_unit: str, data_size: str = "data_points"
) -> alt.LayerChart | None:
    """beta of every family, one row each; None where no family has a law.

    Args:
        laws: of the families.
        published: family -> its exponent in the literature.
        data_unit: of data sizes.
        data_size: column of data sizes.
    """
    rows = []
    for family, fit in laws.fits.items():
        if fit.law is not None:
            low, high = fit.law.intervals["beta"]
            rows.append({"row": family, "family": family, "beta": fit.law.beta, "low": low, "high": high, "ours": True})
        if family in published:
            beta, half = published[family].beta, published[family].plus_minus
            ends = {"beta": beta, "low": beta - half, "high": beta + half}
            rows.append({"row": f"{family}, published", "family": family, "ours": False, **ends})
    if not any(row["ours"] for row in rows):
        return None
    frame = pd.DataFrame(rows)
    level = next(100 * fit.law.level for fit in laws.fits.values() if fit.law is not None)
    shown = _window(frame)
    scale, axis = alt.Scale(domain=shown, nice=False), alt.Axis(tickCount=6)
    title = f"exponent β of {title_of(data_size, data_unit)}, {level:g} % interval"
    families = list(laws.fits)
    base = alt.Chart(frame).encode(
        y=alt.Y("row:N", sort=list(frame["row"]), title="", axis=alt.Axis(grid=False, ticks=False, domain=False)),
        color=alt.Color("family:O", sort=families, scale=alt.Scale(domain=families, range="ordinal"), legend=None),
        tooltip=[
            alt.Tooltip("row:N", title="family"),
            *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("beta", "low", "high")),
        ],
    )
    ends = alt.X("low:Q", scale=scale, title=title, axis=axis)
    place = alt.X("beta:Q", scale=scale, title=title, axis=axis)
    ours, theirs = base.transform_filter("datum.ours"), base.transform_filter("!datum.ours")
    layers = [
        ours.mark_rule(strokeWidth=2.5, clip=True).encode(x=ends, x2="high:Q"),
        theirs.mark_rule(strokeWidth=1.3, strokeDash=[3, 3], clip=True).encode(x=ends, x2="high:Q"),
        ours.mark_point(filled=True, size=90, opacity=1).encode(x=place),
        theirs.mark_point(size=60, opacity=1, shape="diamond", strokeWidth=1.6).encode(x=place),
    ]
    chart = alt.layer(*layers).properties(width=520, height=max(40 * len(rows), 80))
    return chart.configure(**family_config(len(families)))


def _window(frame: pd.DataFrame) -> tuple[float, float]:
    """All exponents, and the intervals as far as they do not hide all others."""
    half = float(((frame["high"] - frame["low"]) / 2).median())
    low, high = float(frame["beta"].min()) - _REACH * half, float(frame["beta"].max()) + _REACH * half
    margin = 0.1 * half + 1e-3
    return max(low, float(frame["low"].min()) - margin), min(high, float(frame["high"].max()) + margin)
