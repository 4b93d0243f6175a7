"""Write the folder of a tuning's report: the page, the figures, the tables."""

from pathlib import Path

from chemscale.base.files import write_atomically
from chemscale.report.figure_file import write_figures
from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.figures import draw_tuning
from chemscale.report.tuning.page import render_tuning_page
from chemscale.report.tuning.runs import tuned_runs
from chemscale.report.tuning.tables import comparison_frame, decisions_frame, runs_frame


def write_tuning_report(report: TuningReport, folder: Path) -> Path:
    """Write `report.html`, `figures/*.svg`, `figures/*.png`, `runs.csv`, `decisions.csv` and `comparison.csv`.

    Args:
        report: what to show.
        folder: made if absent; files of an earlier report are replaced.

    Returns:
        the path of `report.html`.
    """
    runs = tuned_runs(report)
    figures = draw_tuning(report, runs)
    write_figures(figures.named(), folder / "figures")
    write_atomically(folder / "runs.csv", runs_frame(report, runs).to_csv(index=False))
    write_atomically(folder / "decisions.csv", decisions_frame(report).to_csv(index=False))
    write_atomically(folder / "comparison.csv", comparison_frame(report).to_csv(index=False))
    page = folder / "report.html"
    write_atomically(page, render_tuning_page(report, runs, figures))
    return page
