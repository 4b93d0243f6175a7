"""The fits of a study as a table in the terminal, with their warnings in words."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from chemscale.report.axes import short, title_of
from chemscale.report.remarks import group_names, remarks
from chemscale.scaling.groups import GroupFit


def print_law(fits: Sequence[GroupFit], console: Console, data_unit: str = "molecules") -> None:
    """Print one table per resource: the law of every group, its interval, range, and what to know about it."""
    if not fits:
        console.print("No law was fitted: that needs at least three model sizes or three data sizes.")
    for column in dict.fromkeys(fit.x for fit in fits):
        chosen = [fit for fit in fits if fit.x == column]
        console.print(_table(chosen, data_unit))
        for remark, names in remarks(chosen).items():
            text = f"[dim]{', '.join(names)}:[/dim] {escape(remark)}"
            console.print(Padding(text, (0, 0, 0, 2)), highlight=False)
        console.print()


def _table(fits: Sequence[GroupFit], data_unit: str) -> Table:
    resource = title_of(fits[0].x, data_unit)
    level = next((100 * fit.law.level for fit in fits if fit.law), 95.0)
    per = f", per {title_of(fits[0].group, data_unit)}" if fits[0].group else ""
    title = f"L(R) = α R^-β, R = {resource}{per}"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=0)
    for head in ("", "α", "β ± s.e.", f"{level:g} % interval", "R²", "points", "range of R"):
        table.add_column(head, justify="right", no_wrap=True)
    for fit, name in zip(fits, group_names(fits), strict=True):
        if fit.law is None:
            table.add_row(name, "no law", "–", "–", "–", "–", "–")
            continue
        law = fit.law
        low, high = law.intervals["beta"]
        count = f"{law.n_points} of {law.n_points + len(law.left_out)}"
        exponent = f"{law.beta:.3f} ± {law.standard_errors['beta']:.3f}"
        ends = f"{short(law.range[0])} – {short(law.range[1])}"
        table.add_row(
            name, f"{law.alpha:.3g}", exponent, f"\\[{low:.3f}, {high:.3f}]", f"{law.r_squared:.3f}", count, ends
        )
    return table
