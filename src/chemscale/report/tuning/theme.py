"""Colours of what became of the runs: those of a law's figures, with ranges of their own.

Kept runs are blue and stopped ones amber, the later the stronger: readable for every kind of colour vision and, by
lightness, in grey print. Diverged runs have marks of their own too.
"""

from typing import Any

import numpy as np

from chemscale.report.law_theme import law_config

KEPT, CALIBRATION, DIVERGED = "kept", "finished for calibration", "diverged"
FIXED = (KEPT, CALIBRATION, DIVERGED)
_FIXED_COLOURS = {"light": ("#1f6fa8", "#2b9a78", "#a3194e"), "dark": ("#62b4f2", "#66d3ac", "#ff85ad")}
_STOPPED = {"light": ("#efc67f", "#c0701f"), "dark": ("#86663a", "#f3b860")}
_LINES = {
    "light": ("#1f6fa8", "#7fb2d6", "#c0701f", "#2b9a78", "#7a5aa6", "#5b6675"),
    "dark": ("#62b4f2", "#3d7cab", "#f0a24a", "#66d3ac", "#ab8fe0", "#a3adba"),
}
_TEXT_ON_BAR = {"light": "#ffffff", "dark": "#10161d"}


def tuning_config(n_colours: int, scheme: str = "light") -> dict[str, Any]:
    """The Vega-Lite config of a tuning's figure.

    The range `ordinal` is that of the outcomes: `FIXED`, then `n_colours` - 3 stages of stopping from the first to the
    last. The range `category` is that of the families of policies.
    """
    config = law_config(n_colours, scheme)
    outcomes = [*_FIXED_COLOURS[scheme], *_between(*_STOPPED[scheme], max(n_colours - len(FIXED), 1))]
    styles = config["style"] | {
        "on_bar": {"color": _TEXT_ON_BAR[scheme], "fontSize": 10, "fontWeight": 600},
        "true_value": {"color": config["style"]["frontier"]["color"], "thickness": 2.5},
    }
    ranges = config["range"] | {"ordinal": outcomes[:n_colours], "category": list(_LINES[scheme])}
    return config | {"range": ranges, "style": styles}


def _between(first: str, last: str, n: int) -> list[str]:
    """`n` colours from one to the other; one alone is in the middle."""
    ends = np.array([[int(text[i : i + 2], 16) for i in (1, 3, 5)] for text in (first, last)], dtype=float)
    places = np.linspace(0, 1, n) if n > 1 else np.array([0.5])
    colours = ends[0] + places[:, None] * (ends[1] - ends[0])
    return ["#" + "".join(f"{round(value):02x}" for value in colour) for colour in colours]
