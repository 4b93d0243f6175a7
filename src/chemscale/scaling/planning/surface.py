"""The loss surface ln L(ln N, ln D) of a fitted joint law, for many parameter vectors at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chemscale.base.errors import FitError
from chemscale.scaling.about import ABOUT as ABOUT  # forecasts look for it here
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.laws import Law
from chemscale.scaling.planning.cost import CostModel, decades_outside

TWO_TERMS = ("additive", "repeated")  # laws with a floor, a model term and a data term
REACH_DECADES = 15.0  # beyond what was fitted: further out numbers fail before the law does
STEP = 2e-3  # of the five-point derivative, whose error falls with its fourth power


@dataclass(frozen=True)
class Surface:
    """A joint law as a function of the logarithms of model size and of all data seen.

    Attributes:
        law: the law.
        centre: around which its theta is taken [n_inputs].
        log_unique: ln of the unique data there are; what is seen beyond them is seen again. None where data never end.
    """

    law: Law
    centre: np.ndarray
    log_unique: float | None = None

    def log_loss(self, theta: np.ndarray, size: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """ln L [n_fits, n] for theta [n_fits, n_parameters], ln N and ln D [n_fits or 1, n]."""
        with np.errstate(over="ignore", invalid="ignore"):
            value: np.ndarray = self.law.evaluate(theta, self._logs(size, seen) - self.centre)[0]
        return np.where(np.isnan(value), np.inf, value)

    def slopes(self, theta: np.ndarray, size: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """d ln L / d ln N and d ln L / d ln D [n_fits, n]."""
        along_size = five_points(lambda step: self.log_loss(theta, size + step, seen))
        return along_size, five_points(lambda step: self.log_loss(theta, size, seen + step))

    def reducible_shares(self, theta: np.ndarray, size: np.ndarray, seen: np.ndarray) -> np.ndarray | None:
        """Share of the model term in the reducible loss [n_fits, n]; None for laws that have no two terms."""
        if self.law.name not in TWO_TERMS:
            return None
        # d ln L / d ln A is the model term over the loss, and so for B.
        slope = self.law.evaluate(theta, self._logs(size, seen) - self.centre)[1]
        return np.asarray(slope[..., 1] / (slope[..., 1] + slope[..., 2]))

    def _logs(self, size: np.ndarray, seen: np.ndarray) -> np.ndarray:
        size, seen = np.broadcast_arrays(size, seen)
        if len(self.law.inputs) == 2:
            return np.stack([size, seen], axis=-1)
        unique = seen if self.log_unique is None else np.minimum(seen, self.log_unique)
        return np.stack([size, unique, seen - unique], axis=-1)


def five_points(function: Callable[[float], np.ndarray]) -> np.ndarray:
    """The derivative of a function of a step, at zero."""
    with np.errstate(invalid="ignore"):  # where the loss is infinite there is no slope
        near, far = (function(step) - function(-step) for step in (STEP, 2 * STEP))
        return (8 * near - far) / (12 * STEP)


def surface_of(fit: LawFit, max_data: float | None = None) -> Surface:
    """The surface of a fit on which a budget can be planned.

    Args:
        fit: of a law of parameters and data.
        max_data: unique data there are; needs the law of repeated data.

    Raises:
        FitError: a law of one input, a fit that did not come to rest, or an exponent whose interval touches zero.
    """
    if len(fit.law.inputs) < 2:
        raise FitError(
            f"a plan needs a law of parameters and data, and {fit.name!r} here takes {fit.law.inputs[0]} alone. Fit "
            "`additive` to runs of several model sizes and several data sizes."
        )
    if fit.status == "not converged":
        raise FitError(
            f"the fit of {fit.name!r} did not come to rest, so no plan can be made from it. Fit another law."
        )
    flat = [name for name in fit.law.exponents if not fit.intervals[name][0] > 0]
    if flat:
        ends = ", ".join(f"{name} [{fit.intervals[name][0]:.3g}, {fit.intervals[name][1]:.3g}]" for name in flat)
        raise FitError(
            f"the {100 * fit.level:g} % interval of an exponent touches zero ({ends}): the loss may not fall along it "
            "at all, so a budget cannot be split. Add runs over a wider range or with less noise."
        )
    if max_data is None:
        return Surface(fit.law, fit.design.centre)
    if fit.name != "repeated":
        raise FitError(
            f"max_data: the law {fit.name!r} does not know what repeated data are worth. Fit `repeated` to runs of "
            "several epochs, or leave max_data out."
        )
    check_number("max_data", max_data)
    return Surface(fit.law, fit.design.centre, float(np.log(max_data)))


def check_budgets(fit: LawFit, cost: CostModel, budgets: np.ndarray) -> None:
    """Refuse budgets [n_budgets] so far from what the fitted runs cost that no plan can even be computed.

    Raises:
        FitError: the first of them.
    """
    values = fit.cells.values
    spent = cost(values[:, 0], values[:, 1:].prod(axis=1))
    low, high = float(spent.min()), float(spent.max())
    for budget, decades in zip(budgets, decades_outside(budgets, (low, high)), strict=True):
        if abs(decades) > REACH_DECADES:
            side = "above" if decades > 0 else "below"
            raise FitError(
                f"budget: {budget:.4g} {cost.unit} lies {abs(decades):.0f} decades {side} what the fitted runs cost "
                f"({low:.3g} to {high:.3g}), and a plan reaches {REACH_DECADES:g}. Ask for a budget nearer to them."
            )


def check_number(name: str, value: float) -> None:
    """Refuse a value that is not one finite number above zero."""
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not (np.isfinite(value) and value > 0):
        raise FitError(f"{name}: expected one finite number > 0, got {value!r}")
