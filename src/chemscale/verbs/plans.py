"""The verb plan: spend a budget by a fitted law [no torch]."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from chemscale.base.errors import FitError, UserError
from chemscale.scaling.about import ABOUT
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.advice import Cheapest, Marginal, cheapest, marginal
from chemscale.scaling.planning.cost import CostModel, SixND
from chemscale.scaling.planning.cost_fit import fit_cost
from chemscale.scaling.planning.labels import LabelBudget, label_budget
from chemscale.scaling.planning.next_run import NextRuns, next_run
from chemscale.scaling.planning.split import Split, split
from chemscale.scaling.prediction.forecast import Forecast, forecast
from chemscale.scaling.table_file import find_column, number_column, read_table
from chemscale.scaling.table_fit import TableColumns, TableFit, fit_table, input_columns
from chemscale.studies.devices import DeviceSpeed, device_speed
from chemscale.verbs.budgets import FLOPS, Budget, as_flops, hours_note, label_note, parse_budget, unit_of_column
from chemscale.verbs.laws import STUDY_DATA, STUDY_MODEL

STUDY_FLOPS = "training_flops"
SAME_COST = 0.99  # of the dearest run's cost: which of these runs is called the largest, their losses decide


@dataclass(frozen=True)
class BudgetPlan:
    """How a budget is best spent, by a law fitted to a table.

    Attributes:
        fitted: the law, and where its inputs come from.
        cost: what a run costs; None where that cannot be told.
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
    cost: CostModel | None
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
        cost = self.cost.to_dict() if self.cost else None
        return {"fit": fit, "cost": cost, **plain, "refused": self.refused, "notes": list(self.notes)}

    def __str__(self) -> str:
        lines = [*_law_lines(self.fitted)]
        lines += [f"cost: {self.cost.formula} {self.cost.unit}"] if self.cost else []
        lines += self.notes
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
        device: such as `a100x4`, for budgets in device-hours: those of all devices together. Others are given in them
            too.
        utilisation: share of its peak that training reaches; None takes an assumption, which is stated.
        max_data: unique data there are (law `repeated`).
        level: of the intervals, that of the forecast too.
    """

    budget: str | None = None
    target_loss: float | None = None
    law: str | None = None
    cost: str | None = None
    device: str | None = None
    utilisation: float | None = None
    max_data: float | None = None
    level: float = 0.95


@dataclass(frozen=True)
class _Priced:
    """What a run costs, or why that cannot be told.

    Attributes:
        unit: of the cost.
        model: None where `problem` says why.
        problem: empty where there is a model.
        note: where the cost comes from.
    """

    unit: str
    model: CostModel | None
    problem: str
    note: str

    def known(self) -> CostModel:
        """The cost.

        Raises:
            FitError: it cannot be told.
        """
        if self.model is None:
            raise FitError(self.problem)
        return self.model


def plan(source: Path | pd.DataFrame, columns: TableColumns, request: PlanRequest) -> BudgetPlan:
    """Fit the joint law of a table and spend a budget by it.

    Args:
        source: a file or a table; for the table of a study of ours the columns are known.
        columns: as in `fit`; `x` and `group` are not used.
        request: the budget, the target, the cost.

    Raises:
        UserError: the file, a column, the budget or the device is wrong, the law cannot be fitted, or every part that
            was asked for is refused.
    """
    if request.budget is None and request.target_loss is None:
        raise UserError("say what to plan: --budget 1e18, --budget '300 h' --device a100, or --target-loss 2.1")
    speed = _speed(request)
    table = source if isinstance(source, pd.DataFrame) else read_table(source)
    of_a_study = not (columns.parameters or columns.data or columns.compute) and {STUDY_MODEL, STUDY_DATA} <= set(table)
    if of_a_study:
        columns = TableColumns(y=columns.y, parameters=STUDY_MODEL, data=STUDY_DATA)
    fitted = fit_table(table, columns, request.law, level=request.level)
    fit = fitted.entries[0].fit
    if not isinstance(fit, LawFit):
        raise FitError(f"law: a plan needs a law of model and data, and {fitted.law!r} is none; use additive or kaplan")
    default = STUDY_FLOPS if of_a_study and STUDY_FLOPS in table else None
    priced = _priced(table, columns, default if request.cost is None else request.cost)
    budget = None if request.budget is None else as_flops(parse_budget(request.budget, priced.unit), speed)
    if budget and not budget.of_labels and budget.unit != priced.unit:
        raise UserError(
            f"--budget: is in {budget.unit}, and runs are priced in {priced.unit}; give it in {priced.unit}"
        )
    if speed and priced.unit != FLOPS:
        raise UserError(f"--device: turns hours into FLOPs, and runs are priced in {priced.unit}; leave it out")
    notes = (priced.note, *_budget_notes(budget, fitted, speed))
    return _answers(fitted, fit, priced, notes, budget, request)


def _speed(request: PlanRequest) -> DeviceSpeed | None:
    if request.device is not None:
        return device_speed(request.device, request.utilisation)
    if request.utilisation is not None:
        raise UserError("--utilisation: is the share of a device's peak, so say of which, for example --device a100")
    return None


def _budget_notes(budget: Budget | None, fitted: TableFit, speed: DeviceSpeed | None) -> list[str]:
    """In which units the budget is read."""
    if budget and budget.of_labels:
        return [label_note(budget, fitted.inputs["data"])]
    if speed is None:
        return []
    return [hours_note(budget.amount, speed) if budget else str(speed)]


_Part = TypeVar("_Part")


def _answers(
    fitted: TableFit, fit: LawFit, priced: _Priced, notes: tuple[str, ...], budget: Budget | None, request: PlanRequest
) -> BudgetPlan:
    refused: dict[str, str] = {}

    def attempt(name: str, wanted: bool, make: Callable[[], _Part]) -> _Part | None:
        if not wanted:
            return None
        try:
            return make()
        except FitError as error:
            refused[name] = str(error)
            return None

    amount, known, most = budget.amount if budget else 0.0, priced.known, request.max_data
    target_loss = request.target_loss
    asked = {
        "best": budget is not None and not budget.of_labels,
        "labels": budget is not None and budget.of_labels,
        "target": target_loss is not None,
    }
    best = attempt("best", asked["best"], lambda: split(fit, known(), amount, max_data=most))
    labels = attempt("labels", asked["labels"], lambda: label_budget(fit, amount))
    target = attempt(
        "target", asked["target"], lambda: cheapest(fit, known(), float(target_loss or 0.0), max_data=most)
    )
    _check_any_answer(asked, refused)
    place = (best.best.parameters.value, best.best.data.value) if best else (0.0, 0.0)
    plain = fit.name in ("additive", "kaplan", "log-quadratic")
    return BudgetPlan(
        fitted=fitted,
        cost=priced.model,
        notes=notes,
        best=best,
        expected=attempt("expected", best is not None and plain, lambda: forecast(fit, *place, level=request.level)),
        labels=labels,
        here=attempt("here", True, lambda: marginal(fit, known(), *_largest(fit, known()), max_data=most)),
        target=target,
        next_runs=attempt("next_runs", best is not None, lambda: next_run(fit, known(), amount, max_data=most)),
        refused=refused,
    )


def _check_any_answer(asked: dict[str, bool], refused: dict[str, str]) -> None:
    """Refuse the plan where all that was asked for is refused."""
    wanted = [name for name, is_asked in asked.items() if is_asked]
    if any(name not in refused for name in wanted):
        return
    reasons = dict.fromkeys(refused[name] for name in wanted)
    raise FitError(f"no {' and no '.join(_PARTS[name] for name in wanted)}: {'; '.join(reasons)}")


def _priced(table: pd.DataFrame, columns: TableColumns, column: str | None) -> _Priced:
    """The cost of a run, from a column of the table or as 6 N D."""
    if column is None:
        note = "the data are taken for tokens, as C = 6 N D wants them; else give --cost COLUMN"
        return _Priced(FLOPS, SixND(), "", note)
    name = find_column(table, column, "--cost")
    unit = unit_of_column(name)
    inputs = input_columns(table, columns)
    spent = number_column(table, name)
    seen = inputs["data"] * inputs.get("epochs", np.ones(len(table)))
    finished = (table["status"] == "finished").to_numpy() if "status" in table else np.ones(len(table), bool)
    positive = [np.isfinite(part) & (part > 0) for part in (inputs["parameters"], seen, spent)]
    used = np.all([finished, *positive], axis=0)
    note = f"the cost is fitted to the column {name!r} of {used.sum()} runs"
    try:
        return _Priced(unit, fit_cost(inputs["parameters"][used], seen[used], spent[used], unit), "", note)
    except FitError as error:
        return _Priced(unit, None, f"column {name!r}: {error}", f"the column {name!r} gives no cost")


def _largest(fit: LawFit, cost: CostModel) -> tuple[float, float]:
    """Parameters and data of the most expensive run; of runs that cost the same, of the one with the least loss."""
    values = fit.cells.values
    data = values[:, 1:].prod(axis=1)
    spent = cost(values[:, 0], data)
    losses = np.where(spent >= SAME_COST * spent.max(), fit.predict(*values.T), np.inf)
    found = int(np.argmin(losses))
    return float(values[found, 0]), float(data[found])


def _law_lines(fitted: TableFit) -> list[str]:
    """The law, and what is to be known before a budget is spent by it."""
    entry = fitted.entries[0]
    if entry.fit is None:
        return []
    values = ", ".join(f"{name} {value:.4g}" for name, value in entry.fit.parameters.items())
    lines = [f"{fitted.law} law: {values}", *(f"warning: {text}" for text in entry.fit.warnings)]
    if entry.not_used:
        row, reason = entry.not_used[0]
        lines.append(f"warning: {len(entry.not_used)} rows were left out, the first {row}: {reason}")
    return [*lines, "laws were not compared here: `chemscale fit` with --compare says whether another fits better"]
