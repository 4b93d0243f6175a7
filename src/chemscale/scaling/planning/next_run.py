r"""Which next run would shrink the interval of the answer most for what it costs.

The answer is ln N^* at a budget, or one parameter of the law, with gradient g by theta and variance g^T \Sigma g. One
more run at x, with the law's derivative j there and noise v, lowers the variance by a rank-one update (fedorov1972):
\Delta = (g^T \Sigma j)^2 / (v + j^T \Sigma j). Where data subsets share errors, j and v are what is left of the run
after the runs on its subset have told theirs: a new subset is worth more than another run on an old one. A second seed
of a fitted cell only averages the noise of that cell, because every cell counts once in the fit. A fitted cost adds its
own variance to that of the answer: no run of the law is taken to lower it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chemscale.base.errors import FitError
from chemscale.scaling.about import ABOUT
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.candidates import Candidates, given_candidates, grid_candidates, same_size
from chemscale.scaling.planning.cost import CostModel
from chemscale.scaling.planning.delta_method import cost_variance, quantile
from chemscale.scaling.planning.optimum import best_split
from chemscale.scaling.planning.surface import Surface, check_budgets, check_number, surface_of
from chemscale.scaling.solver.solve import move_matrix
from chemscale.scaling.solver.whitening import SubsetWhitener

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
    max_data: float | None = None,
) -> NextRuns:
    """Rank runs by how much narrower they make an interval per unit of cost.

    To first order at the fit: the law is taken as right and the noise as known.

    Args:
        fit: of a law of parameters and data.
        cost: `SixND()`, or `fit_cost` of measured runs.
        target: a budget, in the unit of the cost, for N* there; or the name of a parameter of the law, as "alpha".
        candidates: (N, D) or (N, D, epochs) each [n]. None takes the grid of the fitted sizes, one step above it, and
            another seed of every fitted cell.
        max_cost: no run costs more; None takes the dearest fitted run, for the candidates of the grid only.
        max_data: unique data there are: N* is for that many, and no run has more. Needs the law `repeated`.

    Raises:
        FitError: a bad target or candidate, a fit without noise, or none that is cheap enough and has its data.
    """
    surface = surface_of(fit, max_data)
    if fit.noise < EXACT:
        raise FitError("the points lie exactly on the law: its intervals are empty, and no run can make them narrower")
    gradient, from_cost, label = _gradient(fit, surface, cost, target)
    if max_cost is not None:
        check_number("max_cost", max_cost)
    runs = (
        grid_candidates(fit, cost, max_cost, max_data)
        if candidates is None
        else given_candidates(fit, cost, candidates, max_cost, max_data)
    )
    from_law = float(gradient @ fit.spread @ gradient)
    if not from_law > 0:
        raise FitError(f"target: {label} has no interval in this fit ({fit.status})")
    freedom = float(fit.freedom.min())
    fall, more_freedom = _falls(fit, gradient, runs)

    def half_widths(variance: np.ndarray, law_freedom: np.ndarray) -> np.ndarray:
        t = quantile(fit.level, variance, law_freedom, np.full_like(variance, from_cost), cost.freedom)
        return np.asarray(t * np.sqrt(variance + from_cost))

    now = float(half_widths(np.array([from_law]), np.array([freedom]))[0])
    narrower = half_widths(np.maximum(from_law - fall, 1e-12 * from_law), freedom + more_freedom) / now
    per_cost = -np.log(narrower) / runs.cost
    too_little = 1 - narrower < AT_LEAST * (1 - narrower).max()
    order = np.lexsort([-per_cost, too_little])
    found = tuple(
        NextRun(*runs.place(i), runs.kind[i], float(runs.cost[i]), float(1 - narrower[i]), float(per_cost[i]))
        for i in order
    )
    return NextRuns(label, now, fit.level, cost.unit, found, _warnings(fit, runs))


def _gradient(fit: LawFit, surface: Surface, cost: CostModel, target: float | str) -> tuple[np.ndarray, float, str]:
    """The derivative of the answer by theta [n_parameters], its variance from the cost, and its name."""
    if isinstance(target, str):
        if target not in fit.law.names:
            raise FitError(f"target: expected a budget or one of {', '.join(fit.law.names)}, got {target!r}")
        index = fit.law.names.index(target)
        name = f"ln {target}" if fit.law.parameters[index].scale == "log" else target
        return move_matrix(fit.law, fit.design.centre)[index], 0.0, name
    check_number("target", target)
    check_budgets(fit, cost, np.array([float(target)]))
    budget = np.array([[np.log(target)]])
    steps = np.diag(STEP * np.where(np.diag(fit.spread) > 0, np.sqrt(np.abs(np.diag(fit.spread))), 1.0))
    up, down = (best_split(surface, fit.theta + side * steps, cost, budget)[0][:, 0] for side in (1, -1))
    gradient = (up - down) / (2 * np.diag(steps))
    from_cost = cost_variance(fit, cost, lambda theta, priced: best_split(surface, theta, priced, budget)[0])
    unique = "" if surface.log_unique is None else f" and {np.exp(surface.log_unique):.4g} unique data"
    label = f"ln N* at {target:.4g} {cost.unit}{unique}"
    return np.where(np.diag(fit.spread) > 0, gradient, 0.0), float(from_cost[0]), label


def _falls(fit: LawFit, gradient: np.ndarray, runs: Candidates) -> tuple[np.ndarray, np.ndarray]:
    """By how much each run lowers the variance of the answer, and raises its degrees of freedom, two arrays [n]."""
    noise = _Noise.of(fit)
    derivative = fit.law.evaluate(fit.theta[None], fit.design.x[None])[1][0]
    new = fit.law.evaluate(fit.theta[None], (runs.logs - fit.design.centre)[None])[1][0]
    toward = fit.spread @ gradient
    fall, freedom = np.zeros(len(new)), np.zeros(len(new))
    pull = noise.weigh(derivative @ toward)  # how the answer follows the mean of every cell
    for index, cell in enumerate(runs.cell):
        if cell >= 0:
            fall[index] = pull[cell] ** 2 * noise.fall_with_seed[cell]
            continue
        same = noise.shared * same_size(fit.cells.values[:, noise.by], runs.values[index, noise.by])
        known = noise.weigh(same)
        left = new[index] - derivative.T @ known
        spread = noise.own + noise.of_one_run + noise.shared - same @ known
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
        of_one_run: what one run has beyond a cell, which is the mean of its seeds.
        whitener: of the cells' errors in units of `own`; None where they are independent.
        fall_with_seed: of a cell's own variance with one more seed [n_cells].
    """

    own: float
    shared: float
    by: int
    of_one_run: float
    whitener: np.ndarray | SubsetWhitener | None
    fall_with_seed: np.ndarray

    @classmethod
    def of(cls, fit: LawFit) -> "_Noise":
        n_seeds = fit.cells.n_seeds
        if fit.shared_noise is None or fit.design.whitener is None:
            own, shared, by, whitener = fit.noise**2, 0.0, 0, None
        else:
            own, shared = fit.shared_noise.own**2, fit.shared_noise.shared**2
            by, whitener = fit.law.inputs.index(fit.shared_noise.by), fit.design.whitener
        seeds = fit.cells.seed_noise()
        between = seeds.variance if seeds.freedom else own
        fall = np.minimum(between * (1 / n_seeds - 1 / (n_seeds + 1)), own)
        return cls(own, shared, by, seeds.of_one_run, whitener, fall)

    def weigh(self, values: np.ndarray) -> np.ndarray:
        """The inverse of the covariance of all cells times values of them [n_cells]."""
        if self.whitener is None:
            return values / self.own
        return np.asarray(self.whitener.T @ (self.whitener @ values)) / self.own


def _warnings(fit: LawFit, runs: Candidates) -> tuple[str, ...]:
    found = []
    if fit.shared_noise:
        found.append(
            f"runs of equal {fit.shared_noise.by} share an error and are told apart by that size alone: another draw "
            "of the same size would be worth as much as a new size nearby, and cannot be listed here"
        )
    smallest = np.array([runs.values.min(axis=0), fit.cells.values.min(axis=0)])
    if (smallest[0] < smallest[1] * (1 - 1e-9)).any():
        found.append("some of these runs are smaller than all that were fitted: what they tell rests on the law there")
    if (runs.cell >= 0).any() and not (fit.cells.n_seeds > 1).any():
        found.append("no cell has two seeds: the gain of another seed takes all noise as noise between seeds")
    if fit.status != "converged":
        found.append(f"the fit is {fit.status}: what holds it there is taken as given")
    return tuple(found)
