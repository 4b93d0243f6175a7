"""The tables of several families, as data frames for CSV and as HTML for the page."""

import html
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from chemscale.report.axes import short, title_of
from chemscale.report.contents import StudyReport
from chemscale.report.families.contents import FamilyComparison
from chemscale.report.html_table import table_html
from chemscale.report.law_titles import symbol_of
from chemscale.report.tables import VERDICTS, fits_frame
from chemscale.scaling.family_laws import FamilyLaws
from chemscale.scaling.groups import GroupFit

NO_NUMBER = "–"


def laws_frame(numbers: FamilyComparison) -> pd.DataFrame:
    """One row per family and loss: its law at the compared size, and the published exponent beside the first."""
    parts = []
    for laws in filter(None, (numbers.laws, numbers.seen, numbers.ratio)):
        frame = fits_frame(list(laws.fits.values())).rename(columns={"value": "family"}).drop(columns="group")
        parts.append(frame.assign(**{laws.model_size: laws.size}))
    together = pd.concat(parts, ignore_index=True)
    main = together["y"] == numbers.laws.loss
    for name, values in (
        ("published_beta", {family: one.beta for family, one in numbers.published.items()}),
        ("published_plus_minus", {family: one.plus_minus for family, one in numbers.published.items()}),
    ):
        together[name] = together["family"].map(values).where(main)
    return together


def differences_frame(laws: FamilyLaws) -> pd.DataFrame:
    """One row per pair of families: the difference of their exponents."""
    rows = []
    for pair in laws.pairs:
        found = pair.difference
        row: dict[str, Any] = {"first": pair.first, "second": pair.second}
        if found is not None:
            row |= {"difference": found.difference, "low": found.interval[0], "high": found.interval[1]}
            row |= {"p": found.p, "p_holm": pair.holm_p, "level": found.level}
        rows.append(row | {"problem": pair.problem})
    return pd.DataFrame(rows)


def laws_html(numbers: FamilyComparison) -> str:
    """beta of every family at the compared size, the published one beside it."""
    level = level_words(numbers.laws)
    heads = ["family", "β ±", f"{level} interval", "standard error", "R²", "points used", "runs", "range", "law"]
    kinds = ["text", "", "", "", "", "", "", "", "text"]
    if numbers.published:
        heads, kinds = [*heads, "published β"], [*kinds, ""]
    rows = []
    for family, fit in numbers.laws.fits.items():
        cells = _law_cells(family, fit)
        if numbers.published:
            cells.append(str(numbers.published.get(family, NO_NUMBER)))
        rows.append(_row(cells, kinds))
    return table_html(heads, kinds, "".join(rows))


def held_out_html(numbers: FamilyComparison) -> str:
    """Both exponents of every family side by side, their difference on the same runs, and the ratio of the losses."""
    assert numbers.held_out is not None and numbers.seen is not None and numbers.ratio is not None
    level = level_words(numbers.laws)
    heads = ["family", f"β, {numbers.validation}", "β, random frames", f"difference, {level} interval"]
    heads += ["ratio, least data", "ratio, most data", "the gap, as data grow"]
    kinds = ["text", "", "", "", "", "", "text"]
    rows = []
    for family, fit in numbers.ratio.fits.items():
        cells = [html.escape(family), _beta(numbers.held_out.fits[family]), _beta(numbers.seen.fits[family])]
        law = fit.law
        if law is None:
            rows.append(_row([*cells, NO_NUMBER, NO_NUMBER, NO_NUMBER, html.escape(fit.problem)], kinds))
            continue
        low, high = law.intervals["beta"]
        first, last = law.points[0], law.points[-1]
        cells += [f"<b>{signed(law.beta)}</b> {interval_text((low, high))}"]
        cells += [f"{point.loss:.2f}<small> at {short(point.resource)}</small>" for point in (first, last)]
        rows.append(_row([*cells, html.escape(gap_words(fit))], kinds))
    return table_html(heads, kinds, "".join(rows))


def gap_words(ratio: GroupFit) -> str:
    """What the ratio of the loss on new molecules to that on known ones does as data grow, in words."""
    if ratio.law is None:
        return ratio.problem
    low, high = ratio.law.intervals["beta"]
    if high < 0:
        return "widens"
    if low > 0:
        return "narrows"
    return "no change seen"


def differences_html(laws: FamilyLaws) -> str:
    """The difference of every two exponents."""
    heads = ["families", "difference of β", f"{level_words(laws)} interval", "p", "p, all pairs (Holm)"]
    rows = []
    for pair in laws.pairs:
        name, found = html.escape(f"{pair.first} − {pair.second}"), pair.difference
        if found is None:
            rows.append(_row([name, NO_NUMBER, html.escape(pair.problem), NO_NUMBER, NO_NUMBER], ["text"] + [""] * 4))
            continue
        cells = [name, f"<b>{signed(found.difference)}</b>", interval_text(found.interval)]
        rows.append(_row([*cells, p_text(found.p), p_text(pair.holm_p)], ["text"] + [""] * 4))
    return table_html(heads, ["text"] + [""] * 4, "".join(rows))


def correlations_html(numbers: FamilyComparison, x: str) -> str:
    """Rank correlation of the loss with `x`: a row per family, a column per data size."""
    table = numbers.correlations[numbers.correlations["x"] == x]
    sizes = sorted(table[numbers.data_size].unique())
    unit = title_of(numbers.data_size, numbers.data_unit)
    heads = [f"ρ with {title_of(x)}", *(f"{short(float(size))} {unit if size == sizes[0] else ''}" for size in sizes)]
    kinds = ["text", *[""] * len(sizes)]
    rows = []
    for family in numbers.families:
        mine = table[table["family"] == family].set_index(numbers.data_size)
        cells = [_correlation_cell(mine.loc[size]) if size in mine.index else NO_NUMBER for size in sizes]
        rows.append(_row([html.escape(family), *cells], kinds))
    return table_html(heads, kinds, "".join(rows))


def joint_html(parts: dict[str, StudyReport]) -> str:
    """The parameters of the joint law of every family; "" where none has one."""
    fits = {family: part.joint for family, part in parts.items() if part.joint is not None}
    if not fits:
        return ""
    first = next(iter(fits.values()))
    heads = ["family", *map(symbol_of, first.law.names), "R²", "cells"]
    kinds = ["text", *[""] * (len(heads) - 1)]
    rows = []
    for family, fit in fits.items():
        cells = [html.escape(family)]
        for name, value in fit.parameters.items():
            ends = " – ".join(f"{end:.3g}" if math.isfinite(end) else "open" for end in fit.intervals[name])
            cells.append(f"<b>{value:.3g}</b> <small>[{ends}]</small>")
        rows.append(_row([*cells, f"{fit.r_squared:.4f}", str(fit.n_points)], kinds))
    return table_html(heads, kinds, "".join(rows))


def level_words(laws: FamilyLaws) -> str:
    """The level of the intervals, as in "95 %"."""
    return next((f"{100 * fit.law.level:g} %" for fit in laws.fits.values() if fit.law), "95 %")


def signed(value: float, digits: int = 3) -> str:
    """A number with its sign, as in −0.060."""
    return f"{value:+.{digits}f}".replace("-", "−")


def interval_text(ends: tuple[float, float], digits: int = 3) -> str:
    """An interval with signs, as in [−0.070, +0.010]."""
    return f"[{signed(ends[0], digits)}, {signed(ends[1], digits)}]"


def p_text(p: float) -> str:
    """A p-value for people."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _law_cells(family: str, fit: GroupFit) -> list[str]:
    name = html.escape(family)
    if fit.law is None:
        return [name, *[NO_NUMBER] * 5, str(fit.n_runs), NO_NUMBER, html.escape(f"no law: {fit.problem}")]
    law = fit.law
    low, high = law.intervals["beta"]
    return [
        name,
        _beta(fit),
        f"{low:.3f} – {high:.3f}",
        f"{law.standard_errors['beta']:.4f}",
        f"{law.r_squared:.4f}",
        f"{law.n_points}<small> of {law.n_points + len(law.left_out)}</small>",
        str(fit.n_runs),
        f"{short(law.range[0])} – {short(law.range[1])}",
        VERDICTS[law.verdict],
    ]


def _beta(fit: GroupFit) -> str:
    if fit.law is None:
        return NO_NUMBER
    low, high = fit.law.intervals["beta"]
    return f"<b>{fit.law.beta:.3f}</b> ± {(high - low) / 2:.3f}"


def _correlation_cell(row: pd.Series) -> str:
    if row["problem"]:
        return f"<small>{html.escape(str(row['problem']))}</small>"
    return f"<b>{signed(row['rho'], 2)}</b> <small>{interval_text((row['low'], row['high']), 2)}</small>"


def _row(cells: Sequence[str], kinds: Sequence[str]) -> str:
    return (
        "<tr>" + "".join(f"<td class='{kind}'>{cell}</td>" for cell, kind in zip(cells, kinds, strict=True)) + "</tr>"
    )
