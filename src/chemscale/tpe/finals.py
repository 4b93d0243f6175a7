"""The converged losses of runs: read from a table, or taken from the ends of curves that were trained to the end."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from chemscale.base.errors import DataError
from chemscale.tpe.columns import RUN_NAMES, plain_name
from chemscale.tpe.curve import Curve
from chemscale.tpe.estimators import shared_source
from chemscale.tpe.log_table import LogTable, read_log

FINAL_NAMES = (
    "final_loss",
    "final_validation_loss",
    "converged_loss",
    "final",
    "validation_loss",
    "val_loss",
    "eval_loss",
    "best_loss",
    "loss",
)
END_SHARE = 0.05


def read_final_losses(path: str | Path, *, run: str | None = None, loss: str | None = None) -> dict[str, float]:
    """Read `run -> converged loss`; NaN and infinity mean that the run diverged, blank cells that it is not known.

    Args:
        path: CSV, TSV or JSON lines with one row per run.
        run: the column with the run's name; guessed where absent.
        loss: the column with the loss; guessed where absent.

    Raises:
        DataError: the file is broken, a column cannot be found, or a run comes twice.
    """
    table = read_log(Path(path))
    names = table.texts(_column(table, "run", run, RUN_NAMES))
    values, present = table.numbers(_column(table, "loss", loss, FINAL_NAMES))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path}: run `{twice[0]}` has more than one row. Expected one converged loss per run.")
    return {
        name: float(value) if math.isfinite(value) else math.inf
        for name, value, known in zip(names, values, present, strict=True)
        if known
    }


def final_losses(curves: Sequence[Curve], total_epochs: float) -> dict[str, float]:
    """The ends of the curves that reach `total_epochs`; +inf for those that diverged on the way.

    The latest validation loss where all of them have one, else the mean training loss of the last 5 % of the budget.
    """
    ended = [curve.up_to(total_epochs) for curve in curves if curve.diverged or curve.reaches(total_epochs)]
    source = shared_source(ended)
    return {curve.run: _end(curve, source, total_epochs) for curve in ended}


def check_known(final: Mapping[str, float], curves: Sequence[Curve]) -> None:
    """Refuse converged losses of which not one belongs to a curve."""
    runs = [curve.run for curve in curves]
    if final and not set(final) & set(runs):
        raise DataError(
            f"final: none of its runs ({_some(list(final))}) is among the curves ({_some(runs)}). "
            "Give the runs the same names in both."
        )


def _end(curve: Curve, source: str, total_epochs: float) -> float:
    if curve.diverged:
        return math.inf
    if source == "validation":
        return float(curve.validation_losses[-1])
    last = curve.losses[curve.progress > (1 - END_SHARE) * total_epochs]
    return float(np.mean(last if len(last) else curve.losses[-1:]))


def _column(table: LogTable, role: str, named: str | None, guesses: Sequence[str]) -> str:
    plain = {plain_name(name): name for name in reversed(table.columns)}
    found = named if named in table.columns else next((plain[guess] for guess in guesses if guess in plain), None)
    if found is None or (named is not None and named not in table.columns):
        listed = ", ".join(f"`{name}`" for name in table.columns)
        what = f"no column `{named}`" if named else f"no {'final loss' if role == 'loss' else role} column found"
        raise DataError(f"{table.source}: {what} among {listed}. Name it with {role}=..., or call it `{guesses[0]}`.")
    return found


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
