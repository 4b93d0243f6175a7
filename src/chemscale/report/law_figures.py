"""All figures of one fitted law or of one law per group: for the page, for files, and one picture of it all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from chemscale.report.axes import group_labels, title_of
from chemscale.report.budgets import SIX_ND_BUDGETS, Budgets, table_budgets
from chemscale.report.forest_chart import forest_chart, forest_rows
from chemscale.report.heat_map import heat_map_panels, is_grid
from chemscale.report.isoflop import isoflop_panel
from chemscale.report.law_chart import CurveTitles, OneInputFit, law_panel
from chemscale.report.law_titles import LawTitles, column_titles, formula_of, law_titles, symbol_of
from chemscale.report.panels import Panel, alone, compose
from chemscale.report.profile_chart import profile_panels
from chemscale.report.residual_charts import residual_panels
from chemscale.report.surface import surface_panel
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.solver.profile_curve import SMALLEST_NOISE
from chemscale.scaling.table_fit import TableFit

MAIN_WIDTH = 450
STUDY_COLUMNS = {"run", "family"}  # a table with both is that of a study


@dataclass(frozen=True)
class LawPanels:
    """The panels of a fit by what they show; an empty list where there is nothing to draw.

    Attributes:
        fit: the law itself: its surface, maps and valleys, or its curve.
        exponents: the forest plot.
        residuals: against the fitted loss and every input.
        profiles: one per parameter.
        heading: the law and its parameters in words, for a picture without a page around it.
    """

    fit: list[Panel]
    exponents: list[Panel]
    residuals: list[Panel]
    profiles: list[Panel]
    heading: tuple[str, ...] = ()

    @property
    def all(self) -> list[Panel]:
        """Every panel."""
        return [*self.fit, *self.exponents, *self.residuals, *self.profiles]


def joint_panels(
    fit: LawFit,
    *,
    others: Mapping[str, LawFit] | None = None,
    path: pd.DataFrame | None = None,
    budgets: Budgets = SIX_ND_BUDGETS,
    titles: LawTitles | None = None,
) -> LawPanels:
    """The panels of a law of model size and data size.

    Args:
        fit: the fit.
        others: fits of other laws to the same runs, for the forest plot: label -> fit.
        path: the best split of budgets, see `surface_chart`; None takes `optimal_path`.
        budgets: the compute of the runs; where it is refused, there are neither best splits nor valleys.
        titles: of the axes.
    """
    titles = titles or law_titles(fit)
    maps = heat_map_panels(fit, titles)
    # The surface shows scattered cells in the colour of their loss already.
    maps = maps if is_grid(fit) else maps[1:]
    panels = [surface_panel(fit, path, titles, budgets), *maps]
    if len(fit.law.inputs) == 2 and not budgets.refused:
        valleys = isoflop_panel(fit, budgets.spent, titles=titles)
        panels += [valleys] if valleys is not None else []
    forest = _forest({fit.name: fit} | dict(others or {}))
    return LawPanels(panels, forest, residual_panels(fit, titles), _profiles(fit), _heading(fit))


def curve_panels(
    fits: Mapping[str, OneInputFit], titles: CurveTitles | None = None, runs: pd.DataFrame | None = None
) -> LawPanels:
    """The panels of laws of one resource, one per group.

    Args:
        fits: group -> fit.
        titles: of the axes.
        runs: see `law_chart`.
    """
    law = law_panel(fits, titles, runs)
    only = next(iter(fits.values()))
    forest = _forest(fits) if len(fits) > 1 or isinstance(only, LawFit) else []
    if len(fits) > 1 or not isinstance(only, LawFit):
        return LawPanels([law], forest, [], [])
    named = None if titles is None else LawTitles((titles.resource,), titles.loss)
    return LawPanels([law], forest, residual_panels(only, named), _profiles(only))


def table_panels(found: TableFit, table: pd.DataFrame | None = None) -> dict[str, LawPanels]:
    """The panels of every fit of a table.

    Laws of one resource share their figures, under the name "". Joint laws have figures of their own, under the name of
    their group, or "" without one.

    Args:
        found: fits of a table; groups that have none are not drawn.
        table: the table, where at hand: the axes of a study's get titles in words, and its training FLOPs are used.
    """
    of_study = table is not None and set(table.columns) >= STUDY_COLUMNS
    drawn = {entry.value: entry.fit for entry in found.entries if entry.fit is not None}
    names = group_labels(drawn) if found.group is not None else {None: ""}
    if len(found.inputs) == 1:
        columns = (next(iter(found.inputs.values())), found.y, found.group or "")
        titles = CurveTitles(*(title_of(column) if of_study else column for column in columns))
        return {"": curve_panels({names[value] or found.law: fit for value, fit in drawn.items()}, titles)}
    titled = law_titles if of_study else column_titles
    return {
        names[value]: joint_panels(
            fit,
            budgets=table_budgets(_rows_of(found, value, table), fit, found.inputs),
            titles=titled(fit, found.inputs, found.y),
        )
        for value, fit in drawn.items()
        if isinstance(fit, LawFit)
    }


def _rows_of(found: TableFit, value: Any, table: pd.DataFrame | None) -> pd.DataFrame | None:
    """The rows of one group."""
    if table is None or found.group is None:
        return table
    return table[table[found.group] == value]


def law_figures(panels: LawPanels) -> dict[str, alt.VConcatChart]:
    """One chart per file: name -> chart."""
    figures = {panel.name: alone(panel) for panel in [*panels.fit, *panels.exponents]}
    if panels.residuals:
        figures["residuals"] = compose(panels.residuals, len(panels.residuals), 300, 240)
    if panels.profiles:
        figures["profiles"] = compose(panels.profiles, min(3, len(panels.profiles)), 300, 230)
    return figures


def main_figure(panels: LawPanels) -> alt.VConcatChart:
    """The one picture of a fit: what the law looks like, and what it leaves over where there is room for it."""
    if len(panels.fit) == 1:
        return compose([*panels.fit, *panels.exponents], 1, 2 * MAIN_WIDTH)
    shown: Sequence[Panel] = panels.fit
    if len(shown) % 2:
        shown = [*shown, *panels.residuals[:1]]
    return compose(shown, 2, MAIN_WIDTH, 340, panels.heading)


def _heading(fit: LawFit) -> tuple[str, ...]:
    """The formula, the parameters with their intervals, and how good the fit is."""
    values = []
    for name, value in fit.parameters.items():
        low, high = (f"{end:.4g}" if np.isfinite(end) else "open" for end in fit.intervals[name])
        values.append(f"{symbol_of(name)} = {value:.4g} [{low}, {high}]")
    explained = f"{fit.n_points} cells, R² = {fit.r_squared:.4f}"
    facts = f"{100 * fit.level:g} % intervals, {explained}, {fit.noise_text}, {fit.status}"
    half = len(values) if len(values) <= 5 else (len(values) + 1) // 2
    lines = [",   ".join(part) for part in (values[:half], values[half:]) if part]
    return (formula_of(fit.formula), *lines, facts)


def _forest(fits: Mapping[str, OneInputFit]) -> list[Panel]:
    rows = forest_rows(fits)
    if len(rows) < 2:
        return []
    level = next(iter(fits.values())).level
    hollow = " Hollow: the same law with Huber's loss." if any(np.isnan(row.low) for row in rows) else ""
    caption = f"Bars: {100 * level:g} % intervals.{hollow}"
    return [Panel("exponents", "Exponents", caption, forest_chart(rows, level), len({row.exponent for row in rows}))]


def _profiles(fit: LawFit) -> list[Panel]:
    return profile_panels(fit) if fit.noise >= SMALLEST_NOISE else []
