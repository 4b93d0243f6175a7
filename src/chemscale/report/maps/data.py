"""What the script of a map draws, as plain JSON types: integers where a pixel is all that is seen."""

from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.chem.molecule_labels import SCAFFOLD, MoleculeLabel
from chemscale.report.maps.contents import MapReport, Picture
from chemscale.report.maps.theme import page_colours, shown_range

GRID = 10_000
"""Coordinates run from 0 to here."""
_DIGITS = 5


def page_data(report: MapReport) -> dict[str, Any]:
    """Everything that the page's script needs; see assets/map.js."""
    scaffolds = list(dict.fromkeys(report.scaffolds))
    places = {scaffold: place for place, scaffold in enumerate(scaffolds)}
    return {
        "colours": page_colours(),
        "pictures": [_picture(picture) for picture in report.pictures],
        "labels": [_label(label) for label in report.labels],
        "class_drawings": [_class_drawings(report, label) for label in report.labels],
        "smiles": list(report.smiles),
        "lines": list(report.lines),
        "names": list(report.names) or None,
        "scaffolds": scaffolds,
        "scaffold": [places[scaffold] for scaffold in report.scaffolds],
        "drawings": [drawing.to_json() for drawing in report.drawings],
    }


def on_grid(points: npt.NDArray[np.float64], equal: bool) -> npt.NDArray[np.int64]:
    """Coordinates as integers from 0 to `GRID`, y upwards [n_molecules, 2].

    Args:
        points: [n_molecules, 2].
        equal: keep one scale for both axes, with the shorter one in the middle.
    """
    low, high = points.min(0), points.max(0)
    spans = np.where(high > low, high - low, 1.0)
    if equal:
        spans = np.full(2, spans.max())
    shares = (points - (low + high) / 2) / spans + 0.5
    return np.rint(np.clip(shares, 0, 1) * GRID).astype(np.int64)


def _picture(picture: Picture) -> dict[str, Any]:
    grid = on_grid(picture.points, picture.equal)
    return {"name": picture.name, "x": grid[:, 0].tolist(), "y": grid[:, 1].tolist()}


def _label(label: MoleculeLabel) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": label.name, "title": label.title, "classes": list(label.classes)}
    if label.classes:
        plain["n_rest"] = label.n_rest
        plain["values"] = [None if np.isnan(value) else int(value) for value in label.values]
        return plain
    low, high = shown_range(label)
    known = label.values[label.known]
    plain |= {"low": low, "high": high, "least": float(known.min()), "most": float(known.max())}
    plain["values"] = [None if np.isnan(value) else float(f"{value:.{_DIGITS}g}") for value in label.values]
    return plain


def _class_drawings(report: MapReport, label: MoleculeLabel) -> list[list[Any] | None]:
    if label.name != SCAFFOLD:
        return [None] * len(label.classes)
    found = (report.scaffold_drawings.get(name) for name in label.classes)
    return [drawing.to_json() if drawing else None for drawing in found]
