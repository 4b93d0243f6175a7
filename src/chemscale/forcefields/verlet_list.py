"""A neighbour list that lasts for many steps (Verlet 1967).

Candidates are the pairs within cutoff + skin. No pair outside of them can come within the cutoff before some atom has
moved by more than skin / 2: only then are they searched again. At every step the candidates are filtered by their true
distance, so what a force field sees is exactly the pairs within the cutoff, whether its messages fade there or not.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chemscale.base.errors import DataError
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.pairs import graph_of
from chemscale.forcefields.segments import Segments

SAME_PLACE = 0.05  # angstrom: nearer atoms are an error of the input, and no geometry

Positions = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class VerletList:
    """The graph of one structure as it moves.

    Args:
        cutoff: in angstrom.
        skin: in angstrom; 0 searches pairs at every step.
        device: where graphs go.

    Attributes:
        searches: how often pairs were searched.
    """

    def __init__(self, cutoff: float, skin: float, device: torch.device | None = None) -> None:
        self.cutoff, self.skin, self.device, self.searches = cutoff, skin, device or torch.device("cpu"), 0
        self._structure: tuple[Any, ...] | None = None
        self._graph: AtomGraph | None = None

    def graph(
        self,
        numbers: npt.NDArray[np.integer[Any]],
        positions: Positions,
        cell: Positions | None = None,
        periodic: tuple[bool, bool, bool] = (False, False, False),
        charge: int = 0,
        unpaired: int = 0,
    ) -> AtomGraph:
        """The graph at `positions`; the very same object as long as the same pairs are within the cutoff.

        Args:
            numbers: atomic numbers [n_atoms].
            positions: in angstrom [n_atoms, 3].
            cell: lattice vectors as rows, in angstrom [3, 3].
            periodic: along which of them the structure repeats.
            charge: total charge in e.
            unpaired: unpaired electrons.

        Raises:
            DataError: two atoms are at the same place.
        """
        structure = (numbers.tobytes(), None if cell is None else cell.tobytes(), periodic, charge, unpaired)
        if structure != self._structure or self._moved(positions):
            self._search(numbers, positions, cell, periodic, charge, unpaired)
            self._structure = structure
        vectors = positions[self._second] - positions[self._first]
        if self._shifts is not None:
            vectors += self._shifts
        squares = np.einsum("px,px->p", vectors, vectors)
        if squares.size and squares.min() < SAME_PLACE**2:
            self._refuse(numbers, squares)
        near = squares < self.cutoff**2
        if self._graph is None or not np.array_equal(near, self._near):
            graph = self._filtered(near)
            self._near: npt.NDArray[np.bool_] = near
            self._graph = graph if self.device.type == "cpu" else graph.to(self.device)
        return self._graph

    def _moved(self, positions: Positions) -> bool:
        moves = positions - self._origin
        return bool(np.einsum("ix,ix->i", moves, moves).max(initial=0.0) > (0.5 * self.skin) ** 2)

    def _search(
        self,
        numbers: npt.NDArray[np.integer[Any]],
        positions: Positions,
        cell: Positions | None,
        periodic: tuple[bool, bool, bool],
        charge: int,
        unpaired: int,
    ) -> None:
        graph = graph_of(numbers, positions, self.cutoff + self.skin, cell, periodic, charge, unpaired)
        self._candidates, self._graph = graph, None
        self._first: Integers = graph.first.index.numpy()
        self._second: Integers = graph.second.index.numpy()
        self._second_order: Integers = graph.second.order.numpy()
        self._shifts = None if graph.shifts is None or cell is None else _exact(graph.shifts, cell)
        self._origin = positions.copy()
        self.searches += 1

    def _filtered(self, near: npt.NDArray[np.bool_]) -> AtomGraph:
        all_pairs = self._candidates
        if near.all() and self._shifts is None:
            return all_pairs
        renumbered = np.cumsum(near) - 1
        order = self._second_order
        first, second = self._first[near], self._second[near]
        return AtomGraph(
            atomic_numbers=all_pairs.atomic_numbers,
            frames=all_pairs.frames,
            first=_segments(first, np.arange(len(first)), all_pairs.n_atoms),
            second=_segments(second, renumbered[order[near[order]]], all_pairs.n_atoms),
            shifts=None if self._shifts is None else torch.from_numpy(self._shifts[near]),
            charges=all_pairs.charges,
            unpaired=all_pairs.unpaired,
        )

    def _refuse(self, numbers: npt.NDArray[np.integer[Any]], squares: npt.NDArray[np.float64]) -> None:
        pair = int(squares.argmin())
        first, second = int(self._first[pair]), int(self._second[pair])
        raise DataError(same_place(first, second, float(squares[pair]) ** 0.5))


def same_place(first: int, second: int, distance: float) -> str:
    """What is wrong with two atoms at the same place."""
    return (
        f"atoms {first} and {second} (counted from 0) are at the same place ({distance:.3g} angstrom apart, "
        f"at least {SAME_PLACE} is allowed); separate them or remove one"
    )


def _exact(shifts: Tensor, cell: Positions) -> Positions:
    """Shifts in float32 are whole lattice vectors: the same in float64 [n_pairs, 3]."""
    whole: Positions = np.rint(shifts.double().numpy() @ np.linalg.pinv(cell)) @ cell
    return whole


def _segments(index: Integers, order: Integers, n_rows: int) -> Segments:
    offsets = np.zeros(n_rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(index, minlength=n_rows), out=offsets[1:])
    return Segments(_tensor(index), _tensor(order), _tensor(offsets))


def _tensor(values: Integers) -> Tensor:
    return torch.from_numpy(values)
