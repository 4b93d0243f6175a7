"""A budget of data points or labels: how large a model they deserve, whatever training costs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from chemscale.base.errors import FitError
from chemscale.scaling.about import ABOUT
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.advice import size_warnings
from chemscale.scaling.planning.cost import CostModel, SixND
from chemscale.scaling.planning.delta_method import Estimate, propagate
from chemscale.scaling.planning.optimum import REACH
from chemscale.scaling.planning.surface import Surface, check_number, surface_of

SMALL = 0.1  # share of the data term below which the model term no longer matters
WIDE_DECADES = 6.0
HALVINGS = 80


@dataclass(frozen=True)
class LabelBudget:
    """What a fixed number of data points or labels allows, whatever training costs.

    Attributes:
        data: data points.
        share: model term over data term below which more parameters hardly matter.
        enough_parameters: N from which on the model term is below that share of the data term.
        loss: the law's loss there.
        loss_without_end: its loss for a model without end: no model gets below it with these data.
        affordable_parameters: N of the largest model that a budget can train on these data; None without a budget.
        affordable_loss: the law's loss of it.
        level: of all intervals.
        warnings: what to know before using it.
    """

    data: float
    share: float
    enough_parameters: Estimate
    loss: Estimate
    loss_without_end: Estimate
    affordable_parameters: float | None
    affordable_loss: Estimate | None
    level: float
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        plain = {name: value.to_dict() if isinstance(value, Estimate) else value for name, value in vars(self).items()}
        return {**plain, "warnings": list(self.warnings), "about": ABOUT}

    def __str__(self) -> str:
        lines = [
            f"with {self.data:.6g} data points, N = {self.enough_parameters} parameters are enough: beyond them the "
            f"model's part is below {100 * self.share:g} % of the data's part ({100 * self.level:g} % intervals)",
            f"loss there {self.loss}; no model gets below {self.loss_without_end} without more data",
        ]
        if self.affordable_parameters is not None:
            lines.append(
                f"the budget trains {self.affordable_parameters:.4g} parameters on them: loss {self.affordable_loss}"
            )
        return "\n".join([*lines, *(f"warning: {text}" for text in self.warnings), ABOUT])


def label_budget(
    fit: LawFit, data: float, *, share: float = SMALL, cost: CostModel | None = None, budget: float | None = None
) -> LabelBudget:
    """How large a model a fixed number of data points or labels deserves.

    By the additive law the loss falls with the model size without end, so there is no best size: what is given is the
    size from which on the model term is `share` of the data term. Kaplan's law is read in the same way, by the two
    terms of its bracket. Every data point is seen once.

    Args:
        fit: of the law `additive`, `repeated` or `kaplan`.
        data: data points there are.
        share: model term over data term.
        cost: of training; with it, `budget` bounds what training may cost.
        budget: in the unit of the cost.

    Raises:
        FitError: another law, a bad number, a budget without a cost or too small for any model, or an
            exponent whose interval touches zero.
    """
    surface = surface_of(fit)
    check_number("data", data)
    check_number("share", share)
    if fit.name == "log-quadratic":
        raise FitError(
            f"the law {fit.name!r} has no model term and no data term to compare: fit `additive`, `repeated` or "
            "`kaplan`"
        )
    place = float(np.log(data))
    affordable = _affordable(surface, cost, budget, data)

    def answer(theta: np.ndarray, _: CostModel) -> np.ndarray:
        bounded = np.full((len(theta), 1), np.log(affordable or 1.0))
        loss = surface.log_loss(theta, bounded, np.full_like(bounded, place))
        return np.concatenate([_enough(surface, theta, place, float(np.log(share))), loss], axis=1)

    found = propagate(fit, SixND(), answer)
    enough = found.exponential(0)
    return LabelBudget(
        data=float(data),
        share=float(share),
        enough_parameters=enough,
        loss=found.exponential(1),
        loss_without_end=found.exponential(2),
        affordable_parameters=affordable,
        affordable_loss=None if affordable is None else found.exponential(3),
        level=fit.level,
        warnings=(*_wide_warnings(enough), *size_warnings(fit, enough.value, data)),
    )


def _wide_warnings(enough: Estimate) -> tuple[str, ...]:
    with np.errstate(divide="ignore", over="ignore"):
        decades = float(np.log10(enough.high) - np.log10(enough.low))
    if decades < WIDE_DECADES:
        return ()
    return (f"the interval of that size spans {decades:.3g} decades: these runs do not tell it",)


def _enough(surface: Surface, theta: np.ndarray, log_data: float, log_share: float) -> np.ndarray:
    """ln N, ln L there, and ln L of a model without end [n_fits, 3]."""
    natural = surface.law.move(theta, surface.centre).T
    if surface.law.name == "kaplan":
        log_model, log_terms, alpha_n, alpha_d = natural
        slope = alpha_n / alpha_d
        size = log_model - (log_share + log_terms - log_data) / slope
        without_end = alpha_d * (log_terms - log_data)
    else:
        limit, log_model, log_terms, alpha, beta = natural[:5]
        size = (log_model - log_share - log_terms + beta * log_data) / alpha
        without_end = np.log(limit + np.exp(log_terms - beta * log_data))
    loss = surface.log_loss(theta, size[:, None], np.full((len(theta), 1), log_data))[:, 0]
    return np.stack([size, loss, without_end], axis=1)


def _affordable(surface: Surface, cost: CostModel | None, budget: float | None, data: float) -> float | None:
    """N of the largest model that the budget trains on the data."""
    if cost is None and budget is None:
        return None
    if cost is None or budget is None:
        raise FitError("cost and budget bound the training together: give both or none of them")
    check_number("budget", budget)
    low, high = surface.centre[0] - REACH, surface.centre[0] + REACH
    if float(cost(np.exp(low), data)) > budget:
        raise FitError(f"budget: {budget:.4g} {cost.unit} train no model at all on {data:.4g} data points")
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if float(cost(np.exp(middle), data)) <= budget else (low, middle)
    return float(np.exp(low))
