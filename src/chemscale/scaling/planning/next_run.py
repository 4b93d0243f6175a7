r"""Which next run would shrink the interval of the answer most for what it costs.

The answer is ln N^* at a budget, or one parameter of the law, with gradient g by theta and variance g^T \Sigma g. One
more run at x, with the law's derivative j there and noise v, lowers the variance by a rank-one update (fedorov1972):
\Delta = (g^T \Sigma j)^2 / (v + j^T \Sigma j). Where data subsets share errors, j and v are what is left of the run
after the runs on its subset have told theirs: a new subset is worth more than another run on an old one. A second seed
of a fitted cell only averages the noise of that cell, because every cell counts once in the fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from chemscale.base.errors import FitError
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.candidates import Candidates, given_candidates, grid_candidates, same_size
from chemscale.scaling.planning.cost import CostModel
from chemscale.scaling.planning.optimum import best_split
from chemscale.scaling.planning.surface import ABOUT, check_number, surface_of
from chemscale.scaling.solver.solve import move_matrix

AT_LEAST = 0.5  # of the largest shrinkage: a run that gains less comes later, however cheap it is
STEP = 1e-3  # of the differences, in standard errors
EXACT = 1e-11
SHOWN = 8


@dataclass(frozen=True)
class NextRun:
    """One run that might be made next.

    Attributes:
        parameters: N.
        data: unique data points.
        epochs: how often they are seen.
        kind: "new cell", "new data size" (a new subset, where subsets share errors) or "another seed".
        cost: in the unit of the list.
        shrinkage: share of the interval's width that the run is expected to take away.
        per_cost: fall of the logarithm of the width per unit of cost.
    """

    parameters: float
    data: float
    epochs: float
    kind: str
    cost: float
    shrinkage: float
    per_cost: float

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return dict(vars(self))


@dataclass(frozen=True)
class NextRuns:
    """Runs that might be made next, the best first.

    Attributes:
        target: the answer whose interval is to shrink.
        half_width: of its interval now; of ln N* where the target is a budget.
        level: of the interval.
        unit: of the costs.
        runs: by what they gain per cost, first those that gain at least half as much as the best.
        warnings: what to know before using it.
    """

    target: str
    half_width: float
    level: float
    unit: str
    runs: tuple[NextRun, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        plain = {**vars(self), "runs": [run.to_dict() for run in self.runs], "warnings": list(self.warnings)}
        return {**plain, "about": ABOUT}

    def __str__(self) -> str:
        lines = [
            f"next runs for {self.target}, whose {100 * self.level:g} % interval is now +- {self.half_width:.3g}",
            f"{'parameters':>11s} {'data':>10s} {'epochs':>7s}  {'kind':14s} {'narrower by':>11s}  cost ({self.unit})",
        ]
        for run in self.runs[:SHOWN]:
            lines.append(
                f"{run.parameters:11.4g} {run.data:10.4g} {run.epochs:7.3g}  {run.kind:14s} "
                f"{100 * run.shrinkage:10.2g} %  {run.cost:.4g}"
            )
        if len(self.runs) > SHOWN:
            lines.append(f"and {len(self.runs) - SHOWN} more")
        return "\n".join([*lines, *(f"warning: {text}" for text in self.warnings), ABOUT])


def next_run(
    fit: LawFit,
    cost: CostModel,
    target: float | str,
    candidates: Sequence[Sequence[float]] | None = None,
    *,
    max_cost: float | None = None,
) -> NextRuns:
    """Rank runs by how much narrower they make an interval per unit of cost.

    To first order at the fit: the law is taken as right and the noise as known.

    Args:
        fit: of a law of parameters and data.
        cost: `SixND()`, or `fit_cost` of measured runs.
        target: a budget, in the unit of the cost, for N* there; or the name of a parameter of the law, as "alpha".
        candidates: (N, D) or (N, D, epochs) each [n]. None takes the grid of the fitted sizes, one step beyond it on
            every side, and another seed of every fitted cell.
        max_cost: no run costs more; None takes the dearest fitted run, for the candidates of the grid only.

    Raises:
        FitError: a bad target or candidate, a fit without noise, or none that is cheap enough.
    """
    surface_of(fit)
    if fit.noise < EXACT:
        raise FitError("the points lie exactly on the law: its intervals are empty, and no run can make them narrower")
    gradient, label = _gradient(fit, cost, target)
    if max_cost is not None:
        check_number("max_cost", max_cost)
    runs = (
        grid_candidates(fit, cost, max_cost)
        if candidates is None
        else given_candidates(fit, cost, candidates, max_cost)
    )
    variance = float(gradient @ fit.spread @ gradient)
    if not variance > 0:
        raise FitError(f"target: {label} has no interval in this fit ({fit.status})")
    freedom = float(fit.freedom.min())
    fall, more_freedom = _falls(fit, gradient, runs)
    narrower = np.sqrt(np.maximum(1 - fall / variance, 1e-12)) * _t(fit, freedom + more_freedom) / _t(fit, freedom)
    per_cost = -np.log(narrower) / runs.cost
    too_little = 1 - narrower < AT_LEAST * (1 - narrower).max()
    order = np.lexsort([-per_cost, too_little])
    found = tuple(
        NextRun(*runs.place(i), runs.kind[i], float(runs.cost[i]), float(1 - narrower[i]), float(per_cost[i]))
        for i in order
    )
    half_width = float(_t(fit, np.array(freedom))) * float(np.sqrt(variance))
    return NextRuns(label, half_width, fit.level, cost.unit, found, _warnings(fit, runs))


def _t(fit: LawFit, freedom: np.ndarray | float) -> np.ndarray:
    return np.asarray(special.stdtrit(freedom, 0.5 + fit.level / 2))


def _gradient(fit: LawFit, cost: CostModel, target: float | str) -> tuple[np.ndarray, str]:
    """The derivative of the answer by theta [n_parameters], and its name."""
    if isinstance(target, str):
        if target not in fit.law.names:
            raise FitError(f"target: expected a budget or one of {', '.join(fit.law.names)}, got {target!r}")
        index = fit.law.names.index(target)
        name = f"ln {target}" if fit.law.parameters[index].scale == "log" else target
        return move_matrix(fit.law, fit.design.centre)[index], name
    check_number("target", target)
    surface, budget = surface_of(fit), np.array([[np.log(target)]])
    steps = np.diag(STEP * np.where(np.diag(fit.spread) > 0, np.sqrt(np.abs(np.diag(fit.spread))), 1.0))
    up, down = (best_split(surface, fit.theta + side * steps, cost, budget)[0][:, 0] for side in (1, -1))
    gradient = (up - down) / (2 * np.diag(steps))
    return np.where(np.diag(fit.spread) > 0, gradient, 0.0), f"ln N* at {target:.4g} {cost.unit}"


def _falls(fit: LawFit, gradient: np.ndarray, runs: Candidates) -> tuple[np.ndarray, np.ndarray]:
    """By how much each run lowers the variance of the answer, and raises its degrees of freedom, two arrays [n]."""
    noise = _Noise.of(fit)
    derivative = fit.law.evaluate(fit.theta[None], fit.design.x[None])[1][0]
    new = fit.law.evaluate(fit.theta[None], (runs.logs - fit.design.centre)[None])[1][0]
    toward = fit.spread @ gradient
    fall, freedom = np.zeros(len(new)), np.zeros(len(new))
    pull = noise.precision @ derivative @ toward  # how the answer follows the mean of every cell
    for index, cell in enumerate(runs.cell):
        if cell >= 0:
            fall[index] = pull[cell] ** 2 * noise.fall_with_seed[cell]
            continue
        same = noise.shared * same_size(fit.cells.values[:, noise.by], runs.values[index, noise.by])
        left = new[index] - derivative.T @ noise.precision @ same
        spread = noise.own + noise.shared - same @ noise.precision @ same
        fall[index] = (left @ toward) ** 2 / (spread + left @ fit.spread @ left)
        freedom[index] = 0.0 if noise.shared and same.any() else 1.0
    return fall, freedom


@dataclass(frozen=True)
class _Noise:
    """Variances of ln L.

    Attributes:
        own: of a cell about the law.
        shared: of what a subset shares; 0 where nothing is.
        by: the input whose equal values share a subset.
        precision: inverse of the covariance of all cells [n_cells, n_cells].
        fall_with_seed: of a cell's own variance with one more seed [n_cells].
    """

    own: float
    shared: float
    by: int
    precision: np.ndarray
    fall_with_seed: np.ndarray

    @classmethod
    def of(cls, fit: LawFit) -> "_Noise":
        n_seeds = fit.cells.n_seeds
        if fit.shared_noise is None or fit.design.whitener is None:
            own, shared, by, precision = fit.noise**2, 0.0, 0, np.eye(len(n_seeds)) / fit.noise**2
        else:
            own, shared = fit.shared_noise.own**2, fit.shared_noise.shared**2
            by, whitener = fit.law.inputs.index(fit.shared_noise.by), fit.design.whitener
            precision = whitener.T @ whitener / own
        repeated = n_seeds > 1
        between = own * float(n_seeds.mean())
        if repeated.any():
            between = float(np.average(fit.cells.log_spread[repeated] ** 2, weights=n_seeds[repeated] - 1))
        fall = np.minimum(between * (1 / n_seeds - 1 / (n_seeds + 1)), own)
        return cls(own, shared, by, precision, fall)


def _warnings(fit: LawFit, runs: Candidates) -> tuple[str, ...]:
    found = []
    if fit.shared_noise:
        found.append(
            f"runs of equal {fit.shared_noise.by} share an error and are told apart by that size alone: another draw "
            "of the same size would be worth as much as a new size nearby, and cannot be listed here"
        )
    if (runs.cell >= 0).any() and not (fit.cells.n_seeds > 1).any():
        found.append("no cell has two seeds: the gain of another seed takes all noise as noise between seeds")
    if fit.status != "converged":
        found.append(f"the fit is {fit.status}: what holds it there is taken as given")
    return tuple(found)
