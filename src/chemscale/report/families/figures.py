"""Every figure of the page of several families, each drawn once and used by the page and by the files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import pandas as pd

from chemscale.report.axes import padded, short, title_of
from chemscale.report.families.contents import FamiliesReport
from chemscale.report.families.exponent_chart import exponent_chart
from chemscale.report.families.theme import family_config
from chemscale.report.families.time_chart import time_chart
from chemscale.report.heat_map import loss_map
from chemscale.report.law_theme import law_config
from chemscale.report.law_titles import law_titles
from chemscale.report.learning_curves import learning_curve_panels
from chemscale.report.loss_charts import loss_against_data, loss_against_size
from chemscale.report.page_frame import embedded
from chemscale.report.panels import Panel, compose
from chemscale.scaling.family_laws import RATIO, FamilyLaws

FILE_WIDTH = 420


@dataclass(frozen=True)
class FamilyFigures:
    """The panels of the page by section; an empty list where there is nothing to draw.

    Attributes:
        laws: L(n) of all families in one chart, and their exponents.
        held_out: the same for the loss on random frames, and the ratio of both losses.
        data: one panel per family, loss against data size in the colours of model sizes; empty where there is one.
        capacity, time, curves, maps: one panel per family.
    """

    laws: list[Panel] = field(default_factory=list)
    held_out: list[Panel] = field(default_factory=list)
    data: list[Panel] = field(default_factory=list)
    capacity: list[Panel] = field(default_factory=list)
    time: list[Panel] = field(default_factory=list)
    curves: list[Panel] = field(default_factory=list)
    maps: list[Panel] = field(default_factory=list)

    @property
    def by_section(self) -> dict[str, list[Panel]]:
        """Name of a section -> its panels."""
        return {name: panels for name, panels in vars(self).items() if panels}

    def files(self) -> dict[str, alt.VConcatChart]:
        """One chart per section, by file name."""
        return {
            f"families_{name}": compose(panels, min(2, len(panels)), FILE_WIDTH, config=family_config)
            if name in ("laws", "held_out")
            else compose(panels, min(2, len(panels)), FILE_WIDTH, 300)
            for name, panels in self.by_section.items()
        }

    def charts(self) -> dict[str, dict[str, Any]]:
        """Every chart as the page takes it."""
        by_family = {panel.name: embedded(panel.chart, family_config) for panel in [*self.laws, *self.held_out]}
        others = [*self.data, *self.capacity, *self.time, *self.curves]
        maps = {panel.name: embedded(panel.chart, law_config) for panel in self.maps}
        return by_family | {panel.name: embedded(panel.chart) for panel in others} | maps


def draw_family_figures(report: FamiliesReport) -> FamilyFigures:
    """Draw every figure that the report has data for."""
    if report.study.usable.empty:
        return FamilyFigures(curves=_curves(report))
    size, data = report.study.model_size, report.study.data_size
    several = report.study.usable[size].nunique() > 1
    return FamilyFigures(
        laws=_laws(report),
        held_out=_held_out(report),
        data=_per_family(report, "data", _size_chart(report, data, size)) if several else [],
        capacity=_per_family(report, "capacity", _size_chart(report, size, data)),
        time=_per_family(report, "time", _time_chart(report)),
        curves=_curves(report),
        maps=_maps(report),
    )


def _laws(report: FamiliesReport) -> list[Panel]:
    found, numbers = report.comparison.laws, report.comparison
    words = f"Loss on {numbers.validation} at {size_words(found)}."
    panels = _law_panel(report, found, report.study.loss, "laws", "Loss against data", words)
    exponents = exponent_chart(found, numbers.published, numbers.data_unit, numbers.data_size)
    if exponents is not None:
        hollow = " Hollow, dashed: as published, on other data." if numbers.published else ""
        caption = f"The steeper the law, the larger β.{hollow}"
        panels.append(Panel("family_exponents", "Exponents", caption, exponents, len(found.fits)))
    return panels


def _held_out(report: FamiliesReport) -> list[Panel]:
    numbers = report.comparison
    if numbers.seen is None or numbers.ratio is None:
        return []
    known = "Loss on new frames of molecules that were trained on."
    seen = _law_panel(report, numbers.seen, numbers.seen.loss, "seen", "Random frames", known)
    words = f"Loss on {numbers.validation} over loss on random frames: how much is lost on what is new."
    return seen + _law_panel(report, numbers.ratio, RATIO, "ratio", "Ratio of the two", words)


def _law_panel(report: FamiliesReport, laws: FamilyLaws, loss: str, name: str, title: str, caption: str) -> list[Panel]:
    study, families = report.study, report.comparison.families
    runs = study.usable
    held_out, seen = report.comparison.held_out, report.comparison.seen
    if loss == RATIO and held_out is not None and seen is not None:
        runs = runs.assign(**{RATIO: runs[held_out.loss].astype(float) / runs[seen.loss].astype(float)})
    runs = runs[(runs[laws.model_size] == laws.size) & runs[loss].notna()]
    if runs.empty:
        return []
    chart = loss_against_data(
        runs,
        list(laws.fits.values()),
        x=study.data_size,
        loss=loss,
        group="family",
        data_unit=study.data_unit,
        loss_unit=study.loss_unit,
        order=families,
        picked=f"picked_{name}",
    )
    return [Panel(f"family_{name}", title, caption, chart, len(families))]


def size_words(laws: FamilyLaws) -> str:
    """The model size at which families are compared, in words."""
    if laws.model_size == "capacity":
        return f"capacity {laws.size:g}"
    return f"{short(laws.size)} {title_of(laws.model_size)}"


def _per_family(
    report: FamiliesReport, name: str, draw: Callable[[pd.DataFrame, str], alt.LayerChart | None]
) -> list[Panel]:
    """One panel per family that `draw` draws something for."""
    panels = []
    for family, part in report.parts.items():
        runs = part.usable
        chart = draw(runs, family) if len(runs) else None
        if chart is not None:
            panels.append(Panel(f"{name}_{family}", family, "", chart, runs[part.data_size].nunique()))
    return panels


def _shown(values: pd.Series) -> tuple[float, float]:
    numbers = pd.to_numeric(values, errors="coerce")
    numbers = numbers[numbers > 0]
    return padded(float(numbers.min()), float(numbers.max()), 0.08)


def _size_chart(report: FamiliesReport, along: str, group: str) -> Callable[[pd.DataFrame, str], alt.LayerChart | None]:
    """Loss against model size per data size, or against data size per model size, with the laws of the family."""
    study = report.study
    losses = _shown(study.usable[study.loss])

    def draw(runs: pd.DataFrame, family: str) -> alt.LayerChart | None:
        if runs[along].nunique() < 2:
            return None
        return loss_against_size(
            runs,
            report.parts[family].fits,
            x=along,
            loss=study.loss,
            group=group,
            data_unit=study.data_unit,
            loss_unit=study.loss_unit,
            shown_losses=losses,
            picked=f"picked_{family}",
        )

    return draw


def _time_chart(report: FamiliesReport) -> Callable[[pd.DataFrame, str], alt.LayerChart | None]:
    study, time = report.study, report.comparison.time
    known = study.usable
    if time not in known:
        return lambda runs, family: None
    shown = _shown(known[time]), _shown(known[study.loss])
    sizes = sorted(known[study.data_size].astype(float).unique())

    def draw(runs: pd.DataFrame, family: str) -> alt.LayerChart | None:
        return time_chart(
            runs,
            time=time,
            loss=study.loss,
            model_size=study.model_size,
            data_size=study.data_size,
            shown=shown,
            data_sizes=sizes,
            units=(study.data_unit, study.loss_unit),
        )

    return draw


def _curves(report: FamiliesReport) -> list[Panel]:
    """The learning curves at the compared size, one panel per family, one colour per data size."""
    study, laws = report.study, report.comparison.laws
    table = study.table[study.table[laws.model_size] == laws.size]
    drawn = study.curves[study.curves["run"].isin(table["run"])] if "run" in study.curves else pd.DataFrame()
    if drawn.empty or study.loss not in drawn:
        return []
    first = drawn.sort_values(study.curve_axis).groupby("run")[study.loss].first()
    losses = padded(float(drawn[study.loss][drawn[study.loss] > 0].min()), float(first.max()))
    panels = []
    for family in report.parts:
        found = learning_curve_panels(
            drawn,
            table[table["family"] == family],
            x=study.curve_axis,
            loss=study.loss,
            model_size=study.data_size,
            data_size=laws.model_size,
            data_unit=study.data_unit,
            loss_unit=study.loss_unit,
            shown_losses=losses,
        )
        panels += [Panel(f"curves_{family}", family, "", one.chart, table[study.data_size].nunique()) for one in found]
    return panels


def _maps(report: FamiliesReport) -> list[Panel]:
    """The measured L(c, n) of every family that has a joint law."""
    panels = []
    for family, part in report.parts.items():
        if part.joint is not None:
            columns = {"parameters": part.model_size, "data": part.data_size}
            titles = law_titles(part.joint, columns, part.loss, part.data_unit, part.loss_unit)
            panels.append(Panel(f"map_{family}", family, "", loss_map(part.joint, titles)))
    return panels


def columns_for(panels: Sequence[Panel]) -> str:
    """How many panels stand side by side on the page."""
    return "two" if len(panels) in (1, 2, 4) else "three"
