"""The page of several families as one self-contained HTML file: no address in it is ever fetched."""

import html

import pandas as pd

from chemscale.report.axes import short, title_of
from chemscale.report.families.contents import PROCESSOR_TIME, FamiliesReport
from chemscale.report.families.figures import FamilyFigures, columns_for, size_words
from chemscale.report.families.sections import (
    capacity_section,
    data_section,
    family_links,
    held_out_section,
    joint_law_section,
    laws_section,
    time_section,
)
from chemscale.report.page_frame import PageParts, fill_page, made_section, panel_grid
from chemscale.report.tables import loss_text, runs_html


def render_families_page(report: FamiliesReport, figures: FamilyFigures) -> str:
    """The page's HTML text."""
    sections = [
        family_links(report),
        laws_section(report, figures),
        held_out_section(report, figures),
        data_section(report, figures),
        capacity_section(report, figures),
        time_section(report, figures),
        _curves_section(report, figures),
        joint_law_section(report, figures),
        _end_sections(report),
    ]
    return fill_page(
        PageParts(
            title=report.study.title,
            lead=_lead(report),
            cards=_cards(report),
            notes=report.study.notes,
            sections="".join(sections),
            charts=figures.charts(),
        )
    )


def _lead(report: FamiliesReport) -> str:
    table = report.study.table
    counts = {"family": len(report.parts), "run": len(table)}
    columns = {report.study.model_size: "model size", report.study.data_size: "data size", "seed": "seed"}
    counts |= {noun: table[column].nunique() for column, noun in columns.items() if column in table}
    plural = {"family": "families"}
    words = [f"{n} {noun if n == 1 else plural.get(noun, f'{noun}s')}" for noun, n in counts.items()]
    return ", ".join(report.parts) + " · " + " · ".join(words)


def _cards(report: FamiliesReport) -> list[tuple[str, str]]:
    table, usable, numbers = report.study.table, report.study.usable, report.comparison
    n_finished = int((table["status"] == "finished").sum()) if "status" in table else len(usable)
    cards = [(f"{n_finished}<small> of {len(table)}</small>", f"runs finished{_hours(report)}")]
    if len(usable):
        cards.append(_best_card(report, usable))
    for family, fit in numbers.laws.fits.items():
        if fit.law is not None:
            low, high = fit.law.intervals["beta"]
            bent = "; the points bend off this law" if fit.law.verdict == "bent" else ""
            words = f"β of {family} at {size_words(numbers.laws)}, {100 * fit.law.level:g} % interval{bent}"
            cards.append((f"{fit.law.beta:.3f} ± {(high - low) / 2:.3f}", html.escape(words)))
    return cards


def _hours(report: FamiliesReport) -> str:
    table, time = report.study.table, report.comparison.time
    if time not in table:
        return ""
    seconds = float(pd.to_numeric(table[time], errors="coerce").sum())
    amount = f"{seconds / 3600:.2g} h" if seconds >= 3600 else f"{seconds / 60:.2g} min"
    return f", {amount} of {'processor' if time == PROCESSOR_TIME else 'training'} time in all"


def _best_card(report: FamiliesReport, usable: pd.DataFrame) -> tuple[str, str]:
    study = report.study
    best = usable.iloc[int(usable[study.loss].astype(float).to_numpy().argmin())]
    size = f"{title_of(study.model_size)} {short(float(best[study.model_size]))}"
    words = f"lowest {title_of(study.loss, loss_unit=study.loss_unit)}: {best['family']}, {size}"
    return loss_text(float(best[study.loss])), html.escape(words)


def _curves_section(report: FamiliesReport, figures: FamilyFigures) -> str:
    if not figures.curves:
        return ""
    at = html.escape(size_words(report.comparison.laws))
    return (
        f"<h2>Learning curves</h2><p class='caption'>All runs at {at}, one line each. Solid: validation. Dotted: "
        "training. All panels share one loss axis; other sizes are on the pages of the families.</p>"
        + panel_grid(figures.curves, columns_for(figures.curves))
    )


def _end_sections(report: FamiliesReport) -> str:
    study = report.study
    facts = dict(study.environment)
    if "precision" in study.table:
        counts = study.table["precision"].dropna().astype(str).value_counts()
        facts = {"precision": ", ".join(f"{name} ({count} runs)" for name, count in counts.items())} | facts
    return f"<h2>Runs</h2><p class='caption'>Click a column's name to sort by it.</p>{runs_html(study)}" + made_section(
        study.commands, facts, study.config_text, "Study file"
    )
