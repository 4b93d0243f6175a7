"""The axes and colours that all figures share, as Altair channels."""

import altair as alt

from chemscale.report.axes import TICK_LABEL, log_ticks


def log_x(column: str, title: str, shown: tuple[float, float]) -> alt.X:
    """A logarithmic horizontal axis over `shown`, with ticks such as 10k and 1M."""
    return alt.X(
        f"{column}:Q",
        title=title,
        scale=alt.Scale(type="log", domain=shown, nice=False),
        axis=alt.Axis(values=log_ticks(*shown), labelExpr=TICK_LABEL, grid=False, labelOverlap="greedy"),
    )


def log_y(column: str, title: str, shown: tuple[float, float]) -> alt.Y:
    """A logarithmic vertical axis over `shown`, with grid lines and plain numbers."""
    return alt.Y(
        f"{column}:Q",
        title=title,
        scale=alt.Scale(type="log", domain=shown, nice=False),
        axis=alt.Axis(values=log_ticks(*shown), format="~g", domain=False, ticks=False),
    )


def group_legend(order: list[str], title: str, columns: int = 8) -> alt.Legend | None:
    """A legend above the figure; none where there is one group."""
    if len(order) < 2:
        return None
    return alt.Legend(title=title, orient="top", direction="horizontal", columns=columns, symbolLimit=60)


def group_color(order: list[str], title: str, legend_columns: int = 8) -> alt.Color:
    """One colour per group, in the order of the groups."""
    legend = group_legend(order, title, legend_columns)
    return alt.Color("label:O", sort=order, scale=alt.Scale(domain=order, range="ordinal"), legend=legend)


def group_shape(order: list[str], title: str) -> alt.Shape:
    """One shape per group; the legend is that of the colours."""
    return alt.Shape(
        "label:N", sort=order, scale=alt.Scale(domain=order, range="symbol"), legend=group_legend(order, title)
    )
