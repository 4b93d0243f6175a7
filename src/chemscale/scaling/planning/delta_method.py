r"""What a plan's answers inherit from the errors of the law and of the cost, to first order.

Var g(\hat\theta) = g'^T \Sigma g', with g' by central differences, for any answer g of a fit. A cost that was fitted
adds its own variance. The quantile is Student's, with Satterthwaite's degrees of freedom where both have errors
(satterthwaite1946). Answers that are positive are carried as logarithms, so that their intervals are never negative.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.cost import CostModel

STEP = 1e-3  # of the differences, in standard errors

# theta [n_fits, n_parameters], cost -> answers [n_fits, n_answers]
Answer = Callable[[np.ndarray, CostModel], np.ndarray]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; the level stands with the result that holds it."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """As plain JSON types; an end that is not finite is None."""
        return {name: value if np.isfinite(value) else None for name, value in vars(self).items()}

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.3g}, {self.high:.3g}]"


@dataclass(frozen=True)
class Propagated:
    """Answers with their errors, each array [n_answers].

    Attributes:
        value: the answers at the fit.
        error: their standard errors.
        t: how many of them an interval spans on each side.
    """

    value: np.ndarray
    error: np.ndarray
    t: np.ndarray

    def linear(self, index: int) -> Estimate:
        """An answer as it is."""
        half = float(self.t[index] * self.error[index])
        value = float(self.value[index])
        return Estimate(value, value - half, value + half)

    def exponential(self, index: int) -> Estimate:
        """The exponential of an answer."""
        plain = self.linear(index)
        with np.errstate(over="ignore"):
            return Estimate(*(float(np.exp(end)) for end in (plain.value, plain.low, plain.high)))


def propagate(fit: LawFit, cost: CostModel, answer: Answer) -> Propagated:
    """The answers of a fit with their standard errors and quantiles at the level of the fit."""
    errors = np.sqrt(np.maximum(np.diag(fit.spread), 0.0))
    used = np.flatnonzero(errors > 0)
    steps = np.eye(len(errors))[used] * (STEP * errors[used])[:, None]
    thetas = np.concatenate([fit.theta[None], fit.theta + steps, fit.theta - steps])
    answers = answer(thetas, cost)
    up, down = answers[1 : 1 + len(used)], answers[1 + len(used) :]
    gradient = (up - down) / (2 * STEP * errors[used])[:, None]
    from_law = np.einsum("pk,pq,qk->k", gradient, fit.spread[np.ix_(used, used)], gradient)
    from_cost = cost_variance(fit, cost, answer)
    t = quantile(fit.level, from_law, float(fit.freedom.min()), from_cost, cost.freedom)
    return Propagated(answers[0], np.sqrt(from_law + from_cost), t)


def cost_variance(fit: LawFit, cost: CostModel, answer: Answer) -> np.ndarray:
    """Variance of every answer from the errors of the cost [n_answers], or one 0 where nothing of it was fitted."""
    errors = np.sqrt(np.diag(cost.spread))
    if not errors.any():
        return np.zeros(1)
    theta = fit.theta[None]
    gradient = []
    for index, error in enumerate(errors):
        step = np.zeros(len(errors))
        step[index] = STEP * error
        gradient.append((answer(theta, cost.moved(step)) - answer(theta, cost.moved(-step)))[0] / (2 * STEP * error))
    slopes = np.stack(gradient)
    return np.asarray(np.einsum("pk,pq,qk->k", slopes, cost.spread, slopes))


def quantile(
    level: float,
    from_law: np.ndarray,
    law_freedom: float | np.ndarray,
    from_cost: np.ndarray,
    cost_freedom: float,
) -> np.ndarray:
    """Student's quantile of the sum of two variances [n], each with its degrees of freedom."""
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = (from_law + from_cost) ** 2 / (from_law**2 / law_freedom + from_cost**2 / cost_freedom)
    freedom = np.where(np.isfinite(freedom), freedom, law_freedom)
    return np.asarray(special.stdtrit(freedom, 0.5 + level / 2))
