"""Fit any law to runs, with intervals that hold."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from chemscale.base.errors import FitError
from chemscale.scaling.cells import Cells, check_design, merge_cells, shared_sizes
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.law_warnings import fit_warnings
from chemscale.scaling.laws import Law, find_law
from chemscale.scaling.points import check_level, numbers
from chemscale.scaling.regimes import Regime, surface_regimes
from chemscale.scaling.solver.clusters import Clustered, SharedNoise, fit_clustered
from chemscale.scaling.solver.huber import fit_huber
from chemscale.scaling.solver.least_squares import Minimum
from chemscale.scaling.solver.profile import profile_intervals
from chemscale.scaling.solver.solve import Design, covariance, find_starts, make_design, move_matrix, solve

STRAIGHT = ("power", "log-quadratic")  # linear in the solver's coordinates: Student's t is exact
RUNS_PER_SUBSET = 2.0
EXACT = 1e-13  # relative noise below which the points lie on the law
LARGEST_LOG = 100 * np.log(10)  # |ln L|


def fit_law(
    law: str | Law,
    inputs: Mapping[str, ArrayLike],
    loss: ArrayLike,
    *,
    level: float = 0.95,
    shared: str | None = "auto",
    training: Mapping[str, ArrayLike] | None = None,
) -> LawFit:
    """Fit a law to runs.

    Residuals are relative (ln L), seeds of one cell are merged into their mean, every cell counts once. Intervals are
    Student t for laws that are straight in logarithms and profile likelihood for all others. Errors that all runs of
    one data subset share are estimated and counted.

    Args:
        law: a name of `scaling.laws`, or a law.
        inputs: name -> [n_runs], in the order of the law's inputs (`parameters`, `data`; any names).
        loss: [n_runs].
        level: level of the intervals.
        shared: the input whose equal values share a data subset; "auto" takes the data where they form a grid, None
            takes all errors as independent.
        training: columns per run that tell what the surface cannot, see `regimes.surface_regimes`.

    Raises:
        FitError: bad values, too few cells, inputs that change only together, or a law that takes other inputs.
    """
    chosen = _law_of(law, len(inputs))
    cells = merge_cells(dict(zip(chosen.inputs, inputs.values(), strict=True)), loss)
    return fit_cells(chosen, cells, level=level, shared=shared, training=training)


def fit_cells(
    law: str | Law,
    cells: Cells,
    *,
    level: float = 0.95,
    shared: str | None = "auto",
    training: Mapping[str, ArrayLike] | None = None,
) -> LawFit:
    """Fit a law to cells whose seeds are merged already; arguments and errors as in `fit_law`."""
    check_level(level)
    chosen = _law_of(law, len(cells.inputs))
    check_design(cells, len(chosen.parameters), chosen.name)
    _check_unit(cells)
    design = make_design(chosen, cells.logs)
    starts = find_starts(design, cells.log_loss)
    plain = solve(design, cells.log_loss[None], starts)
    if not np.isfinite(plain.squares[0]):
        raise FitError(f"the law {chosen.name!r} could not be fitted: no start gave finite losses")
    by = _subset_input(cells, chosen, shared)
    clustered = (
        fit_clustered(design, cells.log_loss, plain, shared_sizes(cells.values[:, by])) if by is not None else None
    )
    return _result(cells, design, plain, clustered, starts, level, by, training)


def _law_of(law: str | Law, n_inputs: int) -> Law:
    chosen = law if isinstance(law, Law) else find_law(str(law), n_inputs)
    if len(chosen.inputs) != n_inputs:
        raise FitError(f"law: {chosen.name} takes {', '.join(chosen.inputs)}, and {n_inputs} inputs are given")
    return chosen


def _check_unit(cells: Cells) -> None:
    """Variances are squares of losses, and squares of very large or very small ones are no numbers any more."""
    far = np.abs(cells.log_loss).argmax()
    if abs(cells.log_loss[far]) > LARGEST_LOG:
        raise FitError(
            f"loss: {np.exp(cells.log_loss[far]):.3g} is too {'large' if cells.log_loss[far] > 0 else 'small'} to "
            "compute with; give the losses in another unit, so that they lie between 1e-100 and 1e100"
        )


def _result(
    cells: Cells,
    design: Design,
    plain: Minimum,
    clustered: Clustered | None,
    starts: np.ndarray,
    level: float,
    by: int | None,
    training: Mapping[str, ArrayLike] | None,
) -> LawFit:
    law, minimum = design.law, clustered.minimum if clustered else plain
    fitted = clustered.design if clustered else design
    theta, freedom = minimum.theta[0], np.full(len(law.parameters), float(len(cells) - len(law.parameters)))
    if clustered:
        freedom[(theta > design.low) & (theta < design.high)] = clustered.freedom
    exact = EXACT * (float(cells.loss.mean()) if law.residual == "absolute" else 1.0)
    variance = max(float(minimum.squares[0]) / (len(cells) - len(law.parameters)), exact**2)
    noise = np.sqrt(variance * (1 + (clustered.ratio if clustered else 0.0)))
    spread = covariance(fitted, theta) * variance
    t = special.stdtrit(freedom, 0.5 + level / 2)
    if variance > exact**2:
        intervals = _intervals(fitted, cells.log_loss, minimum, variance, t, spread)
    else:
        intervals = np.repeat(law.values(design.natural(theta))[:, None], 2, axis=1)
    robust, _ = fit_huber(design, cells.log_loss, np.concatenate([plain.theta, starts[:3]]))
    shared_noise = None
    if clustered and by is not None:
        n_subsets = int(shared_sizes(cells.values[:, by]).max()) + 1
        own = float(np.sqrt(variance))
        shared_noise = SharedNoise(law.inputs[by], n_subsets, own * float(np.sqrt(clustered.ratio)), own)
    names = law.names
    values = law.values(design.natural(robust))
    status = _status(design, minimum, cells)
    huber = {name: float(value) for name, value in zip(names, values, strict=True)}
    found = LawFit(
        law=law,
        design=fitted,
        theta=theta,
        spread=spread,
        freedom=freedom,
        noise=float(noise),
        cells=cells,
        level=level,
        intervals={name: (float(low), float(high)) for name, (low, high) in zip(names, intervals, strict=True)},
        huber=huber,
        shared_noise=shared_noise,
        status=status,
        regimes=_regimes(law, design, theta, cells, training),
        warnings=(),
    )
    return dataclasses.replace(found, warnings=fit_warnings(found, by is not None and clustered is None))


def _intervals(
    design: Design, log_loss: np.ndarray, minimum: Minimum, variance: float, t: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """[n_parameters, 2], values of the parameters."""
    law, theta = design.law, minimum.theta
    natural = design.natural(theta[0])
    if law.name in STRAIGHT:
        matrix = move_matrix(law, design.centre)
        half = t * np.sqrt(np.diag(matrix @ spread @ matrix.T))
        ends = np.stack([natural - half, natural + half], axis=-1)
    else:
        one = np.array([variance])
        ends = profile_intervals(design, log_loss[None], theta, minimum.squares, one, t[None])[0]
    return law.values(ends.T).T


def _subset_input(cells: Cells, law: Law, shared: str | None) -> int | None:
    """The index of the input whose equal values share a subset."""
    if shared is None or len(law.inputs) < 2:
        return None
    if shared != "auto":
        if shared not in cells.inputs:
            raise FitError(f"shared: expected one of {', '.join(cells.inputs)}, got {shared!r}")
        return cells.inputs.index(shared)
    n_subsets = int(shared_sizes(cells.values[:, 1]).max()) + 1
    return 1 if len(cells) >= RUNS_PER_SUBSET * n_subsets else None


def _status(design: Design, minimum: Minimum, cells: Cells) -> str:
    law = design.law
    bounds = [
        f"{parameter.name} = {value:.4g}"
        for parameter, value, edge in zip(
            law.parameters, law.values(design.natural(minimum.theta[0])), minimum.at_bound[0], strict=True
        )
        if edge
    ]
    if bounds:
        return f"at a bound: {', '.join(bounds)}"
    return "converged" if minimum.converged[0] else "not converged"


def _regimes(
    law: Law, design: Design, theta: np.ndarray, cells: Cells, training: Mapping[str, ArrayLike] | None
) -> tuple[Regime, ...]:
    if law.name not in ("additive", "repeated"):
        return ()
    _, slope = law.evaluate(theta[None], design.x[None])
    loss = np.exp(law.evaluate(theta[None], design.x[None])[0][0])
    # d ln L / d ln A is the model term over the loss, and so for B.
    model, data = slope[0, :, 1] * loss, slope[0, :, 2] * loss
    known = {name: _per_cell(name, values, cells) for name, values in (training or {}).items()}
    return surface_regimes(cells.values[:, 0], cells.values[:, 1], model, data, float(theta[0]), known)


def _per_cell(name: str, values: ArrayLike, cells: Cells) -> np.ndarray:
    """The mean of a column over the runs of every cell [n_cells]."""
    column = numbers(name, values)
    if len(column) != len(cells.rows):
        raise FitError(f"training: {name} has {len(column)} values and there are {len(cells.rows)} runs")
    return np.bincount(cells.rows, column) / np.bincount(cells.rows)
