"""Write the folder of a map: the page, the figures as SVG and PNG, the tables as CSV."""

from pathlib import Path

from chemscale.base.files import write_atomically
from chemscale.report.figure_file import write_figures
from chemscale.report.maps.contents import MapReport, map_frame
from chemscale.report.maps.figures import draw_maps
from chemscale.report.maps.page import render_map_page


def write_map(report: MapReport, folder: Path) -> Path:
    """Write `map.html`, `figures/`, `map.csv` with the coordinates and labels, and `numbers.csv`.

    Args:
        report: what to show.
        folder: made if absent; files of an earlier map are replaced.

    Returns:
        the path of `map.html`.
    """
    write_atomically(folder / "map.csv", map_frame(report).to_csv(index=False))
    write_atomically(folder / "numbers.csv", report.numbers.to_csv(index=False))
    write_figures(draw_maps(report), folder / "figures")
    page = folder / "map.html"
    write_atomically(page, render_map_page(report))
    return page
