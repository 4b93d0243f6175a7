"""Write the report's folder of several families: the page, one page per family, figures and tables."""

from pathlib import Path

from chemscale.base.files import write_atomically
from chemscale.report.families.contents import FamiliesReport
from chemscale.report.families.figures import draw_family_figures
from chemscale.report.families.page import render_families_page
from chemscale.report.families.sections import FOLDER
from chemscale.report.families.tables import differences_frame, laws_frame
from chemscale.report.figure_file import write_figures
from chemscale.report.folder import write_report


def write_families_report(report: FamiliesReport, folder: Path) -> Path:
    """Write `report.html`, `figures/`, tables as CSV, and in `families/<family>/` the report of every family by itself.

    The tables are `table.csv` and `curves.csv` of all runs, `family_laws.csv`, `exponent_differences.csv` and
    `rank_correlations.csv`.

    Args:
        report: what to show.
        folder: made if absent; files of an earlier report are replaced.

    Returns:
        the path of `report.html`.
    """
    figures, numbers = draw_family_figures(report), report.comparison
    for family, part in report.parts.items():
        write_report(part, folder / FOLDER / family, pictures=False)
    write_figures(figures.files(), folder / "figures")
    tables = {
        "table": report.study.table,
        "curves": report.study.curves,
        "family_laws": laws_frame(numbers),
        "exponent_differences": differences_frame(numbers.laws),
        "rank_correlations": numbers.correlations,
    }
    for name, table in tables.items():
        write_atomically(folder / f"{name}.csv", table.to_csv(index=False))
    page = folder / "report.html"
    write_atomically(page, render_families_page(report, figures))
    return page
