"""Fit a law to the columns of a table, in every group of its runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from chemscale.base.errors import FitError
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.laws import find_law
from chemscale.scaling.power_law import PowerLaw, Range, fit_power_law
from chemscale.scaling.table_file import find_column, number_column, plain_name

FLOPS_PER_PARAMETER_TOKEN = 6.0
LOSS_COLUMNS = ("validation_loss", "val_loss", "valid_loss", "test_loss", "loss")
# Repeated data are worth 1 + R (1 - exp(-(epochs - 1)/R)) epochs of fresh ones with R near 15 for text
# (muennighoff2023): with it, runs of other tables are told to be limited by repetition.
REPETITIONS_WORTH = 15.0
TRAINING_COLUMNS = ("steps", "warmup_steps", "last_fall", "epochs")


@dataclass(frozen=True)
class TableEntry:
    """The fit of one group of rows, or the reason why there is none.

    Attributes:
        value: the group's value; None for the whole table.
        fit: the law; None where `problem` says why.
        problem: empty where there is a law.
        n_runs: rows that entered.
        not_used: rows that did not, each with its reason.
    """

    value: Any
    fit: PowerLaw | LawFit | None
    problem: str
    n_runs: int
    not_used: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types: the fit's own keys, and what concerns the rows."""
        result: dict[str, Any] = self.fit.to_dict() if self.fit else {"problem": self.problem, "left_out": []}
        result["left_out"] = [*result["left_out"], *({"row": row, "reason": why} for row, why in self.not_used)]
        return {**result, "n_runs": self.n_runs}


@dataclass(frozen=True)
class TableFit:
    """Every fit of a table.

    Attributes:
        law: name of the law.
        inputs: input of the law -> the column it came from, or how it was computed.
        y: the loss column.
        group: the column the rows were grouped by; None for the whole table.
        entries: one per group, in ascending order of its values.
    """

    law: str
    inputs: Mapping[str, str]
    y: str
    group: str | None
    entries: tuple[TableEntry, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types; with a group, a list under `fits`."""
        about = {"inputs": dict(self.inputs), "y": self.y}
        if self.group is None:
            return {**self.entries[0].to_dict(), **about}
        fits = [{self.group: entry.value, "group": entry.value, **entry.to_dict()} for entry in self.entries]
        return {"law": self.law, "group": self.group, "fits": fits, **about}


@dataclass(frozen=True)
class TableColumns:
    """Which columns of a table are fitted.

    Attributes:
        y: loss or score; None takes the one loss column of a known name.
        x: the one resource of a law of one input.
        parameters: model size.
        data: data size.
        compute: training FLOPs, in place of one of the two: C = 6 N D.
        epochs: how often the data were seen, for the law of repeated data.
        group: column to group by.
    """

    y: str | None = None
    x: str | None = None
    parameters: str | None = None
    data: str | None = None
    compute: str | None = None
    epochs: str | None = None
    group: str | None = None


def fit_table(
    table: pd.DataFrame,
    columns: TableColumns,
    law: str | None = None,
    *,
    level: float = 0.95,
    fit_range: Range = "auto",
    shared: str | None = "auto",
    skip_invalid: bool = False,
) -> TableFit:
    """Fit a law to a table with one row per run.

    Args:
        table: any columns; where there is a `status` that says `finished` of some rows, the others are not used.
        columns: which of them.
        law: a name of `scaling.laws`; None takes `power` for one resource and `additive` for model and data.
        level: level of the intervals.
        fit_range: of the power law, see `fit_power_law`.
        shared: see `fit_law`.
        skip_invalid: leave out rows whose values are no positive numbers, and name them; else they are an error.

    Raises:
        FitError: a column is missing or its values are no positive numbers, or the law does not fit the columns; where
            there is no group, also whatever keeps the law from being fitted.
    """
    inputs, origin = _inputs(table, columns)
    name = law or ("power" if len(inputs) == 1 else "additive" if len(inputs) == 2 else "repeated")
    find_law(name, len(inputs))
    if fit_range != "auto" and name != "power":
        raise FitError(f"range: only the power law takes one, and the law is {name!r}; it uses every row")
    y = _loss_column(table, columns.y)
    values = {**inputs, y: number_column(table, y)}
    usable, not_used = _usable_rows(table, values, skip_invalid)
    group = find_column(table, columns.group, "--group") if columns.group else None
    parts = [(None, np.ones(len(table), bool))] if group is None else _groups(table[group])
    training = _training(table)

    def entry(value: Any, rows: np.ndarray) -> TableEntry:
        kept = usable & rows
        unused = tuple((label, reason) for label, reason, index in not_used if rows[index])
        try:
            fit: PowerLaw | LawFit | None
            if name == "power":
                fit = fit_power_law(
                    next(iter(inputs.values()))[kept], values[y][kept], level=level, fit_range=fit_range
                )
            else:
                chosen = {key: column[kept] for key, column in inputs.items()}
                known = {key: column[kept] for key, column in training.items()}
                fit = fit_law(name, chosen, values[y][kept], level=level, shared=shared, training=known)
            return TableEntry(value, fit, "", int(kept.sum()), unused)
        except FitError as error:
            if group is None:
                raise
            return TableEntry(value, None, str(error), int(kept.sum()), unused)

    entries = tuple(entry(value, rows) for value, rows in parts)
    if not any(one.fit for one in entries):
        raise FitError(f"no group of {group!r} can be fitted. {entries[0].value}: {entries[0].problem}")
    if group is not None and (empty := int(table[group].isna().sum())):
        entries += (TableEntry(None, None, f"rows without a {group} are in no law: {empty}", 0, ()),)
    return TableFit(name, origin, y, group, entries)


def input_columns(table: pd.DataFrame, columns: TableColumns) -> dict[str, np.ndarray]:
    """The inputs of the law, from their columns or computed from compute, one value a row {name: [n_rows]}.

    Raises:
        FitError: a column is missing, or the columns do not say what the loss is fitted against.
    """
    return _inputs(table, columns)[0]


def _inputs(table: pd.DataFrame, columns: TableColumns) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The inputs of the law [n_rows], and where each comes from."""
    named = {"parameters": columns.parameters, "data": columns.data, "compute": columns.compute}
    given = {key: find_column(table, name, f"--{key}") for key, name in named.items() if name}
    if columns.x and given:
        raise FitError(
            f"--x is for laws of one resource; take it away, or take away {', '.join(f'--{k}' for k in given)}"
        )
    if columns.x and columns.epochs:
        raise FitError("--epochs is for the law of repeated data, with --parameters and --data: take it or --x away")
    if columns.x:
        column = find_column(table, columns.x, "--x")
        return {"resource": number_column(table, column)}, {"resource": column}
    if len(given) != 2:
        raise FitError(
            "say what the loss is fitted against: --x COLUMN for one resource, or two of --parameters, --data and "
            f"--compute for a joint law. The columns are {_names(table)}"
        )
    numbers = {key: number_column(table, column) for key, column in given.items()}
    origin = dict(given)
    order = ["parameters", "data"]
    if columns.epochs:
        origin["epochs"] = find_column(table, columns.epochs, "--epochs")
        numbers["epochs"] = number_column(table, origin["epochs"])
        order.append("epochs")
    # The data of the law of repeated data are unique ones, and compute has seen them for all epochs.
    repeats, times = (numbers["epochs"], f" {origin['epochs']}") if columns.epochs else (1.0, "")
    for wanted, other in (("data", "parameters"), ("parameters", "data")):
        if wanted not in numbers:
            numbers[wanted] = numbers["compute"] / (FLOPS_PER_PARAMETER_TOKEN * numbers[other] * repeats)
            origin[wanted] = f"{given['compute']} / (6 {given[other]}{times})"
    return {key: numbers[key] for key in order}, {key: origin[key] for key in order}


def _loss_column(table: pd.DataFrame, name: str | None) -> str:
    if name:
        return find_column(table, name, "--y")
    for known in LOSS_COLUMNS:
        if any(plain_name(str(column)) == plain_name(known) for column in table.columns):
            return find_column(table, known, "--y")
    raise FitError(f"--y: say which column is the loss. The columns are {_names(table)}")


def _usable_rows(
    table: pd.DataFrame, values: Mapping[str, np.ndarray], skip_invalid: bool
) -> tuple[np.ndarray, list[tuple[str, str, int]]]:
    """Which rows enter [n_rows], and for the others their label, the reason and their index."""
    labels = table["run"].astype(str).tolist() if "run" in table else [f"row {row + 1}" for row in range(len(table))]
    status = table["status"].astype(str).to_numpy() if "status" in table else np.full(len(table), "finished")
    if not (status == "finished").any():  # a column of another program, with words of its own
        status = np.full(len(table), "finished")
    usable, not_used = np.ones(len(table), bool), []
    for index in range(len(table)):
        reason = "" if status[index] == "finished" else status[index]
        for name, column in values.items():
            if not reason and not (np.isfinite(column[index]) and column[index] > 0):
                reason = f"{name} is {column[index]:g}"
                if not skip_invalid:
                    raise FitError(
                        f"{labels[index]}: {reason}, and a law needs finite numbers > 0. Mend the row, or leave such "
                        "rows out with --skip-invalid; they are named in the result."
                    )
        if reason:
            usable[index] = False
            not_used.append((labels[index], reason, index))
    return usable, not_used


def _names(table: pd.DataFrame) -> str:
    return ", ".join(map(str, table.columns))


def _groups(column: pd.Series) -> list[tuple[Any, np.ndarray]]:
    values = column.dropna().unique()
    try:
        ordered = sorted(values)
    except TypeError:
        ordered = sorted(values, key=str)
    plain = [value.item() if isinstance(value, np.generic) else value for value in ordered]
    return [(value, (column == value).to_numpy()) for value in plain]


def _training(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """What the table itself tells of the training of every run."""
    known = {name: number_column(table, name) for name in TRAINING_COLUMNS if name in table.columns}
    if "epochs" in known:
        repeats = np.maximum(known["epochs"] - 1, 0.0) / REPETITIONS_WORTH
        known["worth"] = (1 - REPETITIONS_WORTH * np.expm1(-repeats)) / np.maximum(known["epochs"], 1.0)
    return known
