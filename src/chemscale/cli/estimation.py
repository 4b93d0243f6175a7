"""Verbs of training performance estimation: tpe on anyone's curves, tune on ours."""

from pathlib import Path
from typing import Annotated, Any

import typer

from chemscale.cli.app import Out, Overrides, Workers, app, check_writable, interruptible


def _column(help_text: str) -> Any:
    return typer.Option(metavar="COLUMN", help=f"{help_text}; guessed where absent.")


@app.command()
def tpe(
    curves: Annotated[
        list[Path], typer.Argument(help="Loss curves: a table with a run column, one run a file, folders, run folders.")
    ],
    epochs: Annotated[float | None, typer.Option(help="What may be seen of each run, in epochs.")] = None,
    fraction: Annotated[float | None, typer.Option(help="The same as a share of the full budget.")] = None,
    total_epochs: Annotated[float | None, typer.Option(help="The full budget; default: the longest run's.")] = None,
    final: Annotated[Path | None, typer.Option(help="Table of converged losses: run, loss.")] = None,
    estimator: Annotated[
        str, typer.Option(help="window, sum (the paper's TSE), tse_e, tse_ema, last_train, last_validation, power_law.")
    ] = "window",
    warmup_steps: Annotated[int, typer.Option(min=0, help="First steps that the window leaves out.")] = 0,
    seed_noise: Annotated[float | None, typer.Option(help="Standard deviation of a score between seeds.")] = None,
    level: Annotated[float, typer.Option(help="Level of the prediction intervals.")] = 0.9,
    compare: Annotated[
        bool, typer.Option("--compare", help="All estimators and stopping rules on these curves, which must be whole.")
    ] = False,
    run: Annotated[str | None, _column("Name of the run")] = None,
    epoch: Annotated[str | None, _column("Epoch")] = None,
    loss: Annotated[str | None, _column("Training loss")] = None,
    validation: Annotated[str | None, _column("Validation loss")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result to this file.")] = None,
) -> None:
    """Rank runs by the first part of their loss curves, and predict where they will end."""
    from chemscale.base.files import write_json
    from chemscale.tpe import compare as compare_all
    from chemscale.tpe import estimate, read_curves, read_final_losses

    check_writable(json_file)
    found = read_curves(curves, run=run, epoch=epoch, loss=loss, validation=validation)
    losses = read_final_losses(final) if final else None
    result = estimate(
        found,
        epochs=epochs,
        fraction=fraction,
        total_epochs=total_epochs,
        estimator=estimator,
        final=losses,
        level=level,
        seed_noise=seed_noise,
        warmup_steps=warmup_steps,
    )
    print(result)
    plain = result.to_dict()
    if compare:
        comparison = compare_all(found, losses, seed_noise=seed_noise)
        print(f"\n{comparison}")
        plain |= {"comparison": comparison.to_dict()}
    if json_file:
        write_json(json_file, plain)
        print(f"written  {json_file}")


@app.command()
def tune(
    config: Annotated[
        str, typer.Argument(help="Preset (smoke/chemgpt-tune) or TOML file with the tables grid and tune.")
    ],
    out: Out = None,
    overrides: Overrides = None,
    workers: Workers = None,
    executor: Annotated[str, typer.Option(help="Where runs are placed.")] = "local",
) -> None:
    """Find the best of a grid for a part of its cost; the same command continues an interrupted search."""
    from chemscale.verbs.tuning import tune as tune_verb

    with interruptible():
        result = tune_verb(config, out, overrides or [], workers=workers, executor=executor)
    print(result.outcome)
    print(f"\nreport  {result.report}")
    if result.outcome.best is None:
        raise typer.Exit(1)
