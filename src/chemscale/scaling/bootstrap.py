r"""The pairs bootstrap: fit the law again and again to cells drawn with replacement (efron1979).

A draw is a set of weights, how often every cell was drawn, so that all draws are one batch for the solver, each
starting from the fit to all cells. Where runs share the error of their data subset, whole subsets are drawn
(davison1997, Section 3.8). Percentile intervals of few cells are too narrow: `LawFit.intervals` are the ones to report,
and the draws are for whatever is computed from several parameters at once.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.scaling.cells import shared_sizes
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.solver.clusters import FEWEST
from chemscale.scaling.solver.solve import Design, solve

ENOUGH = 30  # cells or subsets; below, percentile intervals miss more often than they say
DISTINCT = 0.632  # share of the cells that a draw holds on average, 1 - 1/e


@dataclass(frozen=True)
class BootstrapDraws:
    """Parameters of a law fitted to draws of its cells.

    Attributes:
        names: of the parameters.
        estimate: the fit to all cells {name: value}.
        parameters: values [n_draws, n_parameters].
        drawn: what was drawn with replacement: "cells", or the input whose equal values are one subset.
        n_units: so many cells or subsets there are.
        at_bound: share of the draws in which a parameter ends on a bound.
        warnings: what a reader should know before using the draws.
    """

    names: tuple[str, ...]
    estimate: dict[str, float]
    parameters: np.ndarray
    drawn: str
    n_units: int
    at_bound: float
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.parameters)

    def of(self, name: str) -> np.ndarray:
        """All draws of one parameter [n_draws].

        Raises:
            FitError: the law has no such parameter.
        """
        if name not in self.names:
            raise FitError(f"parameter: expected one of {', '.join(self.names)}, got {name!r}")
        return self.parameters[:, self.names.index(name)]

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard deviation of the draws of every parameter."""
        spread = self.parameters.std(axis=0, ddof=1)
        return {name: float(value) for name, value in zip(self.names, spread, strict=True)}

    def intervals(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Percentile intervals: the middle `level` of the draws of every parameter.

        Raises:
            FitError: a level that is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise FitError(f"level: expected a number between 0 and 1, for example 0.95, got {level!r}")
        ends = np.quantile(self.parameters, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        return {name: (float(low), float(high)) for name, (low, high) in zip(self.names, ends.T, strict=True)}

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """A summary as plain JSON types, without the draws."""
        return {
            "method": "pairs bootstrap, percentiles",
            "drawn": self.drawn,
            "n_draws": len(self),
            "n_units": self.n_units,
            "parameters": self.estimate,
            "standard_errors": self.standard_errors,
            "intervals": {name: list(ends) for name, ends in self.intervals(level).items()},
            "level": level,
            "at_bound": self.at_bound,
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        errors = self.standard_errors
        lines = [f"{len(self)} bootstrap draws of {self.n_units} {_unit(self.drawn)}"]
        for name, (low, high) in self.intervals().items():
            value = f"{name:8s} = {self.estimate[name]:<10.5g}"
            lines.append(f"{value} 95 % of draws in [{low:.4g}, {high:.4g}], s.d. {errors[name]:.3g}")
        return "\n".join([*lines, *(f"warning: {text}" for text in self.warnings)])


def bootstrap(fit: LawFit, n_draws: int = 4000, seed: int = 0, shared: str | None = "auto") -> BootstrapDraws:
    """Fit a law again to draws of its cells.

    Args:
        fit: the fit to all cells.
        n_draws: so many draws.
        seed: of the draws.
        shared: the input whose equal values are drawn together, as one data subset; "auto" draws subsets where the fit
            found an error that they share, None draws cells.

    Raises:
        FitError: too few cells or subsets to draw from, an input that the law does not have, or a bad number.
    """
    if not isinstance(n_draws, int) or n_draws < 2:
        raise FitError(f"n_draws: expected a whole number, 2 or more, got {n_draws!r}")
    by = _subset_input(fit, shared)
    labels = np.arange(len(fit.cells)) if by is None else shared_sizes(fit.cells.values[:, fit.cells.inputs.index(by)])
    n_units = int(labels.max()) + 1
    _check_units(fit, by, n_units)
    counts = stream(seed, "bootstrap").multinomial(n_units, np.full(n_units, 1 / n_units), size=n_draws)
    design = _design(fit, by)
    losses = np.broadcast_to(fit.cells.log_loss, (n_draws, len(fit.cells)))
    found = solve(design, losses, fit.theta[None], counts[:, labels].astype(float))
    failed = ~np.isfinite(found.squares)
    values = fit.law.values(design.natural(found.theta))[~failed]
    return BootstrapDraws(
        names=fit.law.names,
        estimate=fit.parameters,
        parameters=values,
        drawn=by or "cells",
        n_units=n_units,
        at_bound=float(found.at_bound.any(axis=1).mean()),
        warnings=_warnings(by, n_units, int(failed.sum()), float(found.at_bound.any(axis=1).mean())),
    )


def _subset_input(fit: LawFit, shared: str | None) -> str | None:
    if shared == "auto":
        return fit.shared_noise.by if fit.shared_noise else None
    if shared is not None and shared not in fit.cells.inputs:
        raise FitError(f'shared: expected "auto", None or one of {", ".join(fit.cells.inputs)}, got {shared!r}')
    return shared


def _check_units(fit: LawFit, by: str | None, n_units: int) -> None:
    needed = FEWEST if by is not None else int(np.ceil((len(fit.law.parameters) + 1) / DISTINCT))
    if n_units < needed:
        raise FitError(
            f"the bootstrap draws from {n_units} {_unit(by or 'cells')} and needs {needed}, or its draws hold too few "
            f"different ones to fit the law {fit.name!r}. The intervals of the fit itself hold for few cells."
        )


def _design(fit: LawFit, by: str | None) -> Design:
    """Weights of whole subsets leave the whitener as it is; with other weights it has no meaning."""
    kept = fit.shared_noise is not None and by == fit.shared_noise.by
    return fit.design if kept else replace(fit.design, whitener=None)


def _warnings(by: str | None, n_units: int, failed: int, at_bound: float) -> tuple[str, ...]:
    found = []
    if n_units < ENOUGH:
        found.append(
            f"{n_units} {_unit(by or 'cells')} are few: percentile intervals of fewer than {ENOUGH} are too narrow, "
            "report the intervals of the fit"
        )
    if at_bound > 0.05:
        found.append(f"a parameter ends on a bound in {100 * at_bound:.0f} % of the draws: they are no smooth cloud")
    if failed:
        found.append(f"{failed} draws could not be fitted and are left out")
    return tuple(found)


def _unit(drawn: str) -> str:
    return "cells" if drawn == "cells" else f"subsets of equal {drawn}"
