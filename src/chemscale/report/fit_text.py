"""Fitted laws as tables in the terminal, with what a reader should know in words."""

import math
from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table

from chemscale.report.axes import group_labels
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.power_law import PowerLaw
from chemscale.scaling.table_fit import TableEntry, TableFit

Fit = PowerLaw | LawFit

MOST_COLUMNS = 10_000  # of a terminal, to measure what a table needs
NO_GROUP = "(no value)"


def print_fits(tables: Sequence[TableFit], problems: Mapping[str, str], console: Console) -> None:
    """Print every law: a row per parameter, or per group where there are groups."""
    for table in tables:
        laws = [entry.fit for entry in table.entries if entry.fit]
        console.print(f"[bold]{escape(laws[0].formula)}[/bold]", highlight=False)
        inputs = ", ".join(f"{symbol} = {column}" for symbol, column in _symbols(table))
        per = f", per {table.group}" if table.group else ""
        symbol = laws[0].formula[0]  # L of a loss, S of a score
        console.print(f"[dim]{symbol} = {escape(table.y)}, {escape(inputs)}{escape(per)}[/dim]", highlight=False)
        if table.group:
            _print_groups(table, console)
        else:
            console.print(_parameters(laws[0]))
        for text, names in _remarks(table).items():
            shown = "all" if len(names) == len(table.entries) > 1 else ", ".join(names)
            lead = f"[dim]{escape(shown)}:[/dim] " if table.group else ""
            console.print(Padding(f"{lead}{escape(text)}", (0, 0, 0, 2)), highlight=False)
        console.print()
    for name, problem in problems.items():
        console.print(f"[bold]{escape(name)}[/bold]: not fitted. {escape(problem)}", highlight=False)


def _symbols(table: TableFit) -> list[tuple[str, str]]:
    symbols = {"resource": "R", "parameters": "N", "data": "U" if "epochs" in table.inputs else "D"}
    return [(symbols.get(name, name), column) for name, column in table.inputs.items()]


def _parameters(fit: Fit) -> Table:
    level = f"{100 * fit.level:g} % interval"
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    for head in ("", "value", level, "s.e.", "Huber"):
        table.add_column(head, justify="right", no_wrap=True)
    errors = fit.standard_errors
    for name, value in fit.parameters.items():
        ends = _interval(fit.intervals[name])
        table.add_row(name, f"{value:.5g}", ends, f"{errors[name]:.2g}", f"{fit.huber[name]:.5g}")
    return table


def _print_groups(fits: TableFit, console: Console) -> None:
    """One row per group, on a narrow screen with the intervals below the values, else one block per group."""
    unbounded = console.options.update(width=MOST_COLUMNS)
    for between in (" ", "\n"):
        table = _groups(fits, between)
        if Measurement.get(console, unbounded, table).maximum <= console.width:
            console.print(table)
            return
    for entry, label in zip(fits.entries, _labels(fits), strict=True):
        facts = "no law" if entry.fit is None else _facts(entry.fit)
        console.print(f"\n{escape(str(fits.group))} = [bold]{escape(label)}[/bold]: {facts}", highlight=False)
        if entry.fit is not None:
            console.print(_parameters(entry.fit))


def _groups(fits: TableFit, between: str) -> Table:
    """One row per group.

    Args:
        fits: of a table with groups.
        between: what stands between a value and its interval.
    """
    first = next(entry.fit for entry in fits.entries if entry.fit)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    table.add_column(escape(str(fits.group)), justify="right", no_wrap=True)
    for name in first.parameters:
        table.add_column(f"{name},{between}{100 * first.level:g} % interval", justify="right", no_wrap=True)
    for head in ("R²", "points"):
        table.add_column(head, justify="right", no_wrap=True)
    for entry, label in zip(fits.entries, _labels(fits), strict=True):
        if entry.fit is None:
            table.add_row(escape(label), "no law", *[""] * (len(first.parameters) + 1))
            continue
        cells = [
            f"{value:.4g}{between}{_interval(entry.fit.intervals[name], 3)}"
            for name, value in entry.fit.parameters.items()
        ]
        table.add_row(escape(label), *cells, _explained(entry.fit), _points(entry.fit))
    return table


def _remarks(fits: TableFit) -> dict[str, list[str]]:
    """Remark -> the groups it holds for."""
    found: dict[str, list[str]] = {}
    for entry, label in zip(fits.entries, _labels(fits), strict=True):
        for text in _entry_remarks(entry, bool(fits.group)):
            found.setdefault(text, []).append(label)
    return found


def _entry_remarks(entry: TableEntry, grouped: bool) -> list[str]:
    if entry.fit is None:
        return [entry.problem]
    fit = entry.fit
    lines = [] if grouped else [_facts(fit)]
    lines += [f"left out: R = {out.point.resource:.4g}, {out.reason}" for out in fit.left_out]
    lines += [f"left out: {row}, {reason}" for row, reason in entry.not_used[:5]]
    if len(entry.not_used) > 5:
        lines.append(f"left out: {len(entry.not_used) - 5} more rows, see --json")
    lines += _regime_lines(fit)
    return lines + [f"warning: {text}" for text in fit.warnings]


def _facts(fit: Fit) -> str:
    text = f"R² {_explained(fit)}, {_points(fit)} points"
    return f"{text}, {fit.noise_text}, {fit.status}" if isinstance(fit, LawFit) else text


def _regime_lines(fit: Fit) -> list[str]:
    counts: dict[str, int] = {}
    for regime in fit.regimes:
        counts[regime.label] = counts.get(regime.label, 0) + 1
    if not counts:
        return []
    return ["of the cells, " + ", ".join(f"{count} are {label}" for label, count in counts.items())]


def _explained(fit: Fit) -> str:
    return f"{fit.r_squared:.4f}" if math.isfinite(fit.r_squared) else "–"


def _points(fit: Fit) -> str:
    return f"{fit.n_points} of {fit.n_points + len(fit.left_out)}" if fit.left_out else str(fit.n_points)


def _interval(ends: tuple[float, float], digits: int = 4) -> str:
    low, high = (f"{end:.{digits}g}" if abs(end) < 1e300 else "open" for end in ends)
    return f"\\[{low}, {high}]"


def _labels(fits: TableFit) -> list[str]:
    """The label of every entry: numbers as short as tells them apart, and words for rows without a value."""
    names = group_labels(entry.value for entry in fits.entries if entry.value is not None)
    return [NO_GROUP if entry.value is None else names[entry.value] for entry in fits.entries]
