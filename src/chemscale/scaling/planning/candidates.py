"""Runs that might be made next: the cells of a grid around the fitted ones, or a list that is given."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from chemscale.base.errors import FitError
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.cost import CostModel
from chemscale.scaling.points import SAME_RESOURCE, check_positive

MOST_SIZES = 12  # along one axis: a table with more has no grid, and gets an even one
EVEN_SIZES = 8


@dataclass(frozen=True)
class Candidates:
    """Runs that might be made.

    Attributes:
        values: N, D and where the law has them epochs [n, n_inputs].
        cell: index of the fitted cell at the same place; -1 where there is none [n].
        cost: of each [n].
        kind: of each, in words [n].
    """

    values: np.ndarray
    cell: np.ndarray
    cost: np.ndarray
    kind: tuple[str, ...]

    @property
    def logs(self) -> np.ndarray:
        """Logarithms of the inputs [n, n_inputs]."""
        logs: np.ndarray = np.log(self.values)
        return logs

    def place(self, index: int) -> tuple[float, float, float]:
        """N, D and epochs of one run."""
        parameters, data, *epochs = map(float, self.values[index])
        return parameters, data, epochs[0] if epochs else 1.0


def grid_candidates(fit: LawFit, cost: CostModel, max_cost: float | None, max_data: float | None = None) -> Candidates:
    """The grid of the fitted sizes with one step above it, and another seed of every fitted cell.

    No size below the fitted ones is proposed: such runs are cheap, but there other laws hold than where plans are made.

    Args:
        fit: of a law of parameters and data.
        cost: what a run costs.
        max_cost: no run costs more; None takes the dearest fitted run.
        max_data: unique data there are; None where they never end.
    """
    fitted = fit.cells.values
    # More or fewer epochs than were fitted are another recipe, not another size.
    axes = [_axis(column, fit.cells.inputs[i] != "epochs") for i, column in enumerate(fitted.T)]
    grid = np.stack([part.reshape(-1) for part in np.meshgrid(*axes, indexing="ij")], axis=-1)
    new = grid[_cells_at(fit, grid) < 0]
    places = np.concatenate([new, fitted])
    limit = float(cost(fitted[:, 0], fitted[:, 1:].prod(axis=1)).max()) if max_cost is None else max_cost
    if max_data is not None:
        places = places[_available(places, max_data)]
        if not len(places):
            raise FitError(f"max_data: {max_data:.4g}, and the smallest fitted data are {fitted[:, 1].min():.4g}")
    return _within(fit, cost, places, limit)


def given_candidates(
    fit: LawFit,
    cost: CostModel,
    places: Sequence[Sequence[float]],
    max_cost: float | None,
    max_data: float | None = None,
) -> Candidates:
    """A list of runs, checked.

    Args:
        fit: of a law of parameters and data.
        cost: what a run costs.
        places: (N, D) or (N, D, epochs) each; where epochs are left out they are 1.
        max_cost: no run costs more; None sets no limit.
        max_data: unique data there are; None where they never end.

    Raises:
        FitError: no runs, a wrong number of sizes, one that is not positive, or more data than there are.
    """
    n_inputs = len(fit.cells.inputs)
    rows = [list(place) for place in places]
    if not rows:
        raise FitError("candidates: expected a list of (parameters, data), got an empty one")
    for row in rows:
        if len(row) not in {2, n_inputs}:
            raise FitError(f"candidates: expected {', '.join(fit.cells.inputs)} of every run, got {row!r}")
    values = np.array([row + [1.0] * (n_inputs - len(row)) for row in rows], dtype=float)
    for name, column in zip(fit.cells.inputs, values.T, strict=True):
        check_positive(f"candidates: {name}", column)
    if max_data is not None and not _available(values, max_data).all():
        raise FitError(f"candidates: data {values[:, 1].max():.4g} are more than max_data = {max_data:.4g}")
    return _within(fit, cost, values, np.inf if max_cost is None else max_cost)


def _within(fit: LawFit, cost: CostModel, values: np.ndarray, limit: float) -> Candidates:
    spent = cost(values[:, 0], values[:, 1:].prod(axis=1))
    cheap = spent <= limit * (1 + 1e-9)
    if not cheap.any():
        raise FitError(
            f"max_cost: {limit:.4g} {cost.unit}, and the cheapest candidate costs {spent.min():.4g}. Allow more."
        )
    values, spent = values[cheap], spent[cheap]
    cells = _cells_at(fit, values)
    shared = fit.cells.inputs.index(fit.shared_noise.by) if fit.shared_noise else None
    kinds = []
    for place, cell in zip(values, cells, strict=True):
        if cell >= 0:
            kinds.append("another seed")
        elif shared is not None and not same_size(fit.cells.values[:, shared], place[shared]).any():
            kinds.append(f"new {fit.cells.inputs[shared]} size")
        else:
            kinds.append("new cell")
    return Candidates(values, cells, spent, tuple(kinds))


def _axis(fitted: np.ndarray, beyond: bool) -> np.ndarray:
    """The fitted sizes of one input, and where it may go on beyond them one step more."""
    sizes = np.unique(fitted)
    sizes = sizes[np.diff(np.log(sizes), prepend=-np.inf) > SAME_RESOURCE]
    if len(sizes) > MOST_SIZES:
        sizes = np.geomspace(sizes[0], sizes[-1], EVEN_SIZES)
    if not beyond or len(sizes) < 2:
        return sizes
    step = float(np.exp(np.median(np.diff(np.log(sizes)))))
    return np.append(sizes, sizes[-1] * step)


def _available(places: np.ndarray, max_data: float) -> np.ndarray:
    """Which runs [n] need no more unique data than there are."""
    return np.asarray(places[:, 1] <= max_data * (1 + 1e-9))


def same_size(fitted: np.ndarray, value: float) -> np.ndarray:
    """Which fitted sizes [n] are this one, but for rounding."""
    return np.abs(np.log(fitted) - np.log(value)) < SAME_RESOURCE


def _cells_at(fit: LawFit, values: np.ndarray) -> np.ndarray:
    """The fitted cell at every place, or -1 [n]."""
    apart, nearest = cKDTree(fit.cells.logs).query(np.log(values), p=np.inf)
    return np.where(apart < SAME_RESOURCE, nearest, -1)
