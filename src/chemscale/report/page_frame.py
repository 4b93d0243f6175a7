"""The frame that every page of a report stands in: head, cards, notes, sections, charts, all in one file."""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

import altair as alt
import vl_convert

from chemscale.base.files import finite
from chemscale.report.panels import Config, Panel
from chemscale.report.theme import chart_config


@dataclass(frozen=True)
class PageParts:
    """What stands on a page.

    Attributes:
        title: plain text.
        lead: one line under it, plain text.
        cards: pairs of a large number and what it is, both HTML.
        notes: what to know before reading on, plain sentences.
        sections: HTML; a chart is drawn where its name is an id.
        charts: name -> chart as `embedded` gives it.
    """

    title: str
    lead: str
    cards: Sequence[tuple[str, str]]
    notes: Sequence[str]
    sections: str
    charts: Mapping[str, dict[str, Any]]


def fill_page(parts: PageParts) -> str:
    """The page's HTML text; no address in it is ever fetched."""
    scripts = [data_script("charts", dict(parts.charts)), script(_library()), script(asset("page.js"))]
    return frame(parts.title, parts.lead, parts.cards, parts.notes, parts.sections, scripts)


def frame(
    title: str,
    lead: str,
    cards: Sequence[tuple[str, str]],
    notes: Sequence[str],
    body: str,
    scripts: Sequence[str],
    style: str = "",
) -> str:
    """A page's HTML text: head, cards and notes (see `PageParts`), then the body, then the scripts.

    Args:
        title, lead, cards, notes: as `PageParts` has them.
        body: HTML.
        scripts: elements of `script` and `data_script`, in their order.
        style: CSS beside that of all pages.
    """
    items = "".join(f"<li>{html.escape(line)}</li>" for line in notes)
    return Template(asset("page.html")).substitute(
        title=html.escape(title),
        style=asset("page.css") + style,
        lead=html.escape(lead),
        cards="".join(f"<div class='card'><b>{big}</b><span>{small}</span></div>" for big, small in cards),
        notes=f"<ul class='notes'>{items}</ul>" if items else "",
        sections=body,
        scripts="\n".join(scripts),
    )


def script(text: str) -> str:
    """A script element."""
    return f"<script>{text}</script>"


def data_script(name: str, values: Mapping[str, Any]) -> str:
    """An element that holds data as JSON for a script; what is not finite is null."""
    # A "</script>" in the data would end the script element that holds it.
    data = json.dumps(finite(dict(values)), separators=(",", ":")).replace("</", "<\\/")
    return f'<script type="application/json" id="{name}">{data}</script>'


def embedded(chart: alt.LayerChart, config: Config = chart_config) -> dict[str, Any]:
    """The chart as wide as its place on the page, with the styles of a light and of a dark page."""
    spec = chart.properties(width="container").to_dict()
    n_colours = len(spec.pop("config")["range"]["ordinal"])
    clear = config(n_colours, "light") | {"background": "transparent"}
    return {"spec": spec, "light": clear, "dark": config(n_colours, "dark")}


def panel_grid(panels: Sequence[Panel], columns: str, captions: bool = True, prefix: str = "") -> str:
    """Panels with their titles in a grid of `columns` ("one", "two" or "three"); their ids are prefix + name."""
    if not panels:
        return ""
    cells = []
    for panel in panels:
        caption = f"<p class='caption'>{html.escape(panel.caption)}</p>" if panel.caption and captions else ""
        chart = f"<div class='chart wait' id='{prefix}{panel.name}'></div>"
        cells.append(f"<div class='panel'><h3>{html.escape(panel.title)}</h3>{caption}{chart}</div>")
    return f"<div class='grid {columns}'>{''.join(cells)}</div>"


def made_section(commands: Sequence[str], facts: Mapping[str, str], config_text: str, config_name: str) -> str:
    """How it was made: commands, versions, and the configuration behind a fold; "" where nothing is known of it."""
    if not (commands or facts or config_text):
        return ""
    lines = f"<pre>{html.escape(chr(10).join(commands))}</pre>" if commands else ""
    rows = "".join(f"<dt>{html.escape(str(k))}</dt><dd>{html.escape(str(v))}</dd>" for k, v in facts.items())
    fold = ""
    if config_text:
        name, text = html.escape(config_name), html.escape(config_text)
        fold = f"<details class='fold'><summary>{name}</summary><pre>{text}</pre></details>"
    return f"<h2>How this was made</h2>{lines}<dl>{rows}</dl>{fold}"


def asset(name: str) -> str:
    """The text of a file of the pages: a style, a script, a piece of HTML."""
    return (files("chemscale.report") / "assets" / name).read_text(encoding="utf-8")


@cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, of the version that Altair writes for."""
    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version)).replace("</script", "<\\/script")
