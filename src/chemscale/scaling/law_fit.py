"""A law fitted to cells: what `fit_law` returns for every law of `scaling/laws`."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from chemscale.scaling.cells import Cells, input_matrix
from chemscale.scaling.laws import Law
from chemscale.scaling.points import SeedNoise, joint_freedom
from chemscale.scaling.regimes import Regime
from chemscale.scaling.solver.clusters import SharedNoise
from chemscale.scaling.solver.solve import Design, move_matrix
from chemscale.scaling.straight_line import ROUNDING


@dataclass(frozen=True)
class LawFit:
    """A fitted law with its intervals.

    Attributes:
        law: the law.
        design: the law and its inputs, as they were fitted.
        theta: the fit in the solver's coordinates around the centre [n_parameters].
        spread: covariance of `theta` [n_parameters, n_parameters].
        freedom: degrees of freedom of every parameter [n_parameters].
        noise: standard deviation of a cell about the law, in ln L (or in the score), shared errors included.
        cells: what was fitted.
        level: level of all intervals.
        intervals: {name: (low, high)}; infinite where the data set no end.
        huber: parameters of the same fit with Huber's loss.
        shared_noise: errors that data subsets share; None where none was looked for or found.
        status: "converged", "at a bound: ..." or "not converged".
        regimes: what limits every cell; empty for laws of one input.
        warnings: what a reader should know before using the law.
    """

    law: Law
    design: Design
    theta: np.ndarray
    spread: np.ndarray
    freedom: np.ndarray
    noise: float
    cells: Cells
    level: float
    intervals: dict[str, tuple[float, float]]
    huber: dict[str, float]
    shared_noise: SharedNoise | None
    status: str
    regimes: tuple[Regime, ...]
    warnings: tuple[str, ...]

    @property
    def name(self) -> str:
        """The law's name."""
        return self.law.name

    @property
    def formula(self) -> str:
        """The law as text."""
        return self.law.formula

    @property
    def parameters(self) -> dict[str, float]:
        """The value of every parameter."""
        values = self.law.values(self.design.natural(self.theta))
        return {name: float(value) for name, value in zip(self.law.names, values, strict=True)}

    @property
    def standard_errors(self) -> dict[str, float]:
        """One standard error of every parameter, by the delta method; 0 on a bound."""
        errors = np.sqrt(np.maximum(np.diag(self.natural_covariance()), 0.0))
        factors = [
            value if parameter.scale == "log" else 1.0
            for parameter, value in zip(self.law.parameters, self.parameters.values(), strict=True)
        ]
        return {name: float(e * f) for name, e, f in zip(self.law.names, errors, factors, strict=True)}

    @property
    def relative_noise(self) -> float:
        """The noise as a share of the loss; of the mean score where residuals are absolute."""
        return self.noise / (float(self.cells.loss.mean()) if self.law.residual == "absolute" else 1.0)

    @property
    def run_noise(self) -> float:
        """Standard deviation of one run about the law, as `noise` is that of a cell, which is the mean of its seeds."""
        return float(np.sqrt(self.noise**2 + self.between_seeds.of_one_run))

    @property
    def noise_text(self) -> str:
        """The noise in words; scores have it in their own unit, losses in percent."""
        noise = self.shared_noise
        parts = (noise.own, noise.shared, f"runs of equal {noise.by}") if noise else None
        return noise_words(self.noise, self.law.residual == "absolute", parts)

    @property
    def n_points(self) -> int:
        """Distinct cells."""
        return len(self.cells)

    @property
    def left_out(self) -> tuple[()]:
        """Nothing is ever left out of these fits."""
        return ()

    @property
    def residuals(self) -> np.ndarray:
        """ln of measured over fitted loss [n_cells]."""
        return self.cells.log_loss - np.log(self.predict(*self.cells.values.T))

    @property
    def r_squared(self) -> float:
        """Share of the variance of ln L (absolute laws: of the score) that the law explains."""
        seen, fitted = self.cells.log_loss, np.log(self.predict(*self.cells.values.T))
        if self.law.residual == "absolute":
            seen, fitted = np.exp(seen), np.exp(fitted)
        total, size = ((seen - seen.mean()) ** 2).sum(), max(float(np.abs(seen).max()), 1.0)
        varies = total > len(seen) * (ROUNDING * size) ** 2
        return float(1 - ((seen - fitted) ** 2).sum() / total) if varies else float("nan")

    def natural_covariance(self) -> np.ndarray:
        """Covariance of the solver's coordinates of the law as it is written [n_parameters, n_parameters]."""
        from_centre = move_matrix(self.law, self.design.centre)
        matrix: np.ndarray = from_centre @ self.spread @ from_centre.T
        return matrix

    def predict(self, *inputs: ArrayLike) -> np.ndarray:
        """The law's loss, for one array per input of the law, broadcast against each other -> [n].

        Raises:
            FitError: a wrong number of inputs, or one that is not finite and positive.
        """
        return np.asarray(np.exp(self._log(input_matrix(inputs, self.law.inputs))[0]))

    def interval(self, *inputs: ArrayLike, new_point: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """The band at `level` around the law, to first order in its parameters -> (low [n], high [n]).

        Args:
            inputs: as in `predict`.
            new_point: the band in which one more run would fall. It knows nothing of how the law may fail outside of
                the data: see `forecast` for that.
        """
        logs = input_matrix(inputs, self.law.inputs)
        value, error = self.log_error(logs, new_point)
        freedom: np.ndarray | float = self.freedom.min()
        if new_point:
            _, seeds = self.noise_variances(value)
            freedom = self.run_freedom(error**2 - seeds, seeds)
        half = special.stdtrit(freedom, 0.5 + self.level / 2) * error
        return np.exp(value - half), np.exp(value + half)

    def log_error(self, logs: np.ndarray, new_point: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """ln L and its standard error at logarithms of inputs [n, n_inputs]; of one run there if `new_point`."""
        value, slope = self._log(logs)
        variance = np.maximum(np.einsum("np,pq,nq->n", slope, self.spread, slope), 0.0)
        return value, np.sqrt(variance + (sum(self.noise_variances(value)) if new_point else 0.0))

    def noise_variances(self, log_loss: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Variances of ln L where the law says `log_loss` [n]: of a cell, and what one run has beyond it, each [n]."""
        between = self.between_seeds.of_one_run
        unit = np.exp(-2 * log_loss) if self.law.residual == "absolute" else np.ones_like(log_loss)
        return self.noise**2 * unit, between * unit

    def run_freedom(self, fitted: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """Degrees of freedom of a run's variance [n], a sum of what the fit tells and the seeds tell, each [n]."""
        return joint_freedom([fitted, seeds], [float(self.freedom.min()), float(max(self.between_seeds.freedom, 1))])

    @property
    def between_seeds(self) -> SeedNoise:
        """The noise between seeds, in the unit of `noise`."""
        return self.cells.seed_noise(self.law.residual == "absolute")

    def _log(self, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slope = self.law.evaluate(self.theta[None], (logs - self.design.centre)[None])
        return value[0], slope[0]

    def to_dict(self) -> dict[str, Any]:
        """The fit as plain JSON types; an open end of an interval is None."""
        return {
            "law": self.name,
            "formula": self.formula,
            "parameters": self.parameters,
            "standard_errors": self.standard_errors,
            "intervals": {name: [_finite(low), _finite(high)] for name, (low, high) in self.intervals.items()},
            "level": self.level,
            "r_squared": _finite(self.r_squared),
            "noise": self.noise,
            "run_noise": self.run_noise,
            "n_points": self.n_points,
            "left_out": [],
            "status": self.status,
            "huber": self.huber,
            "shared_noise": dataclasses.asdict(self.shared_noise) if self.shared_noise else None,
            "regimes": [regime.to_dict() for regime in self.regimes],
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        errors = self.standard_errors
        lines = [self.formula]
        for name, value in self.parameters.items():
            low, high = self.intervals[name]
            lines.append(
                f"{name:8s} = {value:<10.5g} {100 * self.level:g} % interval [{_end(low)}, {_end(high)}], "
                f"s.e. {errors[name]:.3g}; with Huber's loss {self.huber[name]:.5g}"
            )
        fit = f"R2 = {self.r_squared:.4f}, " if np.isfinite(self.r_squared) else ""
        lines.append(f"{fit}{self.n_points} points, {self.noise_text}, {self.status}")
        return "\n".join([*lines, *(f"warning: {text}" for text in self.warnings)])


def noise_words(noise: float, absolute: bool, parts: tuple[float, float, str] | None = None) -> str:
    """The noise in words.

    Args:
        noise: standard deviation about a law.
        absolute: in the unit of a score; else in ln L, shown in percent.
        parts: a cell's own noise, what is shared, and by whom.
    """

    def amount(value: float) -> str:
        return f"{value:.2g}" if absolute else f"{100 * value:.2g} %"

    if parts is None:
        return f"noise {amount(noise)}"
    own, shared, by = parts
    return f"noise {amount(noise)} (own {amount(own)}, shared by {by} {amount(shared)})"


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _end(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else "open"
