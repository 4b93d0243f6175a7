"""The report as one self-contained HTML page: no address in it is ever fetched."""

import html

import altair as alt
import pandas as pd

from chemscale.report.axes import short, title_of
from chemscale.report.contents import StudyReport
from chemscale.report.figures import Figures
from chemscale.report.joint_section import id_of, joint_section
from chemscale.report.law_theme import law_config
from chemscale.report.page_frame import PageParts, embedded, fill_page, made_section
from chemscale.report.remarks import group_names
from chemscale.report.tables import fits_html, loss_text, runs_html


def render_page(report: StudyReport, figures: Figures) -> str:
    """The page's HTML text."""
    charts = {name: embedded(chart) for name, chart in _page_charts(figures).items()}
    joint = ""
    if report.joint is not None and figures.joint is not None:
        charts |= {id_of(panel): embedded(panel.chart, law_config) for panel in figures.joint.all}
        joint = joint_section(report.joint, figures.joint)
    parts = [
        _loss_section(report, figures),
        joint,
        _curve_section(figures),
        _fit_section(report),
        _end_sections(report),
    ]
    return fill_page(
        PageParts(
            title=report.title,
            lead=_lead(report),
            cards=_cards(report),
            notes=_notes(report),
            sections="".join(parts),
            charts=charts,
        )
    )


def _page_charts(figures: Figures) -> dict[str, alt.LayerChart]:
    charts = {
        "loss_against_model_size": figures.against_size,
        "loss_against_data_size": figures.against_data,
        "exponents_of_model_size": figures.size_exponents,
        "exponents_of_data_size": figures.data_exponents,
    }
    charts |= {f"learning_curves_{number}": panel.chart for number, panel in enumerate(figures.curves, 1)}
    return {name: chart for name, chart in charts.items() if chart is not None}


def _lead(report: StudyReport) -> str:
    table = report.table
    counts = {"run": len(table)}
    for column, noun in ((report.model_size, "model size"), (report.data_size, "data size"), ("seed", "seed")):
        if column in table:
            counts[noun] = table[column].nunique()
    parts = [f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items()]
    text = " · ".join(parts)
    if "family" in table:
        text = ", ".join(sorted(map(str, table["family"].dropna().unique()))) + " · " + text
    return text


def _cards(report: StudyReport) -> list[tuple[str, str]]:
    table, usable = report.table, report.usable
    n_finished = int((table["status"] == "finished").sum()) if "status" in table else len(usable)
    cards = [(f"{n_finished}<small> of {len(table)}</small>", "runs finished")]
    if len(usable):
        best = usable.iloc[int(usable[report.loss].astype(float).to_numpy().argmin())]
        title = title_of(report.loss, loss_unit=report.loss_unit)
        cards.append((loss_text(float(best[report.loss])), f"lowest {title}{_size_words(report, best)}"))
    cards += [card for column in (report.model_size, report.data_size) if (card := _exponent_card(report, column))]
    if "training_flops" in table:
        mantissa, power = f"{float(table['training_flops'].sum()):.1e}".split("e")
        cards.append((f"{mantissa} × 10<sup>{int(power)}</sup>", "training FLOPs in all"))
    if "seconds" in table:
        cards.append((f"{table['seconds'].sum() / 3600:.2g} h", "training time, summed over runs"))
    return cards


def _size_words(report: StudyReport, run: pd.Series) -> str:
    if report.model_size not in run:
        return ""
    size = short(float(run[report.model_size]))
    return f" (capacity {size})" if report.model_size == "capacity" else f" ({size} parameters)"


def _exponent_card(report: StudyReport, column: str) -> tuple[str, str] | None:
    """The exponent of the largest group whose law holds; of the largest group at all where none does."""
    fits = report.fits_along(column)
    laws = [(fit, name, fit.law) for fit, name in zip(fits, group_names(fits), strict=True) if fit.law is not None]
    if not laws:
        return None
    fit, name, law = ([item for item in laws if item[2].verdict != "bent"] or laws)[-1]
    low, high = law.intervals["beta"]
    where = f" at {name} {title_of(fit.group, report.data_unit)}" if fit.group else ""
    bent = "; the points bend off this law" if law.verdict == "bent" else ""
    words = f"exponent β of {title_of(column, report.data_unit)}{where}, {100 * law.level:g} % interval{bent}"
    return f"{law.beta:.3f} ± {(high - low) / 2:.3f}", html.escape(words)


def _notes(report: StudyReport) -> list[str]:
    lines = list(report.notes)
    if "status" in report.table:
        bad = report.table[report.table["status"] != "finished"]
        lines += [f"{run['run']}: {run['status']}, not in any fit." for _, run in bad.head(12).iterrows()]
        if len(bad) > 12:
            lines.append(f"{len(bad) - 12} more runs are not finished; they are in the table of runs.")
    return lines


def _loss_section(report: StudyReport, figures: Figures) -> str:
    level = next((f"{100 * fit.law.level:g} %" for fit in report.fits if fit.law), "95 %")
    size = _panel("loss_against_model_size", figures.against_size, _why_empty(report, report.model_size))
    data = _panel("loss_against_data_size", figures.against_data, _why_empty(report, report.data_size))
    more = ""
    if figures.size_exponents is not None:
        more += _panel("exponents_of_model_size", figures.size_exponents, "")
    if figures.data_exponents is not None:
        more += _panel("exponents_of_data_size", figures.data_exponents, "")
    return (
        "<h2>Loss against size</h2><p class='caption'>Lines are fitted laws L(R) = αR<sup>−β</sup>, bands their "
        f"{level} intervals. Dashed: extrapolated. Hollow: left out of the fit. Dotted without a band: the points bend "
        "away from the law. Small dots are single seeds, large marks their mean. Click a legend entry to single it "
        f"out.</p><div class='grid two'>{size}{data}{more}</div>"
    )


def _curve_section(figures: Figures) -> str:
    if not figures.curves:
        return "<h2>Learning curves</h2><p class='empty'>No learning curves were recorded.</p>"
    panels = (
        _panel(f"learning_curves_{number}", panel.chart, "", panel.title)
        for number, panel in enumerate(figures.curves, 1)
    )
    columns = "two" if len(figures.curves) in (1, 2, 4) else "three"
    return (
        "<h2>Learning curves</h2><p class='caption'>One line per run. Solid: validation. Dotted: training. All panels "
        f"share one loss axis.</p><div class='grid {columns}'>{''.join(panels)}</div>"
    )


def _fit_section(report: StudyReport) -> str:
    parts = ["<h2>Fits</h2>"]
    for column in dict.fromkeys(fit.x for fit in report.fits):
        parts.append(f"<h3>Loss against {html.escape(title_of(column, report.data_unit))}</h3>")
        parts.append(fits_html(report.fits_along(column), report.data_unit))
    if not report.fits:
        parts.append("<p class='empty'>No law was fitted: that needs at least three sizes of one kind.</p>")
    return "".join(parts)


def _end_sections(report: StudyReport) -> str:
    precision = ""
    if "precision" in report.table:
        counts = report.table["precision"].dropna().astype(str).value_counts()
        precision = ", ".join(f"{name} ({count} runs)" for name, count in counts.items())
    facts = ({"precision": precision} if precision else {}) | dict(report.environment)
    return (
        f"<h2>Runs</h2><p class='caption'>Click a column's name to sort by it.</p>{runs_html(report)}"
        + made_section(report.commands, facts, report.config_text, "Study file")
    )


def _panel(name: str, chart: alt.LayerChart | None, why_empty: str, title: str = "") -> str:
    head = f"<h3>{html.escape(title)}</h3>" if title else ""
    if chart is None:
        return f"<div class='panel'>{head}<p class='empty'>{html.escape(why_empty)}</p></div>"
    return f"<div class='panel'>{head}<div class='chart wait' id='{name}'></div></div>"


def _why_empty(report: StudyReport, resource: str) -> str:
    title = title_of(resource, report.data_unit)
    if resource not in report.table:
        return f"No figure against {title}: the study table has no column {resource!r}."
    if not len(report.usable):
        return f"No figure against {title}: no run has finished with a finite loss."
    return f"No figure against {title}: all finished runs have the same one."
