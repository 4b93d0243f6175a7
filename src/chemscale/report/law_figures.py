"""All figures of one fitted law or of one law per group: for the page, for files, and one picture of it all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from chemscale.report.axes import group_labels, title_of
from chemscale.report.forest_chart import forest_chart, forest_rows
from chemscale.report.heat_map import heat_map_panels, is_grid
from chemscale.report.isoflop import isoflop_panel
from chemscale.report.law_chart import CurveTitles, OneInputFit, law_panel
from chemscale.report.law_titles import LawTitles, formula_of, law_titles, symbol_of
from chemscale.report.panels import Panel, alone, compose
from chemscale.report.profile_chart import profile_panels
from chemscale.report.residual_charts import residual_panels
from chemscale.report.surface import surface_panel
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.solver.profile_curve import SMALLEST_NOISE
from chemscale.scaling.table_fit import TableFit

MAIN_WIDTH = 450


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
    compute: ArrayLike | None = None,
    titles: LawTitles | None = None,
) -> LawPanels:
    """The panels of a law of model size and data size.

    Args:
        fit: the fit.
        others: fits of other laws to the same runs, for the forest plot: label -> fit.
        path: the best split of budgets, see `surface_chart`; None takes `optimal_path`.
        compute: of every run, see `find_valleys`; None takes 6 N D.
        titles: of the axes.
    """
    titles = titles or law_titles(fit)
    spent = None if compute is None else np.asarray(compute, float)
    maps = heat_map_panels(fit, titles)
    # The surface shows scattered cells in the colour of their loss already.
    maps = maps if is_grid(fit) else maps[1:]
    panels = [surface_panel(fit, path, titles, spent), *maps]
    if len(fit.law.inputs) == 2 and (valleys := isoflop_panel(fit, spent, titles=titles)) is not None:
        panels.append(valleys)
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


def table_panels(found: TableFit) -> dict[str, LawPanels]:
    """The panels of every fit of a table.

    Laws of one resource share their figures, under the name "". Joint laws have figures of their own, under the name of
    their group, or "" without one.

    Args:
        found: fits of a table; groups that have none are not drawn.
    """
    drawn = {entry.value: entry.fit for entry in found.entries if entry.fit is not None}
    names = group_labels(drawn) if found.group is not None else {None: ""}
    loss = title_of(found.y)
    if len(found.inputs) == 1:
        titles = CurveTitles(title_of(next(iter(found.inputs.values()))), loss, title_of(found.group or ""))
        return {"": curve_panels({names[value] or found.law: fit for value, fit in drawn.items()}, titles)}
    return {
        names[value]: joint_panels(fit, titles=law_titles(fit, found.inputs, found.y))
        for value, fit in drawn.items()
        if isinstance(fit, LawFit)
    }


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
    noise = f"noise {100 * fit.noise:.2g} %, " if fit.law.residual == "relative" else ""
    facts = f"{100 * fit.level:g} % intervals, {fit.n_points} cells, R² = {fit.r_squared:.4f}, {noise}{fit.status}"
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
