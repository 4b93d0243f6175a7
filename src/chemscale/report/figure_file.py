"""Write figures to files: SVG, PNG, or a page of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from chemscale.base.errors import ConfigError
from chemscale.base.files import write_atomically

PNG_SCALE = 2.0
SUFFIXES = (".svg", ".png", ".html")


def check_figure_path(path: Path) -> Path:
    """The path as it came, so that a wrong suffix is said before an hour of work and not after it.

    Raises:
        ConfigError: the suffix is none of .svg, .png, .html.
    """
    if path.suffix.lower() not in SUFFIXES:
        seen = f"the suffix {path.suffix!r}" if path.suffix else "no suffix"
        raise ConfigError(f"{path}: has {seen}; a figure is written as {', '.join(SUFFIXES)}")
    return path


def write_figure(chart: alt.TopLevelMixin, path: Path) -> Path:
    """Write a chart in the format that the suffix names; the page needs no network.

    Raises:
        ConfigError: the suffix is none of .svg, .png, .html.
    """
    suffix = check_figure_path(path).suffix.lower()
    spec: dict[str, Any] = chart.to_dict()
    if suffix == ".html":
        write_atomically(path, str(vl_convert.vegalite_to_html(spec, bundle=True)))
        return path
    svg = str(vl_convert.vegalite_to_svg(spec))
    write_atomically(path, svg if suffix == ".svg" else vl_convert.svg_to_png(svg, scale=PNG_SCALE))
    return path


def write_figures(charts: Mapping[str, alt.TopLevelMixin], folder: Path) -> None:
    """Write every chart as `<name>.svg` and `<name>.png`; pictures of an earlier report that are not among them go."""
    for old in [*folder.glob("*.svg"), *folder.glob("*.png")]:
        if old.stem not in charts:
            old.unlink()
    for name, chart in charts.items():
        svg = str(vl_convert.vegalite_to_svg(chart.to_dict()))
        write_atomically(folder / f"{name}.svg", svg)
        write_atomically(folder / f"{name}.png", vl_convert.svg_to_png(svg, scale=PNG_SCALE))
