"""The comparison of several families as tables in the terminal."""

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from chemscale.report.axes import short, title_of
from chemscale.report.families.contents import FamilyComparison
from chemscale.report.families.figures import size_words
from chemscale.report.families.published import PUBLISHED_ABOUT
from chemscale.report.families.tables import NO_NUMBER, gap_words, interval_text, level_words, p_text, signed
from chemscale.report.remarks import remarks
from chemscale.scaling.groups import GroupFit

MIN_WIDTH = 9  # of the family's name, which a narrow terminal must not take away


def print_families(numbers: FamilyComparison, console: Console) -> None:
    """Print the laws of all families, their differences, what held-out data say, and the rank correlations."""
    console.print(_laws(numbers))
    if numbers.published:
        console.print(Padding(f"[dim]published:[/dim] {escape(PUBLISHED_ABOUT)}", (0, 0, 0, 2)), highlight=False)
    for remark, names in remarks(list(numbers.laws.fits.values())).items():
        console.print(Padding(f"[dim]{', '.join(names)}:[/dim] {escape(remark)}", (0, 0, 0, 2)), highlight=False)
    console.print()
    if numbers.laws.pairs:
        console.print(_differences(numbers))
    if numbers.ratio is not None:
        console.print(_held_out(numbers))
        for family, ratio in numbers.ratio.fits.items():
            said = escape(ratio.problem or gap_words(ratio))
            console.print(Padding(f"[dim]{escape(family)}:[/dim] {said}", (0, 0, 0, 2)), highlight=False)
        console.print()
    for x in dict.fromkeys(numbers.correlations["x"]):
        console.print(_correlations(numbers, x))


def _table(title: str, heads: list[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1))
    table.add_column(heads[0], no_wrap=True, min_width=MIN_WIDTH)
    for head in heads[1:]:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _laws(numbers: FamilyComparison) -> Table:
    resource = title_of(numbers.data_size, numbers.data_unit)
    title = f"L(n) = α n^-β, n = {resource}, at {size_words(numbers.laws)}, loss on {numbers.validation}"
    heads = ["family", f"β [{level_words(numbers.laws)} interval]", "R²", "points", "range"]
    table = _table(title, heads + (["published"] if numbers.published else []))
    for family, fit in numbers.laws.fits.items():
        cells = [escape(family), *_law_cells(fit)]
        table.add_row(*cells, *([str(numbers.published.get(family, NO_NUMBER))] if numbers.published else []))
    return table


def _law_cells(fit: GroupFit) -> list[str]:
    if fit.law is None:
        return ["no law", *[NO_NUMBER] * 3]
    law = fit.law
    return [
        f"{law.beta:.3f} {escape(interval_text(law.intervals['beta'], 2))}",
        f"{law.r_squared:.3f}",
        f"{law.n_points}/{law.n_points + len(law.left_out)}",
        f"{short(law.range[0])} – {short(law.range[1])}",
    ]


def _differences(numbers: FamilyComparison) -> Table:
    table = _table("Differences of β", ["families", "difference", f"{level_words(numbers.laws)} interval", "p", "Holm"])
    for pair in numbers.laws.pairs:
        name, found = escape(f"{pair.first} - {pair.second}"), pair.difference
        if found is None:
            table.add_row(name, NO_NUMBER, escape(pair.problem), NO_NUMBER, NO_NUMBER)
        else:
            ends = escape(interval_text(found.interval))
            table.add_row(name, signed(found.difference), ends, p_text(found.p), p_text(pair.holm_p))
    return table


def _held_out(numbers: FamilyComparison) -> Table:
    assert numbers.held_out is not None and numbers.ratio is not None and numbers.seen is not None
    heads = ["family", "β", "β random", "difference", "loss ratio"]
    table = _table(f"Memorisation or generalisation: {numbers.validation} beside random frames", heads)
    for family, ratio in numbers.ratio.fits.items():
        betas = [_beta(laws.fits[family]) for laws in (numbers.held_out, numbers.seen)]
        if ratio.law is None:
            table.add_row(escape(family), *betas, NO_NUMBER, NO_NUMBER)
            continue
        points = ratio.law.points
        both = f"{points[0].loss:.2f} – {points[-1].loss:.2f}"
        ends = f"{signed(ratio.law.beta)} {escape(interval_text(ratio.law.intervals['beta'], 2))}"
        table.add_row(escape(family), *betas, ends, both)
    return table


def _correlations(numbers: FamilyComparison, x: str) -> Table | str:
    """A table, or one sentence where no family has enough models."""
    found = numbers.correlations[numbers.correlations["x"] == x]
    if (found["problem"] != "").all():
        return (
            f"Rank correlation of the loss with {title_of(x)}: {found['problem'].iloc[0]} of a family per data size\n"
        )
    sizes = sorted(found[numbers.data_size].unique())
    title = f"Rank correlation ρ of the loss with {title_of(x)}, per {title_of(numbers.data_size, numbers.data_unit)}"
    table = _table(title, ["family", *(short(float(size)) for size in sizes)])
    for family in numbers.families:
        mine = found[found["family"] == family].set_index(numbers.data_size)
        cells = [_correlation(mine.loc[size]) if size in mine.index else NO_NUMBER for size in sizes]
        table.add_row(escape(family), *cells)
    return table


def _correlation(row: pd.Series) -> str:
    if row["problem"]:
        return str(row["problem"])
    return f"{signed(row['rho'], 2)} {escape(interval_text((row['low'], row['high']), 2))}"


def _beta(fit: GroupFit) -> str:
    return NO_NUMBER if fit.law is None else f"{fit.law.beta:.3f}"
