"""The page of a map as one self-contained HTML file: no address in it is ever fetched.

It stands in the frame of the other pages but without their chart library; this one draws by itself.
"""

import html
from string import Template

from chemscale.report.maps.contents import EMBEDDING, FINGERPRINT, MapReport, Picture
from chemscale.report.maps.data import page_data
from chemscale.report.maps.numbers_table import TITLES, numbers_section
from chemscale.report.page_frame import asset, data_script, frame, made_section, script

_MOST_CARDS = 4


def render_map_page(report: MapReport) -> str:
    """The page's HTML text."""
    atlas = Template(asset("map.html")).substitute(panels="".join(_panel(picture) for picture in report.pictures))
    return frame(
        title=report.title,
        lead=report.lead,
        cards=_cards(report),
        notes=report.notes,
        body=atlas + numbers_section(report.numbers) + made_section(report.commands, report.facts, "", ""),
        scripts=[
            data_script("map", page_data(report)),
            script('"use strict";\n' + asset("molecule.js") + asset("map.js")),
        ],
        style=asset("map.css"),
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
