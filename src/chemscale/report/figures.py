"""All figures of a report, each drawn once and used by the page and by the files."""

from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from chemscale.report.budgets import table_budgets
from chemscale.report.contents import StudyReport
from chemscale.report.exponents import exponents
from chemscale.report.law_figures import LawPanels, joint_panels, law_figures
from chemscale.report.law_titles import law_titles
from chemscale.report.learning_curves import CurvePanel, learning_curve_panels, learning_curves
from chemscale.report.loss_charts import loss_against_data, loss_against_size
from chemscale.scaling.law_fit import LawFit


@dataclass(frozen=True)
class Figures:
    """The figures of a report; None, or no panel, where there is nothing to draw."""

    against_size: alt.LayerChart | None
    against_data: alt.LayerChart | None
    size_exponents: alt.LayerChart | None
    data_exponents: alt.LayerChart | None
    curves: list[CurvePanel]
    joint: LawPanels | None = None

    def named(self) -> dict[str, alt.LayerChart | alt.ConcatChart | alt.VConcatChart]:
        """The figures that exist, by file name."""
        charts = {
            "loss_against_model_size": self.against_size,
            "loss_against_data_size": self.against_data,
            "exponents_of_model_size": self.size_exponents,
            "exponents_of_data_size": self.data_exponents,
            "learning_curves": learning_curves(self.curves) if self.curves else None,
        }
        if self.joint is not None:
            charts |= {f"joint_{name}": chart for name, chart in law_figures(self.joint).items()}
        return {name: chart for name, chart in charts.items() if chart is not None}


def draw_figures(report: StudyReport) -> Figures:
    """Draw every figure that the report has data for."""
    table = report.usable
    units: dict[str, Any] = {"data_unit": report.data_unit, "loss_unit": report.loss_unit}
    columns: dict[str, Any] = {"loss": report.loss, "model_size": report.model_size, "data_size": report.data_size}
    size, data = report.model_size, report.data_size
    against_size = against_data = None
    if _has(table, size):
        against_size = loss_against_size(table, report.fits, x=size, loss=report.loss, group=data, **units)
    if _has(table, data):
        against_data = loss_against_data(table, report.fits, x=data, loss=report.loss, group=size, **units)
    return Figures(
        against_size=against_size,
        against_data=against_data,
        size_exponents=_exponents(report, size),
        data_exponents=_exponents(report, data),
        curves=learning_curve_panels(report.curves, report.table, x=report.curve_axis, **columns, **units),
        joint=None if report.joint is None else _joint(report, report.joint),
    )


def _joint(report: StudyReport, fit: LawFit) -> LawPanels:
    columns = {"parameters": report.model_size, "data": report.data_size}
    titles = law_titles(fit, columns, report.loss, report.data_unit, report.loss_unit)
    return joint_panels(fit, budgets=table_budgets(report.usable, fit, columns), titles=titles)


def _has(table: pd.DataFrame, resource: str) -> bool:
    return resource in table and table[resource].nunique() > 1


def _exponents(report: StudyReport, resource: str) -> alt.LayerChart | None:
    """One exponent alone is a number in the table and no figure."""
    fits = report.fits_along(resource)
    several = sum(fit.law is not None for fit in fits) > 1
    return exponents(fits, report.data_unit) if several else None
