"""Every colouring of a map as a figure for slides and papers: the pictures side by side, one legend."""

import itertools

import altair as alt
import numpy as np
import pandas as pd

from chemscale.chem.molecule_labels import MoleculeLabel
from chemscale.report.law_theme import law_config
from chemscale.report.maps.contents import MapReport, Picture, label_texts
from chemscale.report.maps.theme import class_colours, missing_colour, shown_range
from chemscale.report.theme import SHAPES, ramp

NOT_KNOWN = "not known"
_SIDE = 420
_LEGEND_WIDTH = 300


def draw_maps(report: MapReport) -> dict[str, alt.HConcatChart]:
    """Name of a file -> figure, one for each label; names that are alike but for letter case are numbered."""
    figures: dict[str, alt.HConcatChart] = {}
    taken: set[str] = set()
    for label in report.labels:
        word = file_word(label.name)
        candidates = itertools.chain([f"map_{word}"], (f"map_{word}_{number}" for number in itertools.count(2)))
        name = next(name for name in candidates if name.lower() not in taken)
        taken.add(name.lower())
        figures[name] = draw_map(report, label)
    return figures


def draw_map(report: MapReport, label: MoleculeLabel) -> alt.HConcatChart:
    """The pictures of a map, coloured by one label."""
    order = _drawing_order(label)
    panels = [_panel(picture, label, order, size=_point_size(len(report))) for picture in report.pictures]
    chart: alt.HConcatChart = alt.hconcat(*panels, spacing=30).resolve_scale(color="shared", shape="shared")
    return chart.configure(**law_config(1))


def file_word(name: str) -> str:
    """A name of a column as a part of a file's name."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)


def _panel(picture: Picture, label: MoleculeLabel, order: list[int], size: float) -> alt.LayerChart:
    frame = pd.DataFrame({"x": picture.points[:, 0], "y": picture.points[:, 1]})
    frame["label"] = [text or NOT_KNOWN for text in label_texts(label)] if label.classes else label.values
    frame = frame.iloc[order]
    x, y = _axes(picture)
    base = {"x": x, "y": y}
    title = alt.TitleParams(text=picture.title, subtitle=picture.caption)
    if label.classes:
        layers = [_points(frame, size).encode(**base, **_classes(label))]
    else:
        known = frame["label"].notna()
        layers = [
            _points(frame[~known], size).encode(**base, color=alt.value(missing_colour())),
            _points(frame[known], size).encode(**base, color=_numbers(label)),
        ]
        layers = layers if (~known).any() else layers[1:]
    return alt.layer(*layers).properties(width=_SIDE, height=_SIDE, title=title)


def _points(frame: pd.DataFrame, size: float) -> alt.Chart:
    # Inline values: a data frame of more than 5,000 rows would be refused.
    values = frame.astype(object).where(frame.notna(), None).to_dict("records")
    chart = alt.Chart(alt.InlineData(values=values))
    return chart.mark_point(filled=True, size=size, opacity=0.9, stroke="#ffffff", strokeWidth=0.3, aria=False)


def _classes(label: MoleculeLabel) -> dict[str, alt.Color | alt.Shape]:
    names, colours = list(label.classes), class_colours(label)
    named = len(names) - label.n_rest
    n_shaped = 0 if label.is_binary else named
    shapes = [SHAPES[place % len(SHAPES)] if place < n_shaped else "circle" for place in range(len(names))]
    if not label.known.all():
        names, colours, shapes = [*names, NOT_KNOWN], [*colours, missing_colour()], [*shapes, "circle"]
    legend = alt.Legend(title=label.title, orient="right", labelLimit=_LEGEND_WIDTH)
    return {
        "color": alt.Color("label:N", scale=alt.Scale(domain=names, range=colours), legend=legend),
        "shape": alt.Shape("label:N", scale=alt.Scale(domain=names, range=shapes), legend=legend),
    }


def _numbers(label: MoleculeLabel) -> alt.Color:
    scale = alt.Scale(domain=list(shown_range(label)), range=ramp(9), clamp=True)
    return alt.Color("label:Q", scale=scale, legend=alt.Legend(title=label.title, orient="right", gradientLength=220))


def _axes(picture: Picture) -> tuple[alt.X, alt.Y]:
    low, high = picture.points.min(0), picture.points.max(0)
    spans = np.where(high > low, high - low, 1.0)
    spans = np.full(2, spans.max()) if picture.equal else spans
    ends = [[float(m - 0.53 * s), float(m + 0.53 * s)] for m, s in zip((low + high) / 2, spans, strict=True)]
    axis = alt.Axis(labels=False, ticks=False, grid=False)
    across = alt.X("x:Q", title=picture.axes[0] or None, scale=alt.Scale(domain=ends[0], nice=False), axis=axis)
    up = alt.Y("y:Q", title=picture.axes[1] or None, scale=alt.Scale(domain=ends[1], nice=False), axis=axis)
    return across, up


def _drawing_order(label: MoleculeLabel) -> list[int]:
    """Unknown and leftovers first, then all others mixed, so that no class covers another by its place in the file."""
    mixed = np.random.default_rng(0).permutation(len(label.values))
    loud = np.where(label.known, 2.0, 0.0)
    if label.is_binary:
        loud = np.where(label.known, 1 + label.values, 0.0)
    elif label.classes:
        loud = np.where(label.values >= len(label.classes) - label.n_rest, 1.0, loud)
    return [int(place) for place in mixed[np.argsort(loud[mixed], kind="stable")]]


def _point_size(n_molecules: int) -> float:
    return float(np.clip(24_000 / n_molecules, 7, 60))
