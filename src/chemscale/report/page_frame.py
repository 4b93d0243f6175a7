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
    # A "</script>" in the data would end the script element that holds it.
    data = json.dumps(finite(dict(parts.charts)), separators=(",", ":")).replace("</", "<\\/")
    items = "".join(f"<li>{html.escape(line)}</li>" for line in parts.notes)
    return Template(_asset("page.html")).substitute(
        title=html.escape(parts.title),
        style=_asset("page.css"),
        lead=html.escape(parts.lead),
        cards="".join(f"<div class='card'><b>{big}</b><span>{small}</span></div>" for big, small in parts.cards),
        notes=f"<ul class='notes'>{items}</ul>" if items else "",
        sections=parts.sections,
        charts=data,
        library=_library(),
        script=_asset("page.js"),
    )


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


def _asset(name: str) -> str:
    return (files("chemscale.report") / "assets" / name).read_text(encoding="utf-8")


@cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, of the version that Altair writes for."""
    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version)).replace("</script", "<\\/script")
