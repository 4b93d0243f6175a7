"""Which column of a log holds the run, the epoch, the step and the losses: as named by the caller, or guessed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chemscale.base.errors import DataError
from chemscale.tpe.log_table import LogTable

# in order of preference; names are compared in lower case, with every other sign as one underscore
RUN_NAMES = ("run", "run_id", "run_name", "trial", "trial_id", "experiment", "config_id", "config", "name", "model")
EPOCH_NAMES = ("epoch", "epochs", "trainer_epoch", "current_epoch", "train_epoch")
STEP_NAMES = ("step", "global_step", "trainer_global_step", "train_step", "iteration", "iter", "batch", "batch_idx")
LOSS_NAMES = (
    "train_loss_step",
    "training_loss_step",
    "train_step_loss",
    "step_loss",
    "loss_step",
    "train_loss",
    "training_loss",
    "loss_train",
    "train_batch_loss",
    "batch_loss",
    "loss",
    "train_loss_epoch",
    "train_nll",
)
VALIDATION_NAMES = (
    "validation_loss",
    "val_loss",
    "valid_loss",
    "eval_loss",
    "dev_loss",
    "loss_validation",
    "loss_val",
    "loss_valid",
    "val_loss_epoch",
    "validation_loss_epoch",
)


@dataclass(frozen=True)
class Columns:
    """The columns of a log by their role; None where there is none."""

    run: str | None
    epoch: str
    step: str | None
    loss: str
    validation: str | None


def choose_columns(
    table: LogTable,
    *,
    run: str | None = None,
    epoch: str | None = None,
    loss: str | None = None,
    validation: str | None = None,
) -> Columns:
    """Take the named columns, and guess those that were not named.

    Raises:
        DataError: a named column is absent, or the epoch or the loss cannot be guessed.
    """
    return Columns(
        run=_choose(table, "run", run, RUN_NAMES),
        epoch=_required(table, "epoch", epoch, EPOCH_NAMES),
        step=_choose(table, "step", None, STEP_NAMES),
        loss=_required(table, "loss", loss, LOSS_NAMES),
        validation=_choose(table, "validation", validation, VALIDATION_NAMES),
    )


def plain_name(name: str) -> str:
    """A column name in lower case with every run of other signs as one underscore: `train/Loss` -> `train_loss`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _choose(table: LogTable, role: str, named: str | None, guesses: Sequence[str]) -> str | None:
    if named is not None:
        if named not in table.columns:
            raise DataError(f"{table.source}: no column `{named}` for {role}. It has {_listed(table)}.")
        return named
    plain = {plain_name(name): name for name in reversed(table.columns)}
    return next((plain[guess] for guess in guesses if guess in plain), None)


def _required(table: LogTable, role: str, named: str | None, guesses: Sequence[str]) -> str:
    found = _choose(table, role, named, guesses)
    if found is None:
        what = "training loss" if role == "loss" else role
        raise DataError(
            f"{table.source}: no {what} column found among {_listed(table)}. "
            f"Name it with {role}=..., or call it `{guesses[0]}`."
        )
    return found


def _listed(table: LogTable) -> str:
    return ", ".join(f"`{name}`" for name in table.columns)
