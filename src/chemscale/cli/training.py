"""Verbs that train, and that look at what was trained."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chemscale.cli.app import Out, Overrides, Workers, app, interruptible

if TYPE_CHECKING:
    from chemscale.verbs import StudyResult


@app.command()
def train(
    config: Annotated[str, typer.Argument(help="Preset (smoke/chemgpt) or TOML file of one run.")],
    out: Out = None,
    overrides: Overrides = None,
) -> None:
    """Train one model; the same command continues an interrupted run."""
    from chemscale import verbs

    with interruptible():
        folder, result = verbs.train(config, out, overrides or [])
    for line in verbs.run_summary(folder, result):
        print(line)
    if result.status == "diverged":
        raise typer.Exit(1)


@app.command()
def study(
    config: Annotated[str, typer.Argument(help="Preset (demo, frey2023/chemgpt-laptop) or TOML file with a [grid].")],
    out: Out = None,
    overrides: Overrides = None,
    workers: Workers = None,
    executor: Annotated[str, typer.Option(help="Where runs are placed.")] = "local",
) -> None:
    """Train a grid, fit the scaling law, write the report; the same command continues an interrupted study."""
    from chemscale import verbs

    with interruptible():
        result = verbs.study(config, out, overrides or [], workers=workers, executor=executor)
    _print_study(result)
    if result.outcome.failed or not (result.outcome.table["status"] == "finished").any():
        raise typer.Exit(1)


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="Folder of a study, finished or not.")]) -> None:
    """Fit and draw a study anew."""
    from chemscale import verbs

    _print_study(verbs.report_study(folder))


@app.command()
def status(folder: Annotated[Path, typer.Argument(help="Folder of a study.")]) -> None:
    """Show the grid of a study: done, running, failed and left."""
    from chemscale import verbs

    rows = verbs.status(folder)
    for row in rows:
        settings = "  ".join(f"{key}={value}" for key, value in row.settings.items())
        loss = f"{row.validation_loss:.4f}" if row.validation_loss == row.validation_loss else "-"
        print(f"{row.state:10s} {loss:>8s}  {settings}  {row.name}")
        if row.message:
            print(f"{'':21s}{row.message}")
    print(", ".join(f"{count} {state}" for state, count in verbs.count_states(rows).items()))


@app.command()
def presets() -> None:
    """List the studies and runs that come with the package."""
    from chemscale.studies.presets import preset_names, preset_title

    for name in preset_names():
        print(f"{name:28s} {preset_title(name)}")


@app.command()
def keys(family: Annotated[str, typer.Argument(help="Model family.")] = "chemgpt") -> None:
    """List every key of a configuration file, with its default and meaning."""
    from chemscale.studies.keys import configuration_keys

    for key in configuration_keys(family):
        print(f"{key.name:33s} {key.default:12s} {key.meaning}")


def _print_study(result: "StudyResult") -> None:
    from rich.console import Console

    from chemscale.report.families.terminal import print_families
    from chemscale.report.fit_text import print_fits
    from chemscale.report.terminal import print_law

    if result.families:
        print_families(result.families, Console())
    else:
        print_law(result.fits, Console(), result.data_unit)
    if result.joint:
        print_fits([result.joint], {}, Console())
    for remark in result.remarks:
        print(remark, file=sys.stderr)
    print(f"report  {result.report}")
