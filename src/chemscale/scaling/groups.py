"""Fits over a study table: one law per group of runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from chemscale.base.config import nearest
from chemscale.base.errors import FitError
from chemscale.scaling.power_law import PowerLaw, Range, fit_power_law


@dataclass(frozen=True)
class GroupFit:
    """The fit of one group of runs, or the reason why there is none.

    Attributes:
        x: the resource column.
        y: the loss column.
        group: the column the table was grouped by; None for the whole table.
        value: this group's value of it.
        law: the fit; None where `problem` says why there is none.
        problem: empty where there is a law.
        n_runs: runs that entered.
        not_used: names of runs that did not, each with its reason (failed, diverged, no loss).
    """

    x: str
    y: str
    group: str | None
    value: Any
    law: PowerLaw | None
    problem: str
    n_runs: int
    not_used: tuple[str, ...]


def fit_by_group(
    table: pd.DataFrame,
    x: str,
    y: str,
    group: str | None = None,
    *,
    level: float = 0.95,
    fit_range: Range = "auto",
) -> list[GroupFit]:
    """Fit a power law of `y` against `x` in every group of a table.

    Runs that are not finished or whose `x` or `y` is no positive number are not used, and are named in the result. A
    group that cannot be fitted has its reason in `problem`; the others are fitted all the same.

    Args:
        table: one row per run; `status` and `run` are read where present.
        x: resource column.
        y: loss column.
        group: column to group by, in ascending order of its values; None fits the whole table.
        level: level of intervals.
        fit_range: as in `fit_power_law`.

    Raises:
        FitError: a column is missing.
    """
    for column in [x, y, *([group] if group else [])]:
        if column not in table.columns:
            raise FitError(
                f"the table has no column {column!r}{nearest(column, [str(name) for name in table.columns])}"
            )
    if group is None:
        return [_fit_group(table, x, y, None, None, level, fit_range)]
    parts = table.groupby(group, sort=True, dropna=True)
    return [_fit_group(part, x, y, group, _plain(value), level, fit_range) for value, part in parts]


def fit_study(
    table: pd.DataFrame,
    *,
    loss: str = "validation_loss",
    model_size: str = "n_parameters",
    data_size: str = "data_points",
    level: float = 0.95,
) -> list[GroupFit]:
    """All power laws of a model size x data size study: L(model size) per data size, and L(data size) per model size.

    A direction in which no group has two sizes is left away, because there is nothing to fit along it.
    """
    fits: list[GroupFit] = []
    for x, group in ((model_size, data_size), (data_size, model_size)):
        if {x, group, loss} <= set(table.columns) and table[x].nunique() > 1:
            fits += fit_by_group(table, x, loss, group, level=level)
    return fits


def _fit_group(
    part: pd.DataFrame, x: str, y: str, group: str | None, value: Any, level: float, fit_range: Range
) -> GroupFit:
    sizes = pd.to_numeric(part[x], errors="coerce").to_numpy(dtype=float)
    losses = pd.to_numeric(part[y], errors="coerce").to_numpy(dtype=float)
    status = part["status"].astype(str).to_numpy() if "status" in part else np.full(len(part), "finished")
    names = part["run"].astype(str).tolist() if "run" in part else [f"row {index}" for index in part.index]
    usable = (status == "finished") & np.isfinite(sizes) & (sizes > 0) & np.isfinite(losses) & (losses > 0)
    not_used = _why_not(names, status, usable, y)
    try:
        law, problem = fit_power_law(sizes[usable], losses[usable], level=level, fit_range=fit_range), ""
    except FitError as error:
        law, problem = None, str(error)
    return GroupFit(x, y, group, value, law, problem, int(usable.sum()), not_used)


def _why_not(names: Sequence[str], status: np.ndarray, usable: np.ndarray, y: str) -> tuple[str, ...]:
    reasons = [state if state != "finished" else f"no usable {y}" for state in status]
    return tuple(f"{name} ({reason})" for name, reason, use in zip(names, reasons, usable, strict=True) if not use)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
