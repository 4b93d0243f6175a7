"""Figures of fitted laws, as files."""

from pathlib import Path

from chemscale.report.figure_file import write_figure
from chemscale.report.law_figures import law_figures, main_figure, table_panels
from chemscale.verbs.laws import Fits


def draw(fits: Fits, path: Path) -> list[Path]:
    """Draw the laws: the main figure into a file, or every figure into a folder.

    Args:
        fits: what was fitted.
        path: .svg, .png or .html; anything without an ending is a folder.

    Returns:
        what was written.
    """
    panels = {(table.law, name): part for table in fits.tables for name, part in table_panels(table).items()}
    if path.suffix:
        first = list(panels.values())[-1]  # of a study: the joint law, the last
        return [write_figure(main_figure(first), path)]
    written = []
    for (law, name), part in panels.items():
        for kind, chart in law_figures(part).items():
            stem = "-".join(filter(None, [law, name.replace(" ", "_"), kind]))
            written.append(write_figure(chart, path / f"{stem}.svg"))
    return written
