"""Colours of a map: eight classes, grey leftovers, a quiet and a loud one for two classes, a ramp for numbers."""

from typing import Any

import numpy as np

from chemscale.chem.molecule_labels import OTHER, MoleculeLabel
from chemscale.report.theme import ramp

_CLASSES = {
    "light": ("#1f6fa8", "#d1512d", "#2b8a6b", "#d99a1c", "#7a5aa6", "#c2578f", "#52a8cc", "#7c6a3c"),
    "dark": ("#62b4f2", "#ff8a70", "#66d3ac", "#f3c060", "#b9a0f0", "#f08fc0", "#9ee0f5", "#cdb987"),
}
_REST = {"light": ("#aab3be", "#d3d9e0"), "dark": ("#6b7684", "#3d4650")}
_BINARY = {"light": ("#a9bccd", "#c8402a"), "dark": ("#4f6578", "#ff8a70")}
_MISSING = {"light": "#e3e7ec", "dark": "#2b333e"}
_PAPER = {"light": ("#ffffff", "#1c2430"), "dark": ("#151a21", "#e8ecf1")}
_RAMP_STEPS = 33
SHOWN = (2.0, 98.0)
"""Percentiles between which numbers change their colour: a few extremes shall not make all the rest look alike."""


def page_colours() -> dict[str, dict[str, Any]]:
    """What the page's script asks for, for light and dark pages."""
    return {scheme: _scheme(scheme) for scheme in ("light", "dark")}


def class_colours(label: MoleculeLabel, scheme: str = "light") -> list[str]:
    """One colour for each class of a label; beyond eight they begin anew."""
    if label.is_binary:
        return list(_BINARY[scheme])
    named = len(label.classes) - label.n_rest
    own = [_CLASSES[scheme][place % len(_CLASSES[scheme])] for place in range(named)]
    return own + [_REST[scheme][0 if name == OTHER else 1] for name in label.classes[named:]]


def missing_colour(scheme: str = "light") -> str:
    """The colour of a molecule whose label is not known."""
    return _MISSING[scheme]


def shown_range(label: MoleculeLabel) -> tuple[float, float]:
    """Between which numbers the colours change."""
    low, high = np.percentile(label.values[label.known], SHOWN)
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)


def _scheme(scheme: str) -> dict[str, Any]:
    paper, ink = _PAPER[scheme]
    return {
        "classes": list(_CLASSES[scheme]),
        "rest": list(_REST[scheme]),
        "binary": list(_BINARY[scheme]),
        "missing": _MISSING[scheme],
        "ramp": ramp(_RAMP_STEPS, scheme),
        "paper": paper,
        "ink": ink,
    }
