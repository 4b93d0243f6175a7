"""Figures of fitted laws, as files."""

import re
from pathlib import Path

import pandas as pd

from chemscale.report.figure_file import write_figure
from chemscale.report.law_figures import law_figures, main_figure, table_panels
from chemscale.scaling.table_file import read_table
from chemscale.scaling.table_fit import TableFit
from chemscale.verbs.laws import Fits

_LONGEST = 80  # characters of a group in the name of a file


def draw(fits: Fits, path: Path, source: Path | pd.DataFrame | None = None) -> list[Path]:
    """Draw the laws: the main figure into a file, or every figure into a folder.

    Args:
        fits: what was fitted.
        path: .svg, .png or .html; joint laws of several groups get their group added to the name. Anything without an
            ending is a folder.
        source: the table that was fitted, for axes named in words and measured training FLOPs where it is a study's;
            None draws from the laws alone.

    Returns:
        what was written.
    """
    table = read_table(source) if isinstance(source, Path) else source
    written = []
    if path.suffix:
        last = table_panels(fits.tables[-1], table)  # of a study: the joint law
        for part, slug in zip(last.values(), slugs(list(last)), strict=True):
            place = path.with_name(f"{path.stem}-{slug}{path.suffix}") if len(last) > 1 else path
            written.append(write_figure(main_figure(part), place))
        return written
    for found, lead in zip(fits.tables, _leads(fits.tables), strict=True):
        panels = table_panels(found, table)
        for (name, part), slug in zip(panels.items(), slugs(list(panels)), strict=True):
            for kind, chart in law_figures(part).items():
                stem = "-".join(filter(None, [lead, slug if name else "", kind]))
                written.append(write_figure(chart, path / f"{stem}.svg"))
    return written


def slugs(names: list[str]) -> list[str]:
    """Every name as a part of a file name: letters, digits, dots, hyphens and underscores, no two of them the same."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^\w.-]+", "_", name)[:_LONGEST]
        slug, number = plain, 2
        while slug.casefold() in {other.casefold() for other in found}:
            slug, number = f"{plain}-{number}", number + 1
        found.append(slug)
    return found


def _leads(tables: tuple[TableFit, ...]) -> list[str]:
    """How the files of every law begin: its name, with its inputs where several laws have the same."""
    laws = [found.law for found in tables]
    return [
        found.law if laws.count(found.law) == 1 else "-".join([found.law, *slugs(list(found.inputs.values()))])
        for found in tables
    ]
