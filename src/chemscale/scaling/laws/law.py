"""What a scaling law is to the solver: a formula for ln L with its derivatives, and where to start looking."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np


@dataclass(frozen=True)
class Parameter:
    """One parameter of a law.

    Attributes:
        name: as it is reported.
        meaning: one line.
        scale: "log" where the solver works with the logarithm of the value, which is positive.
        low: lowest value of the solver's coordinate.
        high: highest value of it.
        moves_with: the input at whose origin this coefficient is taken, as A in A N^-alpha is the term at N = 1.
    """

    name: str
    meaning: str
    scale: Literal["linear", "log"] = "linear"
    low: float = -np.inf
    high: float = np.inf
    moves_with: int | None = None


def exponent(name: str, meaning: str, low: float = 0.0) -> Parameter:
    """An exponent; one above 3 is no scaling law, and is where the search ends."""
    return Parameter(name, meaning, low=low, high=3.0)


def coefficient(name: str, meaning: str, moves_with: int) -> Parameter:
    """A positive factor of a power of the input with index `moves_with`."""
    return Parameter(name, meaning, "log", moves_with=moves_with)


def floor(name: str = "E") -> Parameter:
    """The irreducible loss, zero or more."""
    return Parameter(name, "irreducible loss", low=0.0)


class Law(ABC):
    """A law L(x_1, ..., x_k) with parameters theta.

    The solver's coordinates `theta` [..., n_parameters] are the values of the parameters, or their logarithms. Inputs
    enter as logarithms `x` [..., n_points, n_inputs], and may be shifted to lie around zero: `move` says what a shift
    does to theta.
    """

    name: ClassVar[str]
    formula: ClassVar[str]
    reference: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]] = ("resource",)
    parameters: ClassVar[tuple[Parameter, ...]]
    residual: ClassVar[Literal["relative", "absolute"]] = "relative"
    exponents: ClassVar[tuple[str, ...]] = ()  # those whose interval must stay above zero for a forecast

    @abstractmethod
    def evaluate(self, theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """ln L and its derivatives by theta.

        Args:
            theta: [n_fits, n_parameters].
            x: logarithms of the inputs [n_fits or 1, n_points, n_inputs].

        Returns:
            ln L [n_fits, n_points], derivatives [n_fits, n_points, n_parameters].
        """

    @abstractmethod
    def starts(self, x: np.ndarray, log_loss: np.ndarray) -> np.ndarray:
        """Places to start from [n_starts, n_parameters], the best first, for x [n_points, n_inputs]."""

    @abstractmethod
    def move(self, theta: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """The theta of the same curve after x -> x + shift; theta [..., n_parameters], shift [..., n_inputs]."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(parameter.name for parameter in self.parameters)

    def values(self, theta: np.ndarray) -> np.ndarray:
        """From the solver's coordinates to the values of the parameters; any leading axes."""
        logs = np.array([parameter.scale == "log" for parameter in self.parameters])
        with np.errstate(over="ignore"):
            return np.where(logs, np.exp(np.where(logs, theta, 0.0)), theta)

    def coordinates(self, values: np.ndarray) -> np.ndarray:
        """From the values of the parameters to the solver's coordinates."""
        logs = np.array([parameter.scale == "log" for parameter in self.parameters])
        return np.where(logs, np.log(np.where(logs, values, 1.0)), values)
