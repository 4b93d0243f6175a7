"""Colours and fonts of all figures, for light and dark pages.

Groups are ordered sizes, so their colours are an ordered ramp: dark to light on white, and all of them light enough on
black. Lightness changes all along a ramp, so it is readable for every kind of colour vision and in grey print.
Shapes repeat what the colours say.
"""

from typing import Any

import numpy as np

_LIGHT_RAMP = ("#3b0f70", "#3d4e8a", "#2a788e", "#22a884", "#86c440")
_DARK_RAMP = ("#8a7fe8", "#5a9df0", "#35c7c9", "#7fdc7c", "#f4e04d")
_INK = {"light": ("#1c2430", "#5b6675", "#e3e7ec", "#ffffff"), "dark": ("#e8ecf1", "#a3adba", "#2f3742", "#151a21")}
FONT = "'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right", "triangle-left"]


def ramp(n_colours: int, scheme: str = "light") -> list[str]:
    """`n_colours` ordered colours as #rrggbb; one colour alone is the middle of the ramp's darker half."""
    anchors = np.array([[int(text[i : i + 2], 16) for i in (1, 3, 5)] for text in _anchors(scheme)], dtype=float)
    places = np.linspace(0, 1, n_colours) if n_colours > 1 else np.array([0.4])
    grid = np.linspace(0, 1, len(anchors))
    channels = np.stack([np.interp(places, grid, anchors[:, channel]) for channel in range(3)], axis=1)
    return ["#" + "".join(f"{round(value):02x}" for value in colour) for colour in channels]


def chart_config(n_colours: int, scheme: str = "light") -> dict[str, Any]:
    """The Vega-Lite config of a figure with `n_colours` groups; figures hold no other colour or font."""
    ink, soft, rule, paper = _INK[scheme]
    return {
        "background": paper if scheme == "light" else "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "range": {"ordinal": ramp(max(n_colours, 1), scheme), "symbol": SHAPES},
        "axis": {
            "labelColor": soft,
            "titleColor": ink,
            "labelFontSize": 12,
            "titleFontSize": 13,
            "titleFontWeight": 600,
            "titlePadding": 10,
            "labelPadding": 6,
            "gridColor": rule,
            "domainColor": soft,
            "tickColor": soft,
            "tickSize": 4,
        },
        "legend": {
            "labelColor": ink,
            "titleColor": ink,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": 600,
            "symbolSize": 90,
            "symbolOpacity": 1,
            "symbolStrokeWidth": 2,
        },
        "title": {"color": ink, "fontSize": 15, "fontWeight": 600, "anchor": "start", "offset": 12},
        "text": {"color": ink, "font": FONT},
        "rule": {"color": soft},
    }


def _anchors(scheme: str) -> tuple[str, ...]:
    return _LIGHT_RAMP if scheme == "light" else _DARK_RAMP
