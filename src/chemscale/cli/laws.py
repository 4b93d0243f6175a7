"""Verbs about laws: fit a table of runs, plan a budget."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chemscale.base.errors import UserError
from chemscale.cli.app import app, check_writable

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
    compare: Annotated[bool, typer.Option("--compare", help="All laws by AICc and by held-out runs.")] = False,
    at: Annotated[
        list[str] | None, typer.Option(metavar="SIZES", help="Forecast a run: 1e9, or 1e9,2e10 for model and data.")
    ] = None,
    selftest: Annotated[
        bool, typer.Option("--selftest", help="The coverage that the intervals get on this very design, by simulation.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the fits to this file.")] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Draw the law: .svg, .png or .html, or a folder for all figures.")
    ] = None,
) -> None:
    """Fit a scaling law to a table of runs, with intervals that hold."""
    from rich.console import Console

    from chemscale.base.files import write_json
    from chemscale.report.fit_text import print_fits
    from chemscale.scaling.table_fit import TableColumns
    from chemscale.verbs import laws

    check_writable(json_file)
    if figure and figure.suffix:
        from chemscale.report.figure_file import check_figure_path

        check_figure_path(figure)
    columns = TableColumns(y, x, parameters, data, compute, epochs, group)
    none = None if shared == "none" else shared
    table = _table(source)
    options: dict[str, Any] = {"level": level, "shared": none, "skip_invalid": skip_invalid}
    fits = laws.fit(table, columns, law, fit_range=_range(fit_range), **options)
    print_fits(fits.tables, fits.problems, Console())
    extras = laws.extras(fits, compare=compare, at=[_sizes(text) for text in at or []], selftest=selftest)
    for text in extras.texts:
        print(text, end="\n\n")
    if json_file:
        write_json(json_file, fits.to_dict() | extras.to_dict())
        print(f"written  {json_file}")
    if figure:
        from chemscale.verbs.law_drawings import draw

        for path in draw(fits, figure, table):
            print(f"written  {path}")


def _table(source: Path) -> "Path | pd.DataFrame":
    """The table of a study's folder, or the file itself."""
    if not (source / "study.json").exists():
        return source
    from chemscale import verbs

    return verbs.law_table(source)


def _sizes(text: str) -> list[float]:
    try:
        return [float(size) for size in text.split(",")]
    except ValueError:
        raise UserError(f"--at: expected sizes such as 1e9 or 1e9,2e10, got {text!r}") from None


def _range(text: str) -> Any:
    if text in ("auto", "all", "as-published"):
        return text
    try:
        low, high = (float(end) for end in text.split(","))
    except ValueError:
        raise UserError(f"--range: expected auto, all, as-published or LOW,HIGH, got {text!r}") from None
    return low, high


@app.command()
def plan(
    source: Annotated[str, typer.Argument(help="A table of runs, the folder of a study, or a preset or TOML of one.")],
    budget: Annotated[
        str | None,
        typer.Option(
            help="FLOPs (1e18), device-hours of all devices together ('300 h', with --device), or '1e6 molecules'."
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="v100, a100, a100-80, h100, h200, each with xN, or this machine: this.")
    ] = None,
    utilisation: Annotated[float | None, typer.Option(help="Share of the device's peak that training reaches.")] = None,
    target_loss: Annotated[float | None, typer.Option(help="Also the cheapest run that reaches this loss.")] = None,
    y: Annotated[str | None, _column("Loss.")] = None,
    parameters: Annotated[str | None, _column("Model size.")] = None,
    data: Annotated[str | None, _column("Data size.")] = None,
    compute: Annotated[str | None, _column("Training FLOPs in place of model or data size (C = 6 N D).")] = None,
    epochs: Annotated[str | None, _column("Epochs, for the law of repeated data.")] = None,
    cost: Annotated[str | None, _column("What every run cost; without it C = 6 N D.")] = None,
    max_data: Annotated[float | None, typer.Option(help="Unique data there are, for the law of repeated data.")] = None,
    law: Annotated[str | None, typer.Option(help="additive, kaplan, log-quadratic or repeated.")] = None,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the plan to this file.")] = None,
) -> None:
    """Say how a budget is best spent, or what a study will cost before it is run."""
    from chemscale.base.files import write_json

    check_writable(json_file)
    path = Path(source)
    if (path / "study.json").exists() or (path.is_file() and path.suffix != ".toml"):
        from chemscale.scaling.table_fit import TableColumns
        from chemscale.verbs.plans import PlanRequest
        from chemscale.verbs.plans import plan as plan_verb

        request = PlanRequest(budget, target_loss, law, cost, device, utilisation, max_data, level)
        columns = TableColumns(y=y, parameters=parameters, data=data, compute=compute, epochs=epochs)
        result: Any = plan_verb(_table(path), columns, request)
    else:
        from chemscale.studies.cost import study_cost
        from chemscale.studies.devices import parse_device
        from chemscale.studies.presets import load

        if budget is not None or target_loss is not None:
            raise UserError(f"{source}: is no table of runs; --budget and --target-loss need losses that were measured")
        result = study_cost(
            load(source), parse_device("this" if device is None else device), utilisation_share=utilisation
        )
    print(result)
    if json_file:
        write_json(json_file, result.to_dict())
        print(f"written  {json_file}")
