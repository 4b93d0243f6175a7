"""Colours of families: apart in hue and in lightness, on white and on black. Shapes repeat what the colours say."""

from typing import Any

from chemscale.report.law_theme import law_config
from chemscale.report.theme import ramp

_COLOURS = {
    "light": ("#1f6fa8", "#c0472b", "#2b8a6b", "#d08a1c", "#7a5aa6", "#5b6675"),
    "dark": ("#62b4f2", "#ff8a70", "#66d3ac", "#f3c060", "#b9a0f0", "#a3adba"),
}


def family_config(n_colours: int, scheme: str = "light") -> dict[str, Any]:
    """The Vega-Lite config of a figure whose groups are `n_colours` families; above six the colours are a ramp."""
    config = law_config(n_colours, scheme)
    known = _COLOURS[scheme]
    colours = list(known[: max(n_colours, 1)]) if n_colours <= len(known) else ramp(n_colours, scheme)
    return config | {"range": config["range"] | {"ordinal": colours}}
