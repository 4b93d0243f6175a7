"""What to buy next: the worth of more parameters against more data, and the cheapest run that reaches a loss."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chemscale.base.errors import FitError
from chemscale.scaling.about import ABOUT
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.cost import FAR_DECADES, CostModel
from chemscale.scaling.planning.delta_method import Estimate, propagate
from chemscale.scaling.planning.frontier import epoch_warnings, outside
from chemscale.scaling.planning.optimum import cheapest_split
from chemscale.scaling.planning.surface import TWO_TERMS, Surface, check_number, surface_of


@dataclass(frozen=True)
class Marginal:
    """What a little more of either is worth at one run.

    All intervals are at `level`, from the errors of the law and of the cost.

    Attributes:
        parameters: N of the run.
        data: D of the run, over all epochs.
        cost: of the run, in `unit`.
        unit: of the cost.
        level: of all intervals.
        loss: the law's loss.
        more_parameters: per cent by which the loss falls for 1 % more parameters.
        more_data: the same for 1 % more data.
        spent_on_parameters: per cent by which it falls if 1 % more budget goes into the model alone.
        spent_on_data: the same for the data alone.
        ratio: `spent_on_parameters` over `spent_on_data`; above 1 the model is the better buy.
        better: "parameters", "data", or "either" where the interval of the ratio holds 1.
        exchange: so many parameters do as much for the loss as one more data point.
        deadweight: share of the cost that the cheapest run of the same loss would save.
        best_parameters: N of that run.
        best_data: D of it.
        warnings: what to know before using it.
    """

    parameters: float
    data: float
    cost: float
    unit: str
    level: float
    loss: Estimate
    more_parameters: Estimate
    more_data: Estimate
    spent_on_parameters: Estimate
    spent_on_data: Estimate
    ratio: Estimate
    better: Literal["parameters", "data", "either"]
    exchange: Estimate
    deadweight: float
    best_parameters: float
    best_data: float
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return _plain(self)

    def __str__(self) -> str:
        verdict = {
            "parameters": "more parameters are the better buy",
            "data": "more data are the better buy",
            "either": "which is the better buy cannot be told",
        }[self.better]
        lines = [
            f"at N = {self.parameters:.4g}, D = {self.data:.4g} ({self.cost:.4g} {self.unit}), loss {self.loss}, "
            f"{100 * self.level:g} % intervals:",
            f"1 % more parameters lower the loss by {self.more_parameters} %, 1 % more data by {self.more_data} %",
            f"1 % more budget spent on parameters lowers it by {self.spent_on_parameters} %, on data by "
            f"{self.spent_on_data} %: ratio {self.ratio}, {verdict}",
            f"one more data point does as much as {self.exchange} more parameters",
            f"the same loss costs {100 * self.deadweight:.3g} % less at N = {self.best_parameters:.4g}, "
            f"D = {self.best_data:.4g}",
        ]
        return "\n".join([*lines, *(f"warning: {text}" for text in self.warnings), ABOUT])


@dataclass(frozen=True)
class Cheapest:
    """The cheapest run that reaches a loss.

    Attributes:
        target_loss: the loss to reach.
        parameters: N.
        data: D, over all epochs.
        cost: in `unit`.
        unit: of the cost.
        epochs: how often every data point is seen; 1 unless the data are limited.
        level: of all intervals.
        warnings: what to know before using it.
    """

    target_loss: float
    parameters: Estimate
    data: Estimate
    cost: Estimate
    unit: str
    epochs: float
    level: float
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return _plain(self)

    def __str__(self) -> str:
        epochs = "" if self.epochs <= 1 else f" ({self.epochs:.3g} epochs)"
        lines = [
            f"a loss of {self.target_loss:.6g} costs {self.cost} {self.unit} with N = {self.parameters} and "
            f"D = {self.data}{epochs}, {100 * self.level:g} % intervals"
        ]
        return "\n".join([*lines, *(f"warning: {text}" for text in self.warnings), ABOUT])


def marginal(
    fit: LawFit, cost: CostModel, parameters: float, data: float, *, max_data: float | None = None
) -> Marginal:
    """The worth of a little more model against a little more data, at a run that was or might be made.

    Args:
        fit: of a law of parameters and data.
        cost: `SixND()`, or `fit_cost` of measured runs.
        parameters: N of the run.
        data: D of the run, over all epochs.
        max_data: unique data there are; what is seen beyond them is seen again. Needs the law `repeated`.

    Raises:
        FitError: a bad size, an exponent whose interval touches zero, or a law that does not fall at this run.
    """
    surface = surface_of(fit, max_data)
    check_number("parameters", parameters)
    check_number("data", data)
    place = np.log([[parameters]]), np.log([[data]])
    by_size, by_data = (float(part[0, 0]) for part in surface.slopes(fit.theta[None], *place))
    if by_size >= 0 or by_data >= 0:
        raise FitError(
            f"at N = {parameters:.4g}, D = {data:.4g} the law {fit.name!r} does not fall with "
            f"{'parameters' if by_size >= 0 else 'data'}: it is no guide there. Fit a law that falls everywhere, "
            "such as `additive`."
        )
    found = propagate(fit, cost, lambda theta, priced: _worth(surface, theta, priced, *place))
    ratio = found.exponential(5)
    spent = float(cost(parameters, data))
    log_loss = surface.log_loss(fit.theta[None], *place)[:, 0]
    least, size, seen = (
        float(np.exp(part[0])) for part in cheapest_split(surface, fit.theta[None], cost, log_loss, np.log(spent))
    )
    return Marginal(
        parameters=float(parameters),
        data=float(data),
        cost=spent,
        unit=cost.unit,
        level=fit.level,
        loss=found.exponential(0),
        more_parameters=found.linear(1),
        more_data=found.linear(2),
        spent_on_parameters=found.linear(3),
        spent_on_data=found.linear(4),
        ratio=ratio,
        better="parameters" if ratio.low > 1 else "data" if ratio.high < 1 else "either",
        exchange=found.exponential(6),
        deadweight=max(1 - least / spent, 0.0),
        best_parameters=size,
        best_data=seen,
        warnings=(*size_warnings(fit, parameters, data), *cost.warnings_at(parameters, data)),
    )


def _worth(surface: Surface, theta: np.ndarray, cost: CostModel, size: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """ln L, four falls of the loss, ln of the ratio and ln of the exchange [n_fits, 7]."""
    falls = [-part for part in surface.slopes(theta, size, seen)]
    spent = [fall / part for fall, part in zip(falls, cost.elasticities(np.exp(size), np.exp(seen)), strict=True)]
    ratio = np.log(spent[0] / spent[1])
    exchange = np.log(falls[1] / falls[0]) + size - seen
    return np.concatenate([surface.log_loss(theta, size, seen), *falls, *spent, ratio, exchange], axis=1)


def cheapest(fit: LawFit, cost: CostModel, target_loss: float, *, max_data: float | None = None) -> Cheapest:
    """The cheapest model size and data that reach a loss by the law.

    Args:
        fit: of a law of parameters and data.
        cost: `SixND()`, or `fit_cost` of measured runs.
        target_loss: the loss to reach.
        max_data: unique data there are; what is seen beyond them is seen again. Needs the law `repeated`.

    Raises:
        FitError: the loss lies at or below the law's floor, or an exponent's interval touches zero.
    """
    surface = surface_of(fit, max_data)
    check_number("target_loss", target_loss)
    warnings = _floor_warnings(fit, target_loss)
    sizes, seen = _measured(fit)
    start = float(np.log(np.median(cost(sizes, seen))))
    target = float(np.log(target_loss))

    def answer(theta: np.ndarray, priced: CostModel) -> np.ndarray:
        return np.stack(cheapest_split(surface, theta, priced, np.full(len(theta), target), start), axis=1)

    found = propagate(fit, cost, answer)
    spent, parameters, data = (found.exponential(index) for index in range(3))
    place = parameters.value, data.value
    epochs = 1.0 if max_data is None else max(data.value / max_data, 1.0)
    places = (*size_warnings(fit, *place), *epoch_warnings(fit, epochs), *cost.warnings_at(*place))
    return Cheapest(
        target_loss=float(target_loss),
        parameters=parameters,
        data=data,
        cost=spent,
        unit=cost.unit,
        epochs=epochs,
        level=fit.level,
        warnings=(*warnings, *places),
    )


def _floor_warnings(fit: LawFit, target: float) -> tuple[str, ...]:
    if fit.name not in TWO_TERMS:
        return ()
    floor, (low, high) = fit.parameters["E"], fit.intervals["E"]
    if target <= floor:
        raise FitError(
            f"target_loss: {target:.6g} is not above the law's floor E = {floor:.6g} [{low:.4g}, {high:.4g}]: no "
            "budget reaches it with this family and these data. Ask for a higher loss."
        )
    if target > high:
        return ()
    return (
        f"the target lies within the {100 * fit.level:g} % interval of the law's floor [{low:.4g}, {high:.4g}]: it may "
        "not be reached at any cost, and the intervals here are too narrow",
    )


def _measured(fit: LawFit) -> tuple[np.ndarray, np.ndarray]:
    """N and all data seen of the fitted cells."""
    columns = fit.cells.values
    return columns[:, 0], columns[:, 1:].prod(axis=1)


def size_warnings(fit: LawFit, parameters: float, data: float) -> tuple[str, ...]:
    """Where a run lies outside of the sizes that were fitted."""
    found = []
    for name, value in (("parameters", parameters), ("data", data)):
        decades = outside(fit, name, value)
        if decades:
            far = ": read a direction from it and no more" if abs(decades) > FAR_DECADES else ""
            side = "above" if decades > 0 else "below"
            found.append(f"{name} {value:.3g} lie {abs(decades):.2f} decades {side} all that was fitted{far}")
    return tuple(found)


def _plain(result: Marginal | Cheapest) -> dict[str, Any]:
    plain = {name: value.to_dict() if isinstance(value, Estimate) else value for name, value in vars(result).items()}
    return {**plain, "warnings": list(result.warnings), "about": ABOUT}
