"""The compute-optimal frontier: for every budget the model size and the data with the least loss, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chemscale.base.errors import FitError
from chemscale.scaling.about import ABOUT
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.cost import FAR_DECADES, CostModel, decades_outside
from chemscale.scaling.planning.delta_method import Estimate, Propagated, propagate
from chemscale.scaling.planning.optimum import best_split
from chemscale.scaling.planning.surface import REACH_DECADES, Surface, check_budgets, surface_of
from chemscale.scaling.points import check_positive, numbers

RISE = 0.01  # of ln C, over which the exponents of the frontier are taken
ROUNDING = 1e-11  # of a slope of ln L: what is below it may be rounding
ANSWERS = 5  # per budget: ln N*, ln D*, ln L* and the two exponents


@dataclass(frozen=True)
class FrontierPoint:
    """The best split of one budget.

    Attributes:
        budget: in the unit of the cost.
        parameters: N*.
        data: D*, all data seen, over all epochs.
        loss: L*, the law's own loss; its interval knows nothing of how the law may fail outside of the data.
        parameters_exponent: a of N* ~ C^a at this budget.
        data_exponent: b of D* ~ C^b.
        model_share: share of the model term in the reducible loss; None for laws that have no two terms.
        data_share: share of the data term.
        parameters_outside: decades by which N* lies above (negative: below) the model sizes that were fitted.
        data_outside: the same of the data.
        epochs: how often every data point is seen; 1 unless the data are limited.
        parameters_huber: N* by the same law fitted with Huber's loss; None where that has no best split.
    """

    budget: float
    parameters: Estimate
    data: Estimate
    loss: Estimate
    parameters_exponent: Estimate
    data_exponent: Estimate
    model_share: float | None
    data_share: float | None
    parameters_outside: float
    data_outside: float
    epochs: float
    parameters_huber: float | None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {name: value.to_dict() if isinstance(value, Estimate) else value for name, value in vars(self).items()}


@dataclass(frozen=True)
class Frontier:
    """The best splits of several budgets.

    Attributes:
        law: name of the law.
        cost: the cost as text.
        unit: of the budgets.
        level: of all intervals.
        points: one per budget, in the order given.
        max_data: unique data there are; None where they never end.
        warnings: what to know before using it.
    """

    law: str
    cost: str
    unit: str
    level: float
    points: tuple[FrontierPoint, ...]
    max_data: float | None
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {
            **vars(self),
            "points": [point.to_dict() for point in self.points],
            "warnings": list(self.warnings),
            "about": ABOUT,
        }

    def __str__(self) -> str:
        lines = [
            f"best split by the law {self.law!r} under {self.cost} ({self.unit}), {100 * self.level:g} % intervals"
        ]
        lines.append(f"{'budget':>10s}  {'parameters':29s} {'data':29s} {'loss':23s} exponents")
        for point in self.points:
            epochs = "" if point.epochs <= 1 else f", {point.epochs:.3g} epochs"
            lines.append(
                f"{point.budget:10.4g}  {point.parameters!s:29s} {point.data!s:29s} {point.loss!s:23s} "
                f"{point.parameters_exponent.value:.3f}, {point.data_exponent.value:.3f}{epochs}"
            )
        return "\n".join([*lines, *(f"warning: {text}" for text in self.warnings), ABOUT])


def frontier(fit: LawFit, cost: CostModel, budgets: ArrayLike, *, max_data: float | None = None) -> Frontier:
    """Split every budget between model and data so that the law's loss is least.

    Args:
        fit: of a law of parameters and data.
        cost: `SixND()`, or `fit_cost` of measured runs.
        budgets: in the unit of the cost [n_budgets].
        max_data: unique data there are: what is seen beyond them is seen again. Needs the law `repeated`.

    Raises:
        FitError: bad budgets, an exponent whose interval touches zero, or a law without a best split.
    """
    surface = surface_of(fit, max_data)
    spent = numbers("budgets", np.atleast_1d(np.asarray(budgets, dtype=object)))
    if not len(spent):
        raise FitError(f"budgets: expected one or more in {cost.unit}, got none")
    check_positive("budgets", spent)
    check_budgets(fit, cost, spent)
    found = propagate(fit, cost, lambda theta, priced: _answers(surface, theta, priced, np.log(spent)))
    _check_reach(fit, found, spent)
    robust = _huber_sizes(fit, surface, cost, np.log(spent))
    points = tuple(
        _point(fit, surface, found, index, float(budget), robust[index]) for index, budget in enumerate(spent)
    )
    _check_falling(fit, surface, points)
    warnings = (*place_warnings(fit, points), *cost.warnings_at(*sizes_of(points)))
    return Frontier(fit.name, cost.formula, cost.unit, fit.level, points, max_data, warnings)


def _answers(surface: Surface, theta: np.ndarray, cost: CostModel, log_budget: np.ndarray) -> np.ndarray:
    """[n_fits, ANSWERS * n_budgets]."""
    size, seen = best_split(surface, theta, cost, log_budget[None])
    around = np.concatenate([log_budget - RISE, log_budget + RISE])[None]
    rises = [
        (np.diff(ends.reshape(len(theta), 2, -1), axis=1)[:, 0]) / (2 * RISE)
        for ends in best_split(surface, theta, cost, around)
    ]
    return np.concatenate([size, seen, surface.log_loss(theta, size, seen), *rises], axis=1)


def _point(
    fit: LawFit, surface: Surface, found: Propagated, index: int, budget: float, robust: float | None
) -> FrontierPoint:
    n_budgets = len(found.value) // ANSWERS
    size, seen, loss, model_rise, data_rise = (index + n_budgets * kind for kind in range(ANSWERS))
    parameters, data = found.exponential(size), found.exponential(seen)
    place = found.value[size][None, None], found.value[seen][None, None]
    shares = surface.reducible_shares(fit.theta[None], *place)
    unique = np.inf if surface.log_unique is None else float(np.exp(surface.log_unique))
    return FrontierPoint(
        budget=budget,
        parameters=parameters,
        data=data,
        loss=found.exponential(loss),
        parameters_exponent=found.linear(model_rise),
        data_exponent=found.linear(data_rise),
        model_share=None if shares is None else float(shares[0, 0]),
        data_share=None if shares is None else 1 - float(shares[0, 0]),
        parameters_outside=outside(fit, "parameters", parameters.value),
        data_outside=outside(fit, "data", data.value),
        epochs=max(data.value / unique, 1.0),
        parameters_huber=robust,
    )


def _check_reach(fit: LawFit, found: Propagated, budgets: np.ndarray) -> None:
    """Refuse budgets whose best sizes lie so far out that nothing can be computed there."""
    logs = fit.cells.logs
    columns = {"parameters": logs[:, 0], "data": logs[:, 1:].sum(axis=1)}
    for (name, fitted), best in zip(columns.items(), found.value.reshape(ANSWERS, -1), strict=False):
        outside = np.maximum(fitted.min() - best, best - fitted.max()) / np.log(10)
        far = np.flatnonzero(~(outside <= REACH_DECADES))
        if len(far):
            raise FitError(
                f"budget: the best {name} of {budgets[far[0]]:.4g} lie {outside[far[0]]:.0f} decades outside all that "
                f"was fitted, and a plan reaches {REACH_DECADES:g}. Ask for a budget nearer to what the runs cost."
            )


def _huber_sizes(fit: LawFit, surface: Surface, cost: CostModel, log_budget: np.ndarray) -> list[float | None]:
    """N* of every budget by the fit with Huber's loss; None where that fit has no best split."""
    values = np.array([fit.huber[name] for name in fit.law.names])
    theta = fit.law.move(fit.law.coordinates(values), -fit.design.centre)[None]
    try:
        return [float(size) for size in np.exp(best_split(surface, theta, cost, log_budget[None])[0][0])]
    except FitError:
        return [None] * len(log_budget)


def outside(fit: LawFit, name: str, value: float) -> float:
    """Decades by which a size lies above (negative: below) those that were fitted; data count over all epochs."""
    table = dict(zip(fit.cells.inputs, fit.cells.values.T, strict=True))
    fitted = table[name] * table.get("epochs", 1.0) if name == "data" else table[name]
    return float(decades_outside(np.array([value]), (float(fitted.min()), float(fitted.max())))[0])


def sizes_of(points: Sequence[FrontierPoint]) -> tuple[np.ndarray, np.ndarray]:
    """N* and D* of the points, two arrays [n]."""
    return np.array([point.parameters.value for point in points]), np.array([point.data.value for point in points])


def _check_falling(fit: LawFit, surface: Surface, points: Sequence[FrontierPoint]) -> None:
    sizes, seen = (np.log(part)[None] for part in sizes_of(points))
    slopes = surface.slopes(fit.theta[None], sizes, seen)[0][0]
    # Written so that a slope that is no number counts as one that cannot be told.
    untold = np.flatnonzero(~(np.abs(slopes) > ROUNDING))
    if len(untold):
        point = points[untold[0]]
        raise FitError(
            f"budget: {point.budget:.4g} is too large to be split: at N = {point.parameters.value:.3g}, "
            f"D = {point.data.value:.3g} the loss is so near its floor that it falls by less than can be computed. Ask "
            "for a smaller budget."
        )
    rising = np.flatnonzero(slopes > 0)
    if len(rising):
        point = points[rising[0]]
        raise FitError(
            f"at the best split of {point.budget:.4g} (N = {point.parameters.value:.3g}, D = {point.data.value:.3g}) "
            f"the law {fit.name!r} says that more of either makes the loss worse: it is no guide there. Ask for a "
            "smaller budget, or fit a law that falls everywhere, such as `additive`."
        )


def place_warnings(fit: LawFit, points: Sequence[FrontierPoint]) -> tuple[str, ...]:
    """Where the best splits lie outside of what was fitted, and a fit at a bound."""
    found = []
    for name in ("parameters", "data"):
        far = [abs(getattr(point, f"{name}_outside")) for point in points]
        worst = int(np.argmax(far))
        if far[worst] == 0:
            continue
        point = points[worst]
        side = "above" if getattr(point, f"{name}_outside") > 0 else "below"
        verdict = (
            "much too far for numbers: read a direction from it and no more"
            if far[worst] > FAR_DECADES
            else "the law is carried on beyond its data, and the intervals do not know how it may fail there"
        )
        found.append(
            f"at {point.budget:.4g} the best {name} are {getattr(point, name).value:.3g}, {far[worst]:.2f} decades "
            f"{side} all that was fitted: {verdict}"
        )
    moved = [point for point in points if not _agrees(point)]
    if moved:
        other = moved[0].parameters_huber
        found.append(
            f"with Huber's loss in place of squares N* at {moved[0].budget:.4g} is "
            f"{'nowhere' if other is None else f'{other:.3g}'}, outside of the interval: a few runs decide, "
            "look for outliers"
        )
    found.extend(epoch_warnings(fit, max(point.epochs for point in points)))
    if fit.status != "converged":
        found.append(f"the fit is {fit.status}, and the intervals take that as given")
    return tuple(found)


def _agrees(point: FrontierPoint) -> bool:
    other = point.parameters_huber
    return other is not None and point.parameters.low <= other <= point.parameters.high


def epoch_warnings(fit: LawFit, asked: float) -> tuple[str, ...]:
    """More epochs than any fitted run had."""
    if "epochs" not in fit.cells.inputs:
        return ()
    most = float(fit.cells.values[:, fit.cells.inputs.index("epochs")].max())
    if asked <= most * (1 + 1e-9):
        return ()
    return (f"{asked:.3g} epochs are asked for, and no fitted run had more than {most:.3g}",)
