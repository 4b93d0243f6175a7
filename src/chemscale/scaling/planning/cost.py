r"""What a run costs: C = 6 N D floating point operations, or a law fitted to measured seconds.

Six operations per parameter and token are one multiplication and one addition in the forward pass and twice that in the
backward pass (kaplan2020, Section 2.1). Graph models do not obey it: their cost goes with atoms and edges, and on a
device a small model costs what its kernel launches cost. For those the cost is measured, see `cost_fit`.
"""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from chemscale.base.errors import FitError

FAR_DECADES = 1.0


class CostModel(Protocol):
    """The cost of training N parameters on D data, in one unit. Arrays are broadcast against each other."""

    @property
    def unit(self) -> str:
        """What the cost is counted in."""

    @property
    def formula(self) -> str:
        """The cost as text."""

    @property
    def power_form(self) -> tuple[float, float, float] | None:
        """(k, a, b) where the cost is k N^a D^b, which has closed forms; else None."""

    @property
    def spread(self) -> np.ndarray:
        """Covariance of the model's own parameters [n, n]; n = 0 where nothing was fitted."""

    @property
    def freedom(self) -> float:
        """Degrees of freedom of `spread`."""

    def __call__(self, parameters: ArrayLike, data: ArrayLike) -> np.ndarray:
        """The cost."""

    def data_for(self, budget: ArrayLike, parameters: ArrayLike) -> np.ndarray:
        """The data that a budget pays for at a model size."""

    def elasticities(self, parameters: ArrayLike, data: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """d ln C / d ln N and d ln C / d ln D."""

    def moved(self, step: np.ndarray) -> "CostModel":
        """The model with its own parameters moved by `step` [n]."""

    def warnings_at(self, parameters: ArrayLike, data: ArrayLike) -> tuple[str, ...]:
        """What to know before trusting the cost at these sizes."""

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""


@dataclass(frozen=True)
class SixND:
    """C = factor N D floating point operations.

    Attributes:
        factor: operations per parameter and data point; 6 for a transformer whose data are tokens. Where the data are
            molecules it is 6 times their mean length.
    """

    factor: float = 6.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.factor) and self.factor > 0):
            raise FitError(
                f"factor: expected operations per parameter and data point > 0, for example 6, got {self.factor!r}"
            )

    @property
    def unit(self) -> str:
        """See `CostModel.unit`."""
        return "FLOPs"

    @property
    def formula(self) -> str:
        """See `CostModel.formula`."""
        return f"C = {self.factor:g} N D"

    @property
    def power_form(self) -> tuple[float, float, float]:
        """See `CostModel.power_form`."""
        return self.factor, 1.0, 1.0

    @property
    def spread(self) -> np.ndarray:
        """Nothing was fitted [0, 0]."""
        return np.zeros((0, 0))

    @property
    def freedom(self) -> float:
        """Nothing was fitted."""
        return np.inf

    def __call__(self, parameters: ArrayLike, data: ArrayLike) -> np.ndarray:
        """See `CostModel.__call__`."""
        return self.factor * np.asarray(parameters, float) * np.asarray(data, float)

    def data_for(self, budget: ArrayLike, parameters: ArrayLike) -> np.ndarray:
        """See `CostModel.data_for`."""
        return np.asarray(budget, float) / (self.factor * np.asarray(parameters, float))

    def elasticities(self, parameters: ArrayLike, data: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """See `CostModel.elasticities`."""
        ones = np.ones(np.broadcast_shapes(np.shape(parameters), np.shape(data)))
        return ones, ones

    def moved(self, step: np.ndarray) -> "SixND":
        """See `CostModel.moved`."""
        return self

    def warnings_at(self, parameters: ArrayLike, data: ArrayLike) -> tuple[str, ...]:
        """None: the count holds at every size."""
        return ()

    def to_dict(self) -> dict[str, Any]:
        """See `CostModel.to_dict`."""
        return {"formula": self.formula, "unit": self.unit, "factor": self.factor}

    def __str__(self) -> str:
        return f"{self.formula} {self.unit}"


@dataclass(frozen=True)
class MeasuredCost:
    r"""C(N, D) = k D^b (N^a + N_0^a), fitted to measured costs.

    Below N_0 parameters a run costs the same however small the model is: the device waits for its launches. Where the
    runs show no such N_0 it is zero, and the cost is k N^a D^b.

    Attributes:
        height: ln C at the centre, without the term of N_0.
        a: exponent of the model size.
        b: exponent of the data.
        log_idle: ln N_0; minus infinity where there is none.
        centre: ln N and ln D around which it was fitted [2].
        spread: covariance of (height, a, b) or (height, a, b, log_idle).
        freedom: degrees of freedom.
        noise: standard deviation of a run about the law, in ln C.
        r_squared: of ln C.
        n_runs: fitted runs.
        ranges: the smallest and largest N, and D, that were measured.
        unit: what was measured.
        warnings: what to know before using it.
    """

    height: float
    a: float
    b: float
    log_idle: float
    centre: np.ndarray
    spread: np.ndarray
    freedom: float
    noise: float
    r_squared: float
    n_runs: int
    ranges: tuple[tuple[float, float], tuple[float, float]]
    unit: str
    warnings: tuple[str, ...]

    @property
    def formula(self) -> str:
        """See `CostModel.formula`."""
        model = f"N^{self.a:.3g}" if self.idle == 0 else f"(N^{self.a:.3g} + {self.idle:.3g}^{self.a:.3g})"
        return f"C = {self.k:.4g} {model} D^{self.b:.3g}"

    @property
    def k(self) -> float:
        """The factor."""
        return float(np.exp(self.height - self.a * self.centre[0] - self.b * self.centre[1]))

    @property
    def idle(self) -> float:
        """N_0."""
        return float(np.exp(self.log_idle))

    @property
    def power_form(self) -> tuple[float, float, float] | None:
        """See `CostModel.power_form`."""
        return (self.k, self.a, self.b) if self.idle == 0 else None

    @property
    def standard_errors(self) -> dict[str, float]:
        """One standard error of every exponent, and of ln k and ln N_0."""
        to_natural = np.eye(len(self.spread))
        to_natural[0, 1:3] = -self.centre
        errors = np.sqrt(np.diag(to_natural @ self.spread @ to_natural.T))
        return {name: float(error) for name, error in zip(("ln k", "a", "b", "ln N_0"), errors, strict=False)}

    def __call__(self, parameters: ArrayLike, data: ArrayLike) -> np.ndarray:
        """See `CostModel.__call__`."""
        with np.errstate(over="ignore", under="ignore"):
            return np.exp(self._model_part(parameters) + self.b * (np.log(np.asarray(data, float)) - self.centre[1]))

    def _model_part(self, parameters: ArrayLike) -> np.ndarray:
        size = np.log(np.asarray(parameters, float)) - self.centre[0]
        idle = self.a * (self.log_idle - self.centre[0])
        return np.asarray(self.height + np.logaddexp(self.a * size, idle))

    def data_for(self, budget: ArrayLike, parameters: ArrayLike) -> np.ndarray:
        """See `CostModel.data_for`."""
        with np.errstate(over="ignore", under="ignore"):  # far from the runs: no data, or data without end
            return np.exp((np.log(np.asarray(budget, float)) - self._model_part(parameters)) / self.b + self.centre[1])

    def elasticities(self, parameters: ArrayLike, data: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """See `CostModel.elasticities`."""
        size, _ = np.broadcast_arrays(np.log(np.asarray(parameters, float)), np.asarray(data, float))
        busy = np.exp(-np.logaddexp(0.0, self.a * (self.log_idle - size)))
        return self.a * busy, np.full(size.shape, self.b)

    def moved(self, step: np.ndarray) -> "MeasuredCost":
        """See `CostModel.moved`."""
        height, a, b, idle = [*step, 0.0][:4]
        return replace(self, height=self.height + height, a=self.a + a, b=self.b + b, log_idle=self.log_idle + idle)

    def warnings_at(self, parameters: ArrayLike, data: ArrayLike) -> tuple[str, ...]:
        """Extrapolation of more than a decade, and the warnings of the fit."""
        found = list(self.warnings)
        for name, values, measured in zip(("parameters", "data"), (parameters, data), self.ranges, strict=True):
            sizes = np.atleast_1d(np.asarray(values, float))
            beyond = decades_outside(sizes, measured)
            worst = int(np.abs(beyond).argmax())
            if abs(beyond[worst]) > FAR_DECADES:
                found.append(
                    f"the cost was measured for {name} from {measured[0]:.3g} to {measured[1]:.3g} and is used at "
                    f"{sizes[worst]:.3g}, {abs(beyond[worst]):.1f} decades outside"
                )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """See `CostModel.to_dict`."""
        return {
            "formula": self.formula,
            "unit": self.unit,
            "parameters": {"k": self.k, "a": self.a, "b": self.b, "N_0": self.idle},
            "standard_errors": self.standard_errors,
            "noise": self.noise,
            "r_squared": self.r_squared,
            "n_runs": self.n_runs,
            "ranges": {"parameters": list(self.ranges[0]), "data": list(self.ranges[1])},
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        errors = self.standard_errors
        lines = [
            f"{self.formula} {self.unit}: s.e. of the exponents {errors['a']:.2g} and {errors['b']:.2g}, "
            f"R2 = {self.r_squared:.4f}, {self.n_runs} runs, scatter {100 * self.noise:.2g} %"
        ]
        return "\n".join([*lines, *(f"warning: {text}" for text in self.warnings)])


def decades_outside(values: np.ndarray, measured: tuple[float, float]) -> np.ndarray:
    """How far values [n] lie beyond a measured range, in decades: negative below it, 0 inside."""
    logs, low, high = np.log10(values), *np.log10(measured)
    # Rounding must not put the ends of the range outside of it.
    beyond = np.minimum(logs - low, 0.0) + np.maximum(logs - high, 0.0)
    return np.where(np.abs(beyond) < 1e-9, 0.0, beyond)
