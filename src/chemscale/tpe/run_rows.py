"""The rows of each run in a log: its losses, their places, and the settings that never change within a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chemscale.base.errors import DataError
from chemscale.tpe.columns import Columns, plain_name
from chemscale.tpe.log_table import LogTable

ENDS_BLANK = "its log ends in blank losses, taken as NaN: the run diverged"


@dataclass(frozen=True, eq=False)
class RunRows:
    """The rows of one run in the order of its log.

    Attributes:
        run: its name.
        source: what messages call the log.
        epochs: [n_rows], as logged.
        steps: [n_rows], or None where the log has none.
        losses: [n_rows] training losses, where `has_loss` [n_rows].
        has_loss: [n_rows].
        validation: [n_rows] validation losses, where `has_validation` [n_rows].
        has_validation: [n_rows].
        settings: the run's settings.
        notes: what a reader of the log should know.
    """

    run: str
    source: str
    epochs: np.ndarray
    steps: np.ndarray | None
    losses: np.ndarray
    has_loss: np.ndarray
    validation: np.ndarray
    has_validation: np.ndarray
    settings: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Numbers:
    """The columns of a whole log as numbers, each with the mask of its filled cells."""

    epochs: np.ndarray
    has_epoch: np.ndarray
    losses: np.ndarray
    has_loss: np.ndarray
    validation: np.ndarray
    has_validation: np.ndarray
    steps: np.ndarray
    has_step: np.ndarray


def split_runs(table: LogTable, columns: Columns, name: str) -> list[RunRows]:
    """The rows of each run, in the order of their first rows; `name` is the run of a log without a run column.

    Raises:
        DataError: a loss has no epoch, a cell is no number, or a run has no training loss at all.
    """
    numbers = _numbers(table, columns)
    runs = table.texts(columns.run) if columns.run else [name] * len(table)
    settings = _settings(table, columns, runs)
    index = {run: place for place, run in enumerate(settings)}
    places = np.array([index[run] for run in runs])
    return [_one_run(table, columns, numbers, run, places == index[run], settings[run]) for run in settings]


def _numbers(table: LogTable, columns: Columns) -> _Numbers:
    epochs, has_epoch = table.numbers(columns.epoch)
    losses, has_loss = table.numbers(columns.loss)
    none = np.zeros(len(table), dtype=bool)
    validation, has_validation = table.numbers(columns.validation) if columns.validation else (losses, none)
    steps, has_step = table.numbers(columns.step) if columns.step else (losses, none)
    has_validation = has_validation & ~np.isnan(validation)
    placed = has_epoch & np.isfinite(epochs) & (epochs >= 0)
    bad = np.flatnonzero((has_loss | has_validation) & ~placed)
    if len(bad):
        seen = f"{epochs[bad[0]]:g}" if has_epoch[bad[0]] else "empty"
        raise DataError(
            f"{table.source}, line {table.lines[bad[0]]}: `{columns.epoch}` is {seen}, "
            "expected the epoch of this loss, 0 or more"
        )
    return _Numbers(epochs, has_epoch, losses, has_loss, validation, has_validation, steps, has_step)


def _one_run(
    table: LogTable, columns: Columns, numbers: _Numbers, run: str, mine: np.ndarray, settings: Mapping[str, str]
) -> RunRows:
    if not (numbers.has_loss & mine).any():
        raise DataError(f"{table.source}: run `{run}` has no training loss in column `{columns.loss}`")
    lost = _lost_losses(table, columns, mine, numbers.has_loss) & numbers.has_epoch
    has_loss = numbers.has_loss | lost
    kept = np.flatnonzero(mine & (has_loss | numbers.has_validation))
    return RunRows(
        run=run,
        source=table.source,
        epochs=numbers.epochs[kept],
        steps=numbers.steps[kept] if numbers.has_step[kept].all() else None,
        losses=numbers.losses[kept],
        has_loss=has_loss[kept],
        validation=numbers.validation[kept],
        has_validation=numbers.has_validation[kept],
        settings=settings,
        notes=(*table.notes, ENDS_BLANK) if lost.any() else table.notes,
    )


def _lost_losses(table: LogTable, columns: Columns, mine: np.ndarray, has_loss: np.ndarray) -> np.ndarray:
    """Rows whose NaN was written as a blank: they end the run's log, no earlier loss is blank, no loss is on them."""
    blank = mine & ~has_loss
    rows, logged = np.flatnonzero(blank), np.flatnonzero(mine & has_loss)
    others = [name for name in table.columns if "loss" in plain_name(name) and name != columns.loss]
    filled = any(table.columns[name][row] is not None for name in others for row in rows)
    if not len(rows) or not len(logged) or rows[0] < logged[-1] or filled:
        return np.zeros_like(blank)
    return blank


def _settings(table: LogTable, columns: Columns, runs: Sequence[str]) -> dict[str, dict[str, str]]:
    """The columns that never change within a run, neither losses nor places: learning rate, batch size, seed."""
    taken = {columns.run, columns.epoch, columns.step, columns.loss, columns.validation}
    settings: dict[str, dict[str, str]] = {run: {} for run in dict.fromkeys(runs)}
    for name, cells in table.columns.items():
        if name in taken or "loss" in plain_name(name):
            continue
        seen: dict[str, set[str]] = {run: set() for run in settings}
        for run, cell in zip(runs, cells, strict=True):
            seen[run].add("" if cell is None else str(cell))
        if all(len(values - {""}) == 1 for values in seen.values()):
            for run, values in seen.items():
                settings[run][name] = next(iter(values - {""}))
    return settings
