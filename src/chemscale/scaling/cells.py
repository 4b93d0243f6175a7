"""The cells of a joint fit: checked inputs, with the seeds of one cell merged into their mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from chemscale.base.errors import FitError
from chemscale.scaling.points import SAME_RESOURCE, LossPoint, SeedNoise, check_positive, numbers, seed_noise

PROPORTIONAL = 1e-6  # share of ln D that is not explained by ln N, below which the two cannot be told apart


@dataclass(frozen=True)
class Cells:
    """What a law is fitted to: one row per distinct combination of inputs.

    Attributes:
        inputs: names of the inputs.
        values: [n_cells, n_inputs].
        log_loss: [n_cells], the mean over seeds.
        n_seeds: [n_cells].
        log_spread: [n_cells], standard deviation between seeds; NaN where there is one.
        rows: [n_rows], the cell of every row of the input.
    """

    inputs: tuple[str, ...]
    values: np.ndarray
    log_loss: np.ndarray
    n_seeds: np.ndarray
    log_spread: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.log_loss)

    @property
    def logs(self) -> np.ndarray:
        """Logarithms of the inputs [n_cells, n_inputs]."""
        logs: np.ndarray = np.log(self.values)
        return logs

    @property
    def loss(self) -> np.ndarray:
        """Geometric mean of the losses of every cell [n_cells]."""
        loss: np.ndarray = np.exp(self.log_loss)
        return loss

    def seed_noise(self, absolute: bool = False) -> SeedNoise:
        """The noise between seeds: in ln L, or in the unit of the loss where `absolute`."""
        return seed_noise(self.n_seeds, self.log_spread * (self.loss if absolute else 1.0))

    def subset(self, kept: np.ndarray) -> "Cells":
        """Only the cells where `kept` [n_cells] holds."""
        arrays = (self.values[kept], self.log_loss[kept], self.n_seeds[kept], self.log_spread[kept])
        place = np.cumsum(kept) - 1
        return Cells(self.inputs, *arrays, rows=place[self.rows[kept[self.rows]]])


def merge_cells(inputs: Mapping[str, ArrayLike], loss: ArrayLike) -> Cells:
    """Check the runs and merge those with equal inputs into the mean of their log losses.

    Args:
        inputs: name -> [n_runs], > 0.
        loss: [n_runs], > 0.

    Raises:
        FitError: lengths differ, or a value is no number, not finite or not positive.
    """
    losses = numbers("loss", loss)
    columns = {name: numbers(name, values) for name, values in inputs.items()}
    for name, values in columns.items():
        if len(values) != len(losses):
            raise FitError(f"{name} has {len(values)} values and loss has {len(losses)}: give one of each per run")
        check_positive(name, values)
    check_positive("loss", losses)
    if not len(losses):
        raise FitError("there are no runs to fit")
    table = np.column_stack(list(columns.values()))
    labels = np.column_stack([_same_size(np.log(column)) for column in table.T])
    _, first, rows = np.unique(labels, axis=0, return_index=True, return_inverse=True)
    rows = rows.reshape(-1)
    counts = np.bincount(rows)
    mean = np.bincount(rows, np.log(losses)) / counts
    squares = np.bincount(rows, (np.log(losses) - mean[rows]) ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.where(counts > 1, np.sqrt(squares / (counts - 1)), np.nan)
    return Cells(tuple(columns), table[first], mean, counts, spread, rows)


def cells_of_points(points: Sequence[LossPoint]) -> Cells:
    """The points of a power law as cells of the one input "resource", with what their seeds tell."""
    columns = np.array([(point.resource, np.log(point.loss), point.n_seeds, point.log_spread) for point in points])
    resource, log_loss, n_seeds, spread = columns.T
    counts = n_seeds.astype(int)
    rows = np.repeat(np.arange(len(points)), counts)
    return Cells(("resource",), resource[:, None], log_loss, counts, spread, rows)


def check_design(cells: Cells, n_parameters: int, law: str) -> None:
    """Refuse cells that cannot tell the parameters of a law apart.

    Raises:
        FitError: no more cells than parameters, an input with fewer than three values, or inputs in proportion.
    """
    for name, values in zip(cells.inputs, cells.values.T, strict=True):
        distinct = len(np.unique(_same_size(np.log(values))))
        if name != "epochs" and distinct < 3:
            raise FitError(
                f"{name}: {_count(distinct, 'different value')}, the law {law!r} needs three or more along every "
                f"input. Add runs at other sizes, or fit the other input alone."
            )
    if "epochs" in cells.inputs and (cells.values[:, 2] < 1).any():
        raise FitError(f"epochs: the least is {cells.values[:, 2].min():g}; unique data are seen once or more")
    if "epochs" in cells.inputs and cells.values[:, 2].max() < 1.5:
        raise FitError("epochs: no run repeats its data, so their worth cannot be told; fit the law 'additive'")
    if len(cells) <= n_parameters:
        raise FitError(
            f"the law {law!r} has {n_parameters} parameters and there are {_count(len(cells), 'different point')}; "
            f"it needs at least {n_parameters + 1}. Seeds at one point count once. Add runs, or fit a law with fewer "
            "parameters."
        )
    if len(cells.inputs) > 1:
        _check_not_proportional(cells)


def _check_not_proportional(cells: Cells) -> None:
    first, second = (column - column.mean() for column in cells.logs.T[:2])
    unexplained = 1 - (first @ second) ** 2 / ((first @ first) * (second @ second))
    if unexplained < PROPORTIONAL:
        raise FitError(
            f"{cells.inputs[0]} and {cells.inputs[1]} change together in every run (one is a power of the other), so "
            "no fit can tell what either does. Add runs with another ratio, or fit one of them alone."
        )


def _same_size(logs: np.ndarray) -> np.ndarray:
    """The index of every value among the distinct ones, where differences of rounding are none [n]."""
    order = np.argsort(logs, kind="stable")
    labels = np.empty(len(logs), int)
    labels[order] = np.cumsum(np.diff(logs[order], prepend=logs[order][:1]) > SAME_RESOURCE)
    return labels


def shared_sizes(values: np.ndarray) -> np.ndarray:
    """The index of every value among the distinct sizes [n]."""
    return _same_size(np.log(values))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def input_matrix(inputs: Sequence[ArrayLike], names: Sequence[str]) -> np.ndarray:
    """Logarithms of the inputs of a prediction [n, n_inputs]; inputs are broadcast against each other.

    Raises:
        FitError: a wrong number of inputs, or a value that is not finite and positive.
    """
    if len(inputs) != len(names):
        raise FitError(f"predictions of this law take {', '.join(names)}: {len(names)} arrays, got {len(inputs)}")
    given = zip(names, inputs, strict=True)
    columns = np.broadcast_arrays(*(numbers(name, np.atleast_1d(values)) for name, values in given))
    for name, values in zip(names, columns, strict=True):
        check_positive(name, values.reshape(-1))
    return np.log(np.stack([column.reshape(-1) for column in columns], axis=-1))
