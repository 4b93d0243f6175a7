"""Panels: charts with a title and a caption, which the page sets in a grid and files show side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import altair as alt

from chemscale.report.law_theme import law_config

Joined = TypeVar("Joined", alt.HConcatChart, alt.VConcatChart)
Config = Callable[[int, str], dict[str, Any]]
_LINE = 86  # characters of a caption above a panel of 480 pixels


@dataclass(frozen=True)
class Panel:
    """One chart of a figure.

    Attributes:
        name: as a file and in the page's code.
        title: one short line.
        caption: what is drawn, in a sentence or two; "" where the title says it.
        chart: as wide as `compose` or the page make it.
        n_colours: groups that the chart colours.
    """

    name: str
    title: str
    caption: str
    chart: alt.LayerChart
    n_colours: int = 1


def compose(
    panels: Sequence[Panel],
    columns: int,
    width: int,
    height: int | None = None,
    heading: Sequence[str] = (),
    config: Config = law_config,
) -> alt.VConcatChart:
    """Panels in rows of `columns` as one chart, each with its title and caption above it.

    Args:
        panels: from left to right and top to bottom.
        columns: panels in a row.
        width: of one panel's plot, in pixels.
        height: of one panel's plot; None keeps each panel's own.
        heading: over all panels, the title first and the lines under it after that.
        config: the styles, for a number of colours and a scheme.
    """
    rows = []
    for start in range(0, len(panels), columns):
        part = panels[start : start + columns]
        captions = [_wrapped(panel.caption, int(_LINE * width / 480)) for panel in part]
        most = max(len(lines) for lines in captions)
        cells = [
            # As many lines in all captions of a row, so that its titles stand on one line.
            _titled(panel, lines + [" "] * (most - len(lines)), width, height)
            for panel, lines in zip(part, captions, strict=True)
        ]
        rows.append(_apart(alt.hconcat(*cells, spacing=34)))
    n_colours = max((panel.n_colours for panel in panels), default=1)
    together = _apart(alt.vconcat(*rows, spacing=34))
    if heading:
        title = alt.TitleParams(
            text=heading[0], subtitle=list(heading[1:]), fontSize=19, subtitleFontSize=13, offset=22
        )
        together = together.properties(title=title)
    return together.configure(**config(n_colours, "light"))


def alone(panel: Panel, width: int = 560, height: int | None = None, config: Config = law_config) -> alt.VConcatChart:
    """One panel as a chart for a file."""
    return compose([panel], 1, width, height, config=config)


def _titled(panel: Panel, caption: list[str], width: int, height: int | None) -> alt.LayerChart:
    title = alt.TitleParams(text=panel.title, subtitle=caption) if caption else alt.TitleParams(text=panel.title)
    size = {"width": width} if height is None else {"width": width, "height": height}
    chart = panel.chart.copy(deep=True).properties(title=title, **size)
    chart.config = alt.Undefined
    return chart


def _apart(chart: Joined) -> Joined:
    """Every panel with colours, shapes and dashes of its own."""
    apart: Joined = chart.resolve_scale(color="independent", shape="independent", strokeDash="independent")
    return apart


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
