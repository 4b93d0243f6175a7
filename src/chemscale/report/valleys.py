r"""IsoFLOP valleys: loss against model size at one budget, and where two methods see its bottom.

At a budget C = k N D the law's loss along N has a minimum of its own. The usual way is to fit a parabola in ln N to the
runs of that budget and to take its vertex (hoffmann2022, Approach 2); where \alpha and \beta differ or the runs do not
lie evenly around the bottom, the vertex is off even without noise. Both are computed here, to show how far they differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from chemscale.base.errors import FitError
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.cost import SixND
from chemscale.scaling.planning.optimum import best_split
from chemscale.scaling.planning.surface import Surface
from chemscale.scaling.points import check_positive, numbers

FLOPS_PER_PAIR = 6.0  # C = 6 N D (kaplan2020, Section 2.1)
SIX_ND = "C = 6 N D"
FEWEST = 4  # runs at one budget; a parabola passes through any three
MOST_LEVELS = 7
WINDOWS = (0.05, 0.1, 0.2, 0.3)  # decades of compute to either side that count as one budget
FAR = np.log(1e3)  # an optimum farther than this from all runs is none


@dataclass(frozen=True)
class Valley:
    """The runs of one budget, and both optima.

    Attributes:
        budget: C.
        size: model sizes of its runs, ascending [n_runs].
        loss: their losses, moved along the law to exactly this budget [n_runs].
        best: model size at the law's own minimum; NaN where it has none within reach.
        best_loss: the law's loss there.
        vertex: model size at the parabola's vertex; NaN where there is none among the runs.
        curve: coefficients of the parabola in ln N, highest power first [3]; NaN where there is none.
    """

    budget: float
    size: np.ndarray
    loss: np.ndarray
    best: float
    best_loss: float
    vertex: float
    curve: np.ndarray

    @property
    def difference(self) -> float:
        """ln of the parabola's optimum over the law's own."""
        return float(np.log(self.vertex / self.best))


@dataclass(frozen=True)
class BudgetScale:
    """C = factor N D, for a law of two inputs."""

    fit: LawFit
    factor: float

    def loss_at(self, size: np.ndarray, budget: float) -> np.ndarray:
        """The law's loss of models of these sizes that spend the budget [n]."""
        return self.fit.predict(size, budget / (self.factor * size))

    def best_size(self, budget: float) -> float:
        """The model size with the lowest loss at a budget; NaN where it lies out of reach of the cells."""
        cells = self.fit.cells.logs[:, 0]
        surface, cost = Surface(self.fit.law, self.fit.design.centre), SixND(self.factor)
        try:
            # An exponent of zero has its best split nowhere.
            with np.errstate(all="ignore"):
                size = float(best_split(surface, self.fit.theta[None], cost, np.log([[budget]]))[0][0, 0])
        except FitError:
            return float("nan")
        return float(np.exp(size)) if cells.min() - FAR < size < cells.max() + FAR else float("nan")


def budget_words(is_measured: bool) -> str:
    """What a budget C is, for captions: measured compute, or 6 N D."""
    return "C" if is_measured else SIX_ND


def budget_label(budget: float, digits: int = 2) -> str:
    """A budget as 3e19: letters such as 30E are read by nobody, and sizes have them already."""
    mantissa, power = f"{budget:.{digits - 1}e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(power)}"


def budget_scale(fit: LawFit, compute: ArrayLike | None = None) -> tuple[BudgetScale, np.ndarray]:
    """How budgets follow from sizes, and the compute of every cell [n_cells].

    Args:
        fit: of a law of two inputs, model size first.
        compute: of every run, or of every cell; None takes 6 N D.

    Raises:
        FitError: the law takes other inputs, or `compute` has a wrong length or is not positive.
    """
    if len(fit.law.inputs) != 2:
        raise FitError(f"isoFLOP valleys need a law of model size and data size, got {fit.name!r}")
    pairs = fit.cells.values[:, 0] * fit.cells.values[:, 1]
    if compute is None:
        return BudgetScale(fit, FLOPS_PER_PAIR), FLOPS_PER_PAIR * pairs
    values = numbers("compute", compute)
    check_positive("compute", values)
    rows = fit.cells.rows
    if len(values) == len(rows):
        values = np.exp(np.bincount(rows, np.log(values)) / np.bincount(rows))
    elif len(values) != len(pairs):
        raise FitError(f"compute has {len(values)} values for {len(rows)} runs in {len(pairs)} cells: give one per run")
    return BudgetScale(fit, float(np.exp(np.log(values / pairs).mean()))), values


def find_valleys(
    fit: LawFit, compute: ArrayLike | None = None, levels: Sequence[float] | None = None
) -> tuple[list[Valley], BudgetScale]:
    """The valleys of a fit, in ascending budget; budgets without `FEWEST` runs near them have none.

    Args:
        fit: of a law of two inputs.
        compute: see `budget_scale`.
        levels: budgets; None takes those where most runs gather.
    """
    scale, spent = budget_scale(fit, compute)
    logs = np.log10(spent)
    if levels is not None:
        centres, window = np.log10(np.asarray(levels, float)), WINDOWS[-1]
    else:
        centres, window = _gatherings(logs)
    valleys = []
    for centre in np.sort(centres):
        nearest = np.abs(centres[None] - logs[:, None]).min(axis=1) >= np.abs(centre - logs) - 1e-12
        near = (np.abs(logs - centre) <= window) & nearest
        if len(np.unique(fit.cells.logs[near, 0].round(6))) >= FEWEST:
            valleys.append(_valley(scale, 10.0**centre, near, spent))
    return valleys, scale


def _gatherings(logs: np.ndarray) -> tuple[np.ndarray, float]:
    """Where most budgets lie together, for the narrowest window that finds three such places."""
    for window in WINDOWS:
        left = logs.copy()
        centres: list[float] = []
        while len(left) >= FEWEST and len(centres) < MOST_LEVELS:
            near = np.abs(left[:, None] - left[None]) <= window
            if near.sum(axis=1).max() < FEWEST:
                break
            centre = float(np.median(left[near[near.sum(axis=1).argmax()]]))
            centres.append(centre)
            left = left[np.abs(left - centre) > 2 * window]
        if len(centres) >= 3:
            break
    return np.array(centres), window


def _valley(scale: BudgetScale, budget: float, near: np.ndarray, spent: np.ndarray) -> Valley:
    cells = scale.fit.cells
    size, data = cells.values[near].T
    order = np.argsort(size)
    moved = scale.fit.predict(size, data * budget / spent[near]) / scale.fit.predict(size, data)
    size, loss = size[order], (cells.loss[near] * moved)[order]
    curve = np.polyfit(np.log(size), loss, 2)
    vertex = float(np.exp(-curve[1] / (2 * curve[0]))) if curve[0] > 0 else float("nan")
    if not size[0] <= vertex <= size[-1]:
        vertex, curve = float("nan"), np.full(3, np.nan)
    best = scale.best_size(budget)
    best_loss = float(scale.loss_at(np.array([best]), budget)[0]) if np.isfinite(best) else float("nan")
    return Valley(budget, size, loss, best, best_loss, vertex, curve)
