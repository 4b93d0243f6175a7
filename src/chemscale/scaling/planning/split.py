"""One budget split between model and data, with the room around the best split."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from chemscale.base.errors import FitError
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.cost import CostModel
from chemscale.scaling.planning.frontier import Frontier, FrontierPoint, frontier
from chemscale.scaling.planning.optimum import HALVINGS, REACH, log_data_for
from chemscale.scaling.planning.surface import check_number, surface_of

WASTE = 0.1  # of the budget


@dataclass(frozen=True)
class Split:
    """The best split of one budget.

    Attributes:
        best: the split.
        waste: share of the budget that the splits between the two ends waste at most.
        smallest: N of the smallest model on which no more than that is wasted, at equal cost.
        largest: N of the largest such model.
        frontier: where `best` comes from: law, cost, unit, level and warnings.
    """

    best: FrontierPoint
    waste: float
    smallest: float
    largest: float
    frontier: Frontier

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        plain = self.frontier.to_dict()
        del plain["points"]
        room = {"waste": self.waste, "smallest_parameters": self.smallest, "largest_parameters": self.largest}
        return {**plain, "best": self.best.to_dict(), **room}

    def __str__(self) -> str:
        room = (
            f"any model from {self.smallest:.3g} to {self.largest:.3g} parameters at the same cost wastes less than "
            f"{100 * self.waste:g} % of the budget"
        )
        shares = ""
        if self.best.model_share is not None:
            shares = f"; of the loss that can still be removed, {100 * self.best.model_share:.0f} % is the model's"
        *lines, about = str(self.frontier).splitlines()
        return "\n".join([*lines, room + shares, about])


def split(fit: LawFit, cost: CostModel, budget: float, *, waste: float = WASTE, max_data: float | None = None) -> Split:
    """Split one budget between model and data, and say how much the split matters.

    Args:
        fit: of a law of parameters and data.
        cost: `SixND()`, or `fit_cost` of measured runs.
        budget: in the unit of the cost.
        waste: share of the budget that may be wasted by another split.
        max_data: unique data there are; what is seen beyond them is seen again. Needs the law `repeated`.

    Raises:
        FitError: as `frontier`.
    """
    check_number("budget", budget)
    if not 0 < waste < 1:
        raise FitError(f"waste: expected a share of the budget between 0 and 1, for example 0.1, got {waste!r}")
    line = frontier(fit, cost, [budget], max_data=max_data)
    surface, theta = surface_of(fit, max_data), fit.theta[None]
    saved = frontier(fit, cost, [budget * (1 - waste)], max_data=max_data).points[0]
    limit = np.log(saved.loss.value)
    best = np.log(line.points[0].parameters.value)

    def excess(size: float) -> float:
        place = np.array([[size]])
        return float(surface.log_loss(theta, place, log_data_for(cost, budget, place))[0, 0] - limit)

    ends = []
    for side in (-1.0, 1.0):
        inner, outer = best, best + side * REACH
        for _ in range(HALVINGS):
            middle = (inner + outer) / 2
            inner, outer = (middle, outer) if excess(middle) < 0 else (inner, middle)
        ends.append(float(np.exp(inner)))
    return Split(line.points[0], waste, ends[0], ends[1], line)
