"""The sections of the page of several families."""

import html

from chemscale.report.axes import title_of
from chemscale.report.families.contents import FamiliesReport, FamilyComparison
from chemscale.report.families.figures import FamilyFigures, columns_for, size_words
from chemscale.report.families.published import PUBLISHED_ABOUT
from chemscale.report.families.tables import (
    correlations_html,
    differences_html,
    held_out_html,
    joint_html,
    laws_html,
    level_words,
)
from chemscale.report.law_titles import formula_of
from chemscale.report.page_frame import panel_grid
from chemscale.report.remarks import remarks
from chemscale.scaling.family_laws import FamilyLaws

FOLDER = "families"
_MARKS = (
    "Filled marks are in the fit, hollow ones left out of it. Dashed: extrapolated. Dotted without a band: the points "
    "bend away from the law. Small dots are single seeds, large marks their mean."
)


def family_links(report: FamiliesReport) -> str:
    """Where the page of every family is."""
    links = " · ".join(
        f"<a href='{FOLDER}/{html.escape(family)}/report.html'>{html.escape(family)}</a>" for family in report.parts
    )
    return f"<p class='caption'>Every family by itself, with all its laws, maps and residuals: {links}</p>"


def laws_section(report: FamiliesReport, figures: FamilyFigures) -> str:
    """L(n) of all families at one size: figures, exponents, differences."""
    numbers = report.comparison
    at, level = html.escape(size_words(numbers.laws)), level_words(numbers.laws)
    unit = html.escape(title_of(numbers.data_size, numbers.data_unit))
    parts = [
        f"<h2>Loss against data at {at}</h2><p class='caption'>Lines are fitted laws L(n) = αn<sup>−β</sup> of the "
        f"{unit}, bands their {level} intervals. {_MARKS}</p>",
        panel_grid(figures.laws, "two"),
        laws_html(numbers),
    ]
    if numbers.published:
        parts.append(f"<p class='caption'>Published: {html.escape(PUBLISHED_ABOUT)}.</p>")
    parts.append(_remarks(numbers.laws))
    if len(numbers.laws.pairs):
        parts.append(
            "<h3 class='apart'>Differences of exponents</h3><p class='caption'>Welch's comparison of two slopes. All "
            "families saw the same frames, so what a subset of the data does to all of them is counted twice: the "
            "intervals are rather too wide. Holm's p is corrected for the number of pairs.</p>"
        )
        parts.append(differences_html(numbers.laws))
    return "".join(parts)


def held_out_section(report: FamiliesReport, figures: FamilyFigures) -> str:
    """Memorisation or generalisation; "" where there is one kind of validation data."""
    numbers = report.comparison
    if numbers.seen is None or numbers.ratio is None:
        return ""
    at = html.escape(size_words(numbers.laws))
    return (
        "<h2>Memorisation or generalisation</h2><p class='caption'>The same runs, measured twice: on "
        f"{html.escape(numbers.validation)}, which were never trained on, and on new random frames of molecules that "
        f"were. At {at}. A ratio of 1 would say that new molecules are as easy as known ones. The difference is "
        "β on what is held out less β on random frames, fitted to the ratio of both losses of every run, over all data "
        "sizes: where it is negative, the gap widens as data grow, and more of the gain is on molecules that are known "
        "already.</p>" + panel_grid(figures.held_out, "two") + held_out_html(numbers) + _remarks(numbers.seen)
    )


def data_section(report: FamiliesReport, figures: FamilyFigures) -> str:
    """Loss against data size at every model size, a panel per family; "" where there is one model size."""
    if not figures.data:
        return ""
    data = html.escape(title_of(report.study.data_size, report.study.data_unit))
    size = html.escape(title_of(report.study.model_size))
    return (
        f"<h2>Loss against {data}, at every {size}</h2><p class='caption'>One panel per family, one colour per model "
        "size, all on one loss axis. Their exponents are on the pages of the families.</p>"
        + panel_grid(figures.data, columns_for(figures.data))
    )


def capacity_section(report: FamiliesReport, figures: FamilyFigures) -> str:
    """Loss against model size, a panel per family."""
    size = html.escape(title_of(report.study.model_size))
    head = f"<h2>Loss against {size}</h2>"
    if not figures.capacity:
        return head + "<p class='empty'>All finished runs have the same one.</p>"
    level = level_words(report.comparison.laws)
    return (
        f"{head}<p class='caption'>One panel per family, one colour per data size, all on one loss axis. Lines: power "
        f"laws, bands their {level} intervals.</p>" + panel_grid(figures.capacity, columns_for(figures.capacity))
    )


def time_section(report: FamiliesReport, figures: FamilyFigures) -> str:
    """Loss against training time, and the rank correlations with size and time."""
    numbers = report.comparison
    time = html.escape(title_of(numbers.time))
    parts = [
        f"<h2>Loss against {time}</h2>",
        "<p class='caption'>Large marks are means over seeds, larger for larger models; thin lines join the models of "
        "one data size.</p>" + panel_grid(figures.time, columns_for(figures.time))
        if figures.time
        else "",
        "<h3 class='apart'>Does a larger, or a longer trained model have the lower loss?</h3><p class='caption'>"
        "Spearman's rank correlation over the models of one family and data size, seeds merged: −1 means that every "
        f"larger (or longer trained) model is better. {_model_counts(numbers)}, {level_words(numbers.laws)} intervals "
        "of Bonett and Wright.</p>",
        *(correlations_html(numbers, x) for x in dict.fromkeys(numbers.correlations["x"])),
    ]
    return "".join(parts)


def joint_law_section(report: FamiliesReport, figures: FamilyFigures) -> str:
    """L(c, n) of every family; "" where no grid allows it."""
    fits = [part.joint for part in report.parts.values() if part.joint is not None]
    if not fits:
        return ""
    formula = html.escape(formula_of(fits[0].formula))
    size, data = title_of(report.study.model_size), title_of(report.study.data_size, report.study.data_unit)
    return (
        f"<h2>Joint law of every family</h2><p class='caption'>{formula}, N = {html.escape(size)}, D = "
        f"{html.escape(data)}, with {100 * fits[0].level:g} % intervals. Cells: measured loss, mean over seeds.</p>"
        + joint_html(dict(report.parts))
        + panel_grid(figures.maps, columns_for(figures.maps))
    )


def _model_counts(numbers: FamilyComparison) -> str:
    counts = sorted(set(numbers.correlations["n_models"])) or [0]
    return f"{' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} models each"


def _remarks(laws: FamilyLaws) -> str:
    lines = (
        f"<li><b>{html.escape(', '.join(names))}</b> {html.escape(text)}</li>"
        for text, names in remarks(list(laws.fits.values())).items()
    )
    return f"<ul class='remarks'>{''.join(lines)}</ul>"
