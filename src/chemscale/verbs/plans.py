"""The verb plan: spend a budget by a fitted law [no torch]."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from chemscale.base.errors import FitError, UserError
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.advice import Cheapest, Marginal, cheapest, marginal
from chemscale.scaling.planning.cost import CostModel, SixND
from chemscale.scaling.planning.cost_fit import fit_cost
from chemscale.scaling.planning.labels import LabelBudget, label_budget
from chemscale.scaling.planning.next_run import NextRuns, next_run
from chemscale.scaling.planning.split import Split, split
from chemscale.scaling.planning.surface import ABOUT
from chemscale.scaling.prediction.forecast import Forecast, forecast
from chemscale.scaling.table_file import find_column, number_column, read_table
from chemscale.scaling.table_fit import TableColumns, TableFit, fit_table
from chemscale.verbs.laws import STUDY_DATA, STUDY_MODEL

STUDY_FLOPS = "training_flops"
LABEL_UNITS = ("molecules", "labels", "tokens", "points", "frames", "blocks", "data")
HOUR_UNITS = ("h", "hours", "device-hours", "gpu-hours")
_BUDGET = re.compile(r"^\s*([0-9.]+(?:e[+-]?[0-9]+)?)\s*([a-z_\- ]*?)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Budget:
    """What may be spent: an amount and its unit (`FLOPs`, `device-hours`, one of the labels, or a cost column)."""

    amount: float
    unit: str


@dataclass(frozen=True)
class BudgetPlan:
    """How a budget is best spent, by a law fitted to a table.

    Attributes:
        fitted: the law, and where its inputs come from.
        cost: what a run costs.
        notes: what the answers rest on.
        best: the best split; None for a budget of labels.
        expected: the loss at the best split, with all that may go wrong between here and there.
        labels: what a number of data points allows; None for other budgets.
        here: what a little more of either is worth at the largest run that was made.
        target: the cheapest run for a loss; None where none is asked for.
        next_runs: which run would sharpen the answer most for its cost.
        refused: part of the plan -> why there is none.
    """

    fitted: TableFit
    cost: CostModel
    notes: tuple[str, ...]
    best: Split | None
    expected: Forecast | None
    labels: LabelBudget | None
    here: Marginal | None
    target: Cheapest | None
    next_runs: NextRuns | None
    refused: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types; a part that was not asked for, or refused, is None."""
        parts = {name: getattr(self, name) for name in _PARTS}
        plain = {name: part.to_dict() if part else None for name, part in parts.items()}
        fit = self.fitted.to_dict()
        return {"fit": fit, "cost": self.cost.to_dict(), **plain, "refused": self.refused, "notes": list(self.notes)}

    def __str__(self) -> str:
        fit = self.fitted.entries[0].fit
        values = ", ".join(f"{name} {value:.4g}" for name, value in fit.parameters.items()) if fit else ""
        lines = [f"{self.fitted.law} law: {values}", f"cost: {self.cost.formula}", *self.notes]
        for name, title in _PARTS.items():
            part = getattr(self, name)
            if part is not None:
                lines += ["", title.upper(), str(part).replace(f"\n{ABOUT}", "")]
            elif name in self.refused:
                lines += ["", title.upper(), f"none: {self.refused[name]}"]
        return "\n".join([*lines, "", ABOUT])


_PARTS = {
    "best": "best split of the budget",
    "expected": "loss to expect there",
    "labels": "what these data allow",
    "here": "the next unit at the largest run",
    "target": "cheapest run for the target",
    "next_runs": "runs that would sharpen the answer",
}


@dataclass(frozen=True)
class PlanRequest:
    """What is asked of a plan.

    Attributes:
        budget: as text, see `parse_budget`; None where only a target is asked for.
        target_loss: the loss to reach.
        law: a joint law.
        cost: a column of the table with what every run cost; None counts C = 6 N D FLOPs, or a study's own.
        flops_per_hour: what a device-hour buys; None where budgets are no device-hours.
        device_note: how that was reckoned.
        max_data: unique data there are (law `repeated`).
        level: of the intervals.
    """

    budget: str | None = None
    target_loss: float | None = None
    law: str | None = None
    cost: str | None = None
    flops_per_hour: float | None = None
    device_note: str = ""
    max_data: float | None = None
    level: float = 0.95


def parse_budget(text: str, cost_unit: str = "FLOPs") -> Budget:
    """Read `1e18` (in the unit of the cost), `300 h`, `1e6 molecules`.

    Raises:
        UserError: it is none of these.
    """
    match = _BUDGET.match(text)
    if not match or float(match[1]) <= 0:
        raise UserError(f"--budget: expected a number and a unit, as in 1e18, '300 h', '1e6 molecules', got {text!r}")
    amount, unit = float(match[1]), match[2].lower().replace(" ", "-")
    if not unit or unit == cost_unit.lower().replace(" ", "-"):
        return Budget(amount, cost_unit)
    if unit in ("flops", "flop"):
        return Budget(amount, "FLOPs")
    if unit in HOUR_UNITS:
        return Budget(amount, cost_unit if "hour" in cost_unit.lower() else "device-hours")
    if unit in LABEL_UNITS:
        return Budget(amount, unit)
    raise UserError(
        f"--budget: no unit is called {match[2]!r}; use FLOPs, h (device-hours), or {', '.join(LABEL_UNITS)}"
    )


def plan(source: Path | pd.DataFrame, columns: TableColumns, request: PlanRequest) -> BudgetPlan:
    """Fit the joint law of a table and spend a budget by it.

    Args:
        source: a file or a table; for the table of a study of ours the columns are known.
        columns: as in `fit`; `x` and `group` are not used.
        request: the budget, the target, the cost.

    Raises:
        UserError: the file, a column or the budget is wrong, or the law cannot be fitted.
    """
    if request.budget is None and request.target_loss is None:
        raise UserError("say what to plan: --budget 1e18, --budget '300 h' --device a100, or --target-loss 2.1")
    table = source if isinstance(source, pd.DataFrame) else read_table(source)
    of_a_study = not (columns.parameters or columns.data or columns.compute) and {STUDY_MODEL, STUDY_DATA} <= set(table)
    if of_a_study:
        columns = TableColumns(y=columns.y, parameters=STUDY_MODEL, data=STUDY_DATA)
    fitted = fit_table(table, columns, request.law, level=request.level)
    fit = fitted.entries[0].fit
    if not isinstance(fit, LawFit):
        raise FitError(f"law: a plan needs a law of model and data, and {fitted.law!r} is none; use additive or kaplan")
    cost, notes = _cost(table, fitted, fit, request.cost or (STUDY_FLOPS if of_a_study else None))
    budget = parse_budget(request.budget, cost.unit) if request.budget else None
    if budget and budget.unit == "device-hours" and cost.unit == "FLOPs":
        if request.flops_per_hour is None:
            raise UserError("--budget: device-hours need --device, for example --device a100x4")
        budget = Budget(budget.amount * request.flops_per_hour, "FLOPs")
        notes = (*notes, f"the budget is {budget.amount:.4g} FLOPs: {request.device_note}")
    return _answers(fitted, fit, cost, notes, budget, request)


def _answers(
    fitted: TableFit, fit: LawFit, cost: CostModel, notes: tuple[str, ...], budget: Budget | None, request: PlanRequest
) -> BudgetPlan:
    refused: dict[str, str] = {}

    def attempt(name: str, wanted: bool, make: Any) -> Any:
        if not wanted:
            return None
        try:
            return make()
        except FitError as error:
            refused[name] = str(error)
            return None

    of_labels = budget is not None and budget.unit in LABEL_UNITS
    if budget and not of_labels and budget.unit != cost.unit:
        raise UserError(f"--budget: is in {budget.unit}, and runs are priced in {cost.unit}; give it in {cost.unit}")
    amount = budget.amount if budget else 0.0
    largest = _largest(fit, cost)
    best = attempt("best", bool(budget) and not of_labels, lambda: split(fit, cost, amount, max_data=request.max_data))
    place = (best.best.parameters.value, best.best.data.value) if best else (0.0, 0.0)
    plain = fit.name in ("additive", "kaplan", "log-quadratic")
    return BudgetPlan(
        fitted=fitted,
        cost=cost,
        notes=notes,
        best=best,
        expected=attempt("expected", best is not None and plain, lambda: forecast(fit, *place)),
        labels=attempt("labels", of_labels, lambda: label_budget(fit, amount)),
        here=attempt("here", True, lambda: marginal(fit, cost, *largest, max_data=request.max_data)),
        target=attempt(
            "target",
            request.target_loss is not None,
            lambda: cheapest(fit, cost, float(request.target_loss or 0), max_data=request.max_data),
        ),
        next_runs=attempt("next_runs", best is not None, lambda: next_run(fit, cost, amount)),
        refused=refused,
    )


def _cost(table: pd.DataFrame, fitted: TableFit, fit: LawFit, column: str | None) -> tuple[CostModel, tuple[str, ...]]:
    """The cost of a run, from a column of the table or as 6 N D."""
    if column is None or (column == STUDY_FLOPS and column not in table):
        return SixND(), ("data are counted in tokens, so that C = 6 N D holds; else give --cost COLUMN",)
    name = find_column(table, column, "--cost")
    sizes = [number_column(table, fitted.inputs[key]) for key in ("parameters", "data")]
    spent = number_column(table, name)
    if "epochs" in fitted.inputs:
        sizes[1] = sizes[1] * number_column(table, fitted.inputs["epochs"])
    fine = np.all([np.isfinite(part) & (part > 0) for part in (*sizes, spent)], axis=0)
    unit = "FLOPs" if "flop" in name.lower() else name
    return fit_cost(sizes[0][fine], sizes[1][fine], spent[fine], unit), (f"cost: the column {name} of the table",)


def _largest(fit: LawFit, cost: CostModel) -> tuple[float, float]:
    """Parameters and data of the most expensive run."""
    values = fit.cells.values
    data = values[:, 1:].prod(axis=1)
    dearest = int(np.argmax(cost(values[:, 0], data)))
    return float(values[dearest, 0]), float(data[dearest])
