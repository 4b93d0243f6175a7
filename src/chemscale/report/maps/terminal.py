"""The numbers beside a map as a table in the terminal."""

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chemscale.report.maps.numbers_table import number_rows

_HEADS = ("", "embedding", "fingerprint", "by chance", "molecules")  # as short as 80 columns ask for


def print_numbers(numbers: pd.DataFrame, console: Console) -> None:
    """Print one row per measure and label: embedding, fingerprint, what nothing gives, molecules."""
    if numbers.empty:
        console.print("No label has enough molecules for a number.")
        return
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for place, head in enumerate(_HEADS):
        table.add_column(head, justify="right" if place else "left", no_wrap=place > 0)
    for title, *cells, counts in number_rows(numbers):
        table.add_row(escape(title.replace("nearest-neighbour", "kNN")), *cells, counts.split(" in ")[0])
    console.print(table)
