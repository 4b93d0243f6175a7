"""Colours of the figures of a joint law: those of `theme.py`, and what surfaces, regimes and notes need more."""

from typing import Any

from chemscale.report.theme import chart_config, ramp

REGIMES = ("model-limited", "mixed", "data-limited", "at the floor", "step-limited", "repetition-limited")
_REGIME_COLOURS = {
    "light": ("#3d5f9e", "#a9b1bb", "#e08a2c", "#7fb8a0", "#b5476a", "#7a5aa6"),
    "dark": ("#6f9be0", "#8d97a4", "#f0a24a", "#7fcfae", "#e57a9c", "#ab8fe0"),
}
# ink, quiet ink, paper, text on a cell of low loss, text on one of high loss
_INKS = {
    "light": ("#1c2430", "#5b6675", "#ffffff", "#ffffff", "#10161d"),
    "dark": ("#e8ecf1", "#a3adba", "#151a21", "#10161d", "#10161d"),
}
_STRONG = {"light": "#c0392b", "dark": "#ff8f7d"}


def law_config(n_colours: int, scheme: str = "light") -> dict[str, Any]:
    """The Vega-Lite config of a figure of a law with `n_colours` groups.

    Charts name what they draw by style (such as `note`, `frontier`, `limit`) and by
    range (`heatmap` for losses, `category` for regimes in the order of `REGIMES`); the colours are here.
    """
    ink, soft, paper, on_dark, on_light = _INKS[scheme]
    config = chart_config(n_colours, scheme)
    ranges = config["range"] | {"heatmap": ramp(9, scheme), "category": list(_REGIME_COLOURS[scheme])}
    styles = {
        "note": {"color": soft, "fontSize": 11},
        "halo": {"color": paper, "stroke": paper, "strokeWidth": 7, "strokeJoin": "round", "fontSize": 11},
        "frontier": {"color": ink, "strokeWidth": 2.2},
        "frontier_mark": {"color": paper, "stroke": ink, "strokeWidth": 1.6},
        "frontier_band": {"color": ink, "fillOpacity": 0.15, "strokeOpacity": 0},
        "outlined": {"stroke": paper, "strokeWidth": 1},
        "guide": {"color": soft, "strokeWidth": 1, "strokeDash": [3, 3]},
        "limit": {"color": _STRONG[scheme], "strokeWidth": 1.3, "strokeDash": [5, 4]},
        "band": {"color": soft, "fillOpacity": 0.14},
        "dot": {"color": ramp(1, scheme)[0]},
        "trend": {"color": _STRONG[scheme], "strokeWidth": 1.8},
        "on_dark": {"color": on_dark, "fontSize": 11},
        "on_light": {"color": on_light, "fontSize": 11},
    }
    # Symbols of a legend of shapes alone.
    legend = config["legend"] | {"symbolBaseFillColor": soft, "symbolBaseStrokeColor": soft}
    title = config["title"] | {"subtitleColor": soft, "subtitleFontSize": 12, "subtitlePadding": 5, "offset": 14}
    return config | {"range": ranges, "style": styles, "title": title, "legend": legend}
