"""The page of a map as one self-contained HTML file: no address in it is ever fetched.

It has the look of the other pages but not their frame, which brings the chart library along; this one draws by itself.
"""

import html
import json
from importlib.resources import files
from string import Template

from chemscale.base.files import finite
from chemscale.report.maps.contents import EMBEDDING, FINGERPRINT, MapReport, Picture
from chemscale.report.maps.data import page_data
from chemscale.report.maps.numbers_table import TITLES, numbers_section
from chemscale.report.page_frame import made_section

_MOST_CARDS = 4


def render_map_page(report: MapReport) -> str:
    """The page's HTML text."""
    # A "</script>" in the data would end the script element that holds it.
    data = json.dumps(finite(page_data(report)), separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    notes = "".join(f"<li>{html.escape(line)}</li>" for line in report.notes)
    return Template(_asset("map.html")).substitute(
        title=html.escape(report.title),
        lead=html.escape(report.lead),
        style=_asset("page.css") + _asset("map.css"),
        cards="".join(f"<div class='card'><b>{big}</b><span>{small}</span></div>" for big, small in _cards(report)),
        notes=f"<ul class='notes'>{notes}</ul>" if notes else "",
        panels="".join(_panel(picture) for picture in report.pictures),
        sections=numbers_section(report.numbers) + made_section(report.commands, report.facts, "", ""),
        map=data,
        script='"use strict";\n' + _asset("molecule.js") + _asset("map.js"),
    )


def _panel(picture: Picture) -> str:
    title, caption = html.escape(picture.title), html.escape(picture.caption)
    across, up = (html.escape(axis) for axis in picture.axes)
    axes = f"Across: {across}; up: {up}.<br>" if across else "Axes without a meaning.<br>"
    top = f"<canvas class='top' tabindex='0' role='img' aria-label='{title} of the molecules'></canvas>"
    return (
        f"<div class='panel'><h3>{title}</h3><div class='plot' id='plot_{picture.name}'><canvas></canvas>{top}</div>"
        f"<p class='axis'>{axes}{caption}</p></div>"
    )


def _cards(report: MapReport) -> list[tuple[str, str]]:
    cards = [(f"{len(report):,}", "molecules on the map")]
    for (measure, label), part in report.numbers.groupby(["measure", "label"], sort=False):
        values = part.set_index("space")["value"]
        if EMBEDDING in values and len(cards) < _MOST_CARDS + 1:
            beside = f"; fingerprints {_short(values[FINGERPRINT])}" if FINGERPRINT in values else ""
            cards.append((_short(values[EMBEDDING]), html.escape(TITLES[str(measure)].format(label) + beside)))
    return cards


def _short(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")  # plus zero, because round(-0.002, 2) is -0.0


def _asset(name: str) -> str:
    return (files("chemscale.report") / "assets" / name).read_text(encoding="utf-8")
