"""Write a report's folder: the page, the figures, the tables."""

from pathlib import Path

from chemscale.base.files import write_atomically
from chemscale.report.contents import StudyReport
from chemscale.report.figure_file import write_figures
from chemscale.report.figures import draw_figures
from chemscale.report.page import render_page
from chemscale.report.tables import fits_frame


def write_report(report: StudyReport, folder: Path, *, pictures: bool = True) -> Path:
    """Write `report.html`, `figures/*.svg`, `figures/*.png`, `table.csv`, `fits.csv` and `curves.csv`.

    Args:
        report: what to show.
        folder: made if absent; files of an earlier report are replaced.
        pictures: whether to write `figures/`, which takes longer than all else; the page can save each of its own.

    Returns:
        the path of `report.html`.
    """
    figures = draw_figures(report)
    if pictures:
        write_figures(figures.named(), folder / "figures")
    write_atomically(folder / "table.csv", report.table.to_csv(index=False))
    write_atomically(folder / "fits.csv", fits_frame(report.fits).to_csv(index=False))
    write_atomically(folder / "curves.csv", report.curves.to_csv(index=False))
    page = folder / "report.html"
    write_atomically(page, render_page(report, figures))
    return page
