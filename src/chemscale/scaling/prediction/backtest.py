r"""Back-tests with a rolling origin (tashman2000): fit the smaller scales, predict the larger ones, inside the data.

The runs are sorted along an axis of growth: the resource itself, or for joint laws the product of the inputs, which for
N and D is the compute up to a factor. Each origin trains on everything up to one scale. Its errors beyond that scale,
ln(measured/predicted), show how a law really fails when it is carried on, which no residual inside the data can.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chemscale.base.errors import FitError
from chemscale.scaling.cells import Cells, check_design, merge_cells
from chemscale.scaling.laws import Law, find_law
from chemscale.scaling.points import SAME_RESOURCE, check_positive, numbers
from chemscale.scaling.solver.solve import Design, covariance, find_starts, make_design, solve

SHARES = (0.4, 0.85)  # of the cells, that the first and the last origin train on
MAX_ORIGINS = 8
STARTS = 8  # the best from all cells, and as many from the cells of the first origin
STEP = np.log(2)  # origins are at least a doubling of the scale apart ...
FEWEST_STEPS = 10  # ... or, on a short range, a tenth of it


@dataclass(frozen=True)
class BackTest:
    """Errors of one law beyond its training scales.

    Attributes:
        law: the law.
        n_trained: cells that every origin trains on [n_origins].
        origin: the origin of every error [n_errors].
        cell: the cell of every error [n_errors].
        error: ln of measured over predicted loss [n_errors]; negative where the law promised too much loss.
        distance: how far beyond the trained cells, in e-folds of the input or growth that is furthest out [n_errors].
        standard_error: of a predicted run, from parameters and noise alone [n_errors].
    """

    law: Law
    n_trained: np.ndarray
    origin: np.ndarray
    cell: np.ndarray
    error: np.ndarray
    distance: np.ndarray
    standard_error: np.ndarray

    @property
    def n_origins(self) -> int:
        """How many times the law was fitted and tested."""
        return len(self.n_trained)

    @property
    def medians(self) -> np.ndarray:
        """Median |ln(measured/predicted)| of every origin [n_origins]."""
        return np.array([np.median(np.abs(self.error[self.origin == index])) for index in range(self.n_origins)])

    @property
    def median_error(self) -> float:
        """Mean over origins of the median |ln(measured/predicted)|: every origin counts once."""
        return float(self.medians.mean())

    @property
    def rms_error(self) -> float:
        """Root mean square of ln(measured/predicted) over all errors."""
        return float(np.sqrt((self.error**2).mean()))

    @property
    def bias(self) -> float:
        """Mean of ln(measured/predicted)."""
        return float(self.error.mean())

    def to_dict(self) -> dict[str, Any]:
        """The summary as plain JSON types."""
        return {
            "law": self.law.name,
            "n_origins": self.n_origins,
            "n_trained": [int(count) for count in self.n_trained],
            "n_errors": len(self.error),
            "median_error": self.median_error,
            "rms_error": self.rms_error,
            "bias": self.bias,
            "furthest_decades": float(self.distance.max() / np.log(10)),
        }

    def __str__(self) -> str:
        return (
            f"{self.law.name}: {self.n_origins} back-tests on {self.n_trained.min()} to {self.n_trained.max()} cells, "
            f"median error {100 * self.median_error:.2g} %, rms {100 * self.rms_error:.2g} %, mean "
            f"{100 * self.bias:+.2g} %, up to {self.distance.max() / np.log(10):.2g} decades beyond what was trained on"
        )


def backtest(
    law: str | Law,
    inputs: Mapping[str, ArrayLike],
    loss: ArrayLike,
    scale: ArrayLike | None = None,
    *,
    shares: tuple[float, float] = SHARES,
    max_origins: int = MAX_ORIGINS,
) -> BackTest:
    """Fit the smaller scales and predict the larger ones, from several origins.

    Args:
        law: a name of `scaling.laws`, or a law.
        inputs: name -> [n_runs], in the order of the law's inputs.
        loss: [n_runs].
        scale: the axis of growth [n_runs], any unit; None takes the product of the inputs.
        shares: of the cells, that the first and the last origin train on.
        max_origins: at most so many origins.

    Raises:
        FitError: bad values, or too few cells to fit the law and hold any out.
    """
    chosen = find_law(law, len(inputs)) if isinstance(law, str) else law
    cells = merge_cells(dict(zip(chosen.inputs, inputs.values(), strict=True)), loss)
    if not (0 < shares[0] <= shares[1] < 1 and max_origins >= 1):
        raise FitError(
            f"shares, max_origins: expected 0 < first <= last < 1 and 1 or more, got {shares}, {max_origins}"
        )
    growth = growth_of(cells) if scale is None else _given_growth(cells, scale)
    origins = origin_masks(cells, chosen, growth, shares, max_origins)
    if not len(origins):
        raise FitError(
            f"the law {chosen.name!r} has {len(chosen.parameters)} parameters and there are {len(cells)} different "
            "points: too few to fit the smaller scales and still hold larger ones out. Add runs, or take a law with "
            "fewer parameters."
        )
    return backtest_cells(chosen, cells, origins, growth)


def growth_of(cells: Cells) -> np.ndarray:
    """ln of the product of all inputs [n_cells]; for N and D the compute up to a factor."""
    growth: np.ndarray = cells.logs.sum(axis=1)
    return growth


def origin_masks(
    cells: Cells,
    law: Law,
    growth: np.ndarray,
    shares: tuple[float, float] = SHARES,
    max_origins: int = MAX_ORIGINS,
) -> np.ndarray:
    """The cells that every origin trains on [n_origins, n_cells], smallest first; none where the cells are too few.

    An origin lies between two different scales and leaves cells that the law can be fitted to.
    """
    ordered = np.sort(growth)
    gaps = np.diff(ordered)
    counts = np.flatnonzero(gaps > SAME_RESOURCE) + 1
    counts = counts[counts > len(law.parameters)]
    inside = counts[(counts >= shares[0] * len(cells)) & (counts <= shares[1] * len(cells))]
    # A few cells may have no step inside the shares; the last step that holds something out is then taken.
    chosen = _apart(inside if len(inside) else counts[-1:], ordered, gaps)
    masks = [growth <= (ordered[count - 1] + ordered[count]) / 2 for count in chosen]
    fitting = [mask for mask in masks if _can_be_fitted(cells, mask, law)]
    if len(fitting) > max_origins:
        places = np.unique(np.linspace(0, len(fitting) - 1, max_origins).round().astype(int))
        fitting = [fitting[place] for place in places]
    return np.array(fitting, dtype=bool).reshape(-1, len(cells))


def _apart(counts: np.ndarray, ordered: np.ndarray, gaps: np.ndarray) -> list[int]:
    """Of cuts after so many sorted cells, those in the widest gaps and no closer to each other than a step.

    Cuts close to each other are the same test twice, and a cut through runs of about one scale is no test.
    """
    step = min(STEP, float(ordered[-1] - ordered[0]) / FEWEST_STEPS)
    middle = (ordered[:-1] + ordered[1:]) / 2
    chosen: list[int] = []
    for count in counts[np.argsort(-gaps[counts - 1], kind="stable")]:
        if all(abs(middle[count - 1] - middle[other - 1]) >= 0.999 * step for other in chosen):
            chosen.append(int(count))
    return sorted(chosen)


def _can_be_fitted(cells: Cells, mask: np.ndarray, law: Law) -> bool:
    try:
        check_design(cells.subset(mask), len(law.parameters), law.name)
    except FitError:
        return False
    return True


def _given_growth(cells: Cells, scale: ArrayLike) -> np.ndarray:
    values = numbers("scale", scale)
    if len(values) != len(cells.rows):
        raise FitError(f"scale has {len(values)} values and loss has {len(cells.rows)}: give one of each per run")
    check_positive("scale", values)
    means: np.ndarray = np.bincount(cells.rows, np.log(values)) / cells.n_seeds
    return means


def backtest_cells(law: Law, cells: Cells, origins: np.ndarray, growth: np.ndarray) -> BackTest:
    """Fit a law at every origin at once, and predict what it did not see.

    Args:
        law: the law.
        cells: all cells.
        origins: the cells to train on [n_origins, n_cells], at least one.
        growth: ln of the axis of growth [n_cells].
    """
    design = make_design(law, cells.logs)
    first = origins[0]
    starts = [
        find_starts(design, cells.log_loss, STARTS),
        find_starts(Design(law, design.x[first], design.centre), cells.log_loss[first], STARTS),
    ]
    repeated = np.repeat(cells.log_loss[None], len(origins), axis=0)
    found = solve(design, repeated, np.concatenate(starts), origins.astype(float))
    fitted = np.isfinite(found.squares)
    if not fitted.any():
        raise FitError(f"the law {law.name!r} could not be fitted to the smaller scales: no start gave finite losses")
    origins, theta, squares = origins[fitted], found.theta[fitted], found.squares[fitted]
    parts = [
        _beyond(
            index,
            Design(law, design.x[mask], design.centre),
            theta[index],
            squares[index],
            design.x,
            cells,
            growth,
            mask,
        )
        for index, mask in enumerate(origins)
    ]
    origin, cell, error, distance, standard_error = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return BackTest(law, origins.sum(axis=1), origin, cell, error, distance, standard_error)


def _beyond(
    index: int,
    trained: Design,
    theta: np.ndarray,
    squares: float,
    x: np.ndarray,
    cells: Cells,
    growth: np.ndarray,
    mask: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Origin, cell, error, distance and standard error of all that one origin did not see."""
    law, held = trained.law, np.flatnonzero(~mask)
    value, slope = law.evaluate(theta[None], x[None, held])
    variance = squares / (mask.sum() - len(theta))
    spread = covariance(trained, theta)
    absolute = law.residual == "absolute"
    size = np.exp(value[0]) if absolute else 1.0
    # Rounding makes a variance of zero negative where a law can hardly be told from a simpler one.
    of_law = np.maximum(np.einsum("np,pq,nq->n", slope[0], spread, slope[0]), 0.0)
    between = cells.seed_noise(absolute).variance
    # A cell of fewer seeds than those trained on scatters more, and no cell less than its seeds alone.
    own = variance + between * (1 / cells.n_seeds[held] - np.mean(1 / cells.n_seeds[mask]))
    own = np.maximum(own, between / cells.n_seeds[held])
    standard_error = np.sqrt(variance * of_law + own * size**-2)
    distance = distance_beyond(cells.logs[held], cells.logs[mask], growth[held], growth[mask])
    return np.full(len(held), index), held, cells.log_loss[held] - value[0], distance, standard_error


def distance_beyond(
    logs: np.ndarray, trained: np.ndarray, growth: np.ndarray, trained_growth: np.ndarray
) -> np.ndarray:
    """E-folds beyond trained cells, above or below their range, of growth or of the input that is furthest out [n].

    Args:
        logs: logarithms of the inputs [n, n_inputs].
        trained: the same for the cells trained on [n_trained, n_inputs].
        growth: ln of the axis of growth [n].
        trained_growth: [n_trained].
    """
    asked, seen = np.column_stack([logs, growth]), np.column_stack([trained, trained_growth])
    apart = np.maximum(asked - seen.max(axis=0), seen.min(axis=0) - asked)
    return np.asarray(np.maximum(apart.max(axis=1), 0.0))
