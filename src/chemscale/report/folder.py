"""Write a report's folder: the page, the figures, the tables."""

from pathlib import Path

import vl_convert

from chemscale.base.files import write_atomically
from chemscale.report.contents import StudyReport
from chemscale.report.figures import Figures, draw_figures
from chemscale.report.page import render_page
from chemscale.report.tables import fits_frame

PNG_SCALE = 2.0


def write_report(report: StudyReport, folder: Path) -> Path:
    """Write `report.html`, `figures/*.svg`, `figures/*.png`, `table.csv`, `fits.csv` and `curves.csv`.

    Args:
        report: what to show.
        folder: made if absent; files of an earlier report are replaced.

    Returns:
        the path of `report.html`.
    """
    figures = draw_figures(report)
    _write_figures(figures, folder / "figures")
    write_atomically(folder / "table.csv", report.table.to_csv(index=False))
    write_atomically(folder / "fits.csv", fits_frame(report.fits).to_csv(index=False))
    write_atomically(folder / "curves.csv", report.curves.to_csv(index=False))
    page = folder / "report.html"
    write_atomically(page, render_page(report, figures))
    return page


def _write_figures(figures: Figures, folder: Path) -> None:
    charts = figures.named()
    for old in [*folder.glob("*.svg"), *folder.glob("*.png")]:
        if old.stem not in charts:
            old.unlink()
    for name, chart in charts.items():
        svg = str(vl_convert.vegalite_to_svg(chart.to_dict()))
        write_atomically(folder / f"{name}.svg", svg)
        write_atomically(folder / f"{name}.png", vl_convert.svg_to_png(svg, scale=PNG_SCALE))
