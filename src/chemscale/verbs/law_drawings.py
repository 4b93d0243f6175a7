"""Figures of fitted laws, as files."""

from pathlib import Path

from chemscale.report.figure_file import write_figure
from chemscale.report.law_figures import law_figures, main_figure, table_panels
from chemscale.verbs.laws import Fits


def draw(fits: Fits, path: Path) -> list[Path]:
    """Draw the laws: the main figure into a file, or every figure into a folder.

    Args:
        fits: what was fitted.
        path: .svg, .png or .html; joint laws of several groups get their group added to the name. Anything without an
            ending is a folder.

    Returns:
        what was written.
    """
    panels = {(table.law, name): part for table in fits.tables for name, part in table_panels(table).items()}
    written = []
    if path.suffix:
        last = table_panels(fits.tables[-1])  # of a study: the joint law
        for name, part in last.items():
            place = path.with_stem(f"{path.stem}-{name.replace(' ', '_')}") if len(last) > 1 else path
            written.append(write_figure(main_figure(part), place))
        return written
    for (law, name), part in panels.items():
        for kind, chart in law_figures(part).items():
            stem = "-".join(filter(None, [law, name.replace(" ", "_"), kind]))
            written.append(write_figure(chart, path / f"{stem}.svg"))
    return written
