r"""Forecast the loss of runs that were not made, with an interval that counts how laws fail beyond their data.

Var(ln L) = parameters + noise + discrepancy. The noise is that of one run: where the fit is to means over seeds, what
a run has beyond its mean is added. The first two are those of the fit and know nothing of a wrong form; the third grows
with the distance and is learnt from back-tests inside the data (`discrepancy.py`). The interval is Student's t with
Satterthwaite's degrees of freedom (satterthwaite1946) of the sum.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from chemscale.base.errors import FitError
from chemscale.scaling.about import ABOUT
from chemscale.scaling.cells import input_matrix
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.points import joint_freedom
from chemscale.scaling.prediction.backtest import BackTest, backtest_cells, distance_beyond, growth_of, origin_masks
from chemscale.scaling.prediction.discrepancy import Discrepancy, learn_discrepancy

FEW_ORIGINS = 3
COMPUTE = "compute"


@dataclass(frozen=True)
class Forecast:
    """Forecasts of new runs.

    Attributes:
        law: the law's name.
        inputs: {name: [n]}, what was asked.
        value: the loss [n].
        low: lower end of the interval in which one new run falls [n].
        high: upper end [n].
        level: of the interval.
        parameters: part of the variance of ln L from the parameters [n].
        noise: part from the noise of one run [n].
        discrepancy: part from the law's own error beyond the data [n]; 0 inside.
        freedom: degrees of freedom of the sum [n].
        decades: {name: [n]}, decades beyond the data, above or below, 0 inside; for every input, and for joint laws
            for "compute", their product.
        learnt: the law's error per e-fold.
        backtest: what it was learnt from; None where there were too few cells.
        about: what the forecast is about.
        warnings: what a reader should know.
    """

    law: str
    inputs: dict[str, np.ndarray]
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    level: float
    parameters: np.ndarray
    noise: np.ndarray
    discrepancy: np.ndarray
    freedom: np.ndarray
    decades: dict[str, np.ndarray]
    learnt: Discrepancy
    backtest: BackTest | None
    about: str
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The forecast as plain JSON types; the parts are variances of ln L."""
        names = ("value", "low", "high", "parameters", "noise", "discrepancy", "freedom")
        return {
            "law": self.law,
            "inputs": {name: values.tolist() for name, values in self.inputs.items()},
            "level": self.level,
            **{name: getattr(self, name).tolist() for name in names},
            "decades": {name: values.tolist() for name, values in self.decades.items()},
            "discrepancy_per_decade": self.learnt.rate * float(np.log(10)),
            "backtest": self.backtest.to_dict() if self.backtest else None,
            "about": self.about,
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        lines = [f"forecast by the law {self.law!r}, {100 * self.level:g} % interval of one new run"]
        for index, value in enumerate(self.value):
            place = ", ".join(f"{name} {values[index]:.4g}" for name, values in self.inputs.items())
            beyond = ", ".join(
                f"{name} {values[index]:.2g}" for name, values in self.decades.items() if values[index] > 0
            )
            parts = ", ".join(
                f"{name} {100 * np.sqrt(part[index]):.2g} %"
                for name, part in (("parameters", self.parameters), ("noise", self.noise), ("law", self.discrepancy))
            )
            lines.append(
                f"{place}: {value:.4g} [{self.low[index]:.4g}, {self.high[index]:.4g}]; s.d. from {parts}; "
                + (f"decades beyond the data: {beyond}" if beyond else "inside the data")
            )
        if self.backtest:
            lines.append(str(self.backtest))
        return "\n".join([*lines, self.about, *(f"warning: {text}" for text in self.warnings)])


def forecast(fit: LawFit, *inputs: ArrayLike, level: float = 0.90, force: bool = False) -> Forecast:
    """Forecast new runs, one array per input of the law, broadcast against each other.

    Args:
        fit: the fitted law.
        inputs: where [n] > 0, in the order and units of the fit.
        level: level of the interval.
        force: forecast also where an exponent's interval is not above zero, with a warning.

    Raises:
        FitError: an exponent's interval is not above zero, a wrong number of inputs, a value that is not finite and
            positive, or a level that is none.
    """
    if not 0 < level < 1:
        raise FitError(f"level: expected a number between 0 and 1, for example 0.90, got {level!r}")
    flat = _flat_exponents(fit)
    if flat and not force:
        raise FitError(f"no forecast: {flat}; force=True forecasts all the same")
    logs = input_matrix(inputs, fit.law.inputs)
    if not len(logs):
        raise FitError(f"{', '.join(fit.law.inputs)}: no place to forecast was given; give one value or more of each")
    growth = growth_of(fit.cells)
    origins = origin_masks(fit.cells, fit.law, growth)
    tested = backtest_cells(fit.law, fit.cells, origins, growth) if len(origins) else None
    learnt = learn_discrepancy(fit.cells, growth, tested)
    value, error = fit.log_error(logs)
    cell, seeds = fit.noise_variances(value)
    distance = distance_beyond(logs, fit.cells.logs, logs.sum(axis=1), growth)
    parts = np.stack([error**2, cell + seeds, (learnt.rate * distance) ** 2])
    # Parameters and the noise of a cell are known together.
    freedom = joint_freedom(
        [error**2 + cell, seeds, parts[2]], [fit.freedom.min(), max(fit.between_seeds.freedom, 1), learnt.freedom]
    )
    half = special.stdtrit(freedom, 0.5 + level / 2) * np.sqrt(parts.sum(axis=0))
    decades = _decades(fit, logs)
    return Forecast(
        law=fit.name,
        inputs=dict(zip(fit.law.inputs, np.exp(logs).T, strict=True)),
        value=np.exp(value),
        low=np.exp(value - half),
        high=np.exp(value + half),
        level=level,
        parameters=parts[0],
        noise=parts[1],
        discrepancy=parts[2],
        freedom=freedom,
        decades=decades,
        learnt=learnt,
        backtest=tested,
        about=ABOUT,
        warnings=_warnings(fit, flat, learnt, float(distance.max())),
    )


def _flat_exponents(fit: LawFit) -> str:
    """What is wrong with exponents whose intervals are not above zero; empty where all are."""
    flat: list[str] = []
    wrong: list[str] = []
    for name in fit.law.exponents:
        low, high = fit.intervals[name]
        if not low > 0:
            (wrong if high < 0 else flat).append(f"the interval [{low:.3g}, {high:.3g}] of {name}")
    score = fit.law.residual == "absolute"
    thing, moves, turns = ("score", "rises", "falls") if score else ("loss", "falls", "rises")
    found = []
    if flat:
        found.append(
            f"{' and '.join(flat)} at level {fit.level:g} touches zero, so these runs do not show that the {thing} "
            f"{moves} along it: add runs over a wider range, or drop that input"
        )
    if wrong:
        hint = "" if score else "; a score that should rise has the law 'increasing'"
        found.append(
            f"{' and '.join(wrong)} at level {fit.level:g} lies below zero: the {thing} {turns} along it{hint}"
        )
    return ", and ".join(found)


def _decades(fit: LawFit, logs: np.ndarray) -> dict[str, np.ndarray]:
    seen, names = fit.cells.logs, list(fit.law.inputs)
    if len(names) > 1:
        seen, logs = (np.column_stack([part, part.sum(axis=1)]) for part in (seen, logs))
        names.append(COMPUTE)
    beyond = np.maximum(np.maximum(logs - seen.max(axis=0), seen.min(axis=0) - logs), 0.0) / np.log(10)
    return dict(zip(names, beyond.T, strict=True))


def _warnings(fit: LawFit, flat: str, learnt: Discrepancy, furthest: float) -> tuple[str, ...]:
    found = []
    if flat:
        found.append(f"{flat}. The forecast was forced")
    if fit.status != "converged":
        found.append(f"the fit is {fit.status}")
    if furthest > 0 and learnt.n_origins < FEW_ORIGINS:
        count = f"{learnt.n_origins} back-test{'' if learnt.n_origins == 1 else 's'}"
        found.append(
            f"only {count} fit into these runs: how far the law errs beyond them is hardly known, and "
            f"{'taken' if not learnt.n_origins else 'partly taken'} from other tables"
        )
    if learnt.n_origins and furthest > learnt.furthest:
        found.append(
            f"the forecast goes {furthest / np.log(10):.2g} decades beyond the data and the back-tests went "
            f"{learnt.furthest / np.log(10):.2g}: further out the interval is itself an extrapolation"
        )
    return tuple(found)
