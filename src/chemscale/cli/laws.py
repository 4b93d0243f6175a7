"""Verbs about laws: fit a table of runs, plan a budget."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chemscale.base.errors import UserError
from chemscale.cli.app import app

if TYPE_CHECKING:
    import pandas as pd


def _column(help_text: str) -> Any:
    return typer.Option(metavar="COLUMN", help=help_text)


@app.command()
def fit(
    source: Annotated[Path, typer.Argument(help="Table of runs (.csv, .tsv, .jsonl ...), or the folder of a study.")],
    x: Annotated[str | None, _column("The one resource the loss is fitted against.")] = None,
    y: Annotated[str | None, _column("Loss or score.")] = None,
    group: Annotated[str | None, _column("One law per value of this column.")] = None,
    parameters: Annotated[str | None, _column("Model size, for a joint law.")] = None,
    data: Annotated[str | None, _column("Data size, for a joint law.")] = None,
    compute: Annotated[str | None, _column("Training FLOPs in place of model or data size (C = 6 N D).")] = None,
    epochs: Annotated[str | None, _column("Epochs, for the law of repeated data.")] = None,
    law: Annotated[
        str | None,
        typer.Option(help="power, saturating, broken, increasing, log-quadratic; additive, kaplan, repeated."),
    ] = None,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    fit_range: Annotated[
        str, typer.Option("--range", help="Power law: auto, all, as-published, or LOW,HIGH.")
    ] = "auto",
    shared: Annotated[
        str, typer.Option(help="Input whose equal values share a data subset: auto, parameters, data, none.")
    ] = "auto",
    skip_invalid: Annotated[bool, typer.Option(help="Leave out rows without positive numbers, and name them.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the fits to this file.")] = None,
) -> None:
    """Fit a scaling law to a table of runs, with intervals that hold."""
    from rich.console import Console

    from chemscale.base.files import write_json
    from chemscale.report.fit_text import print_fits
    from chemscale.scaling.table_fit import TableColumns
    from chemscale.verbs.laws import fit as fit_verb

    columns = TableColumns(y, x, parameters, data, compute, epochs, group)
    fits = fit_verb(
        _table(source),
        columns,
        law,
        level=level,
        fit_range=_range(fit_range),
        shared=None if shared == "none" else shared,
        skip_invalid=skip_invalid,
    )
    print_fits(fits.tables, fits.problems, Console())
    if json_file:
        write_json(json_file, fits.to_dict())
        print(f"written  {json_file}")


def _table(source: Path) -> "Path | pd.DataFrame":
    """The table of a study's folder, or the file itself."""
    if not (source / "study.json").exists():
        return source
    from chemscale import verbs

    return verbs.law_table(source)


def _range(text: str) -> Any:
    if text in ("auto", "all", "as-published"):
        return text
    try:
        low, high = (float(end) for end in text.split(","))
    except ValueError:
        raise UserError(f"--range: expected auto, all, as-published or LOW,HIGH, got {text!r}") from None
    return low, high
