"""Pairs of near atoms, each once: brute force for molecules, cells of a grid for large and periodic systems."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import vesin

from chemscale.base.errors import DataError
from chemscale.forcefields.frames import Frames
from chemscale.forcefields.periodicity import complete_cell

MOST_ATOMS_BRUTE_FORCE = 300
_MOST_SHIFTS = 127


@dataclass(frozen=True)
class FoundPairs:
    """Pairs of several frames.

    Attributes:
        frame: the pairs' frame, counted from the first one searched [n_pairs].
        first, second: atoms in numbers local to the frame [n_pairs].
        shifts: as in `Pairs` [n_pairs, 3]; None where no frame has a cell.
    """

    frame: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    shifts: npt.NDArray[np.int64] | None


@lru_cache(maxsize=128)
def all_pairs(n_atoms: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and second atoms of all n(n - 1)/2 pairs, sorted by first, then by second."""
    first, second = np.triu_indices(n_atoms, 1)
    return first.astype(np.int64), second.astype(np.int64)


def molecule_pairs(
    positions: npt.NDArray[np.floating[Any]], cutoff: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The pairs of one molecule within the cutoff, in angstrom, first < second, sorted: [n_atoms, 3] -> [n_pairs]."""
    if len(positions) > MOST_ATOMS_BRUTE_FORCE:
        search = vesin.NeighborList(cutoff=cutoff, full_list=False)
        one, other = search.compute(np.asarray(positions, np.float64), np.eye(3), False, "ij")
        return _sorted(one.astype(np.int64), other.astype(np.int64))
    first, second = all_pairs(len(positions))
    vectors = positions.take(second, axis=0) - positions.take(first, axis=0)
    near = np.flatnonzero(np.einsum("px,px->p", vectors, vectors) < cutoff * cutoff)
    return first[near], second[near]


def pairs_of_frames(frames: Frames, start: int, stop: int, cutoff: float) -> FoundPairs:
    """The pairs of the frames start .. stop - 1, sorted by frame, first and second atom.

    Raises:
        DataError: an atom of a periodic frame is more than 127 cells away from another.
    """
    n_atoms, offsets = frames.n_atoms[start:stop], frames.offsets
    cells = None if frames.cells is None else np.asarray(frames.cells[start:stop])
    periodic = np.zeros((stop - start, 3), np.bool_) if cells is None else (cells != 0).any(axis=2)
    alone = (n_atoms > MOST_ATOMS_BRUTE_FORCE) | periodic.any(axis=1)
    found = []
    for size in np.unique(n_atoms[~alone]):
        rows = np.flatnonzero(~alone & (n_atoms == size))
        atoms = offsets[start + rows][:, None] + np.arange(size)
        found.append(_pairs_of_equals(rows, frames.positions[atoms], cutoff, cells is not None))
    for row in np.flatnonzero(alone):
        positions = frames.positions[offsets[start + row] : offsets[start + row + 1]]
        if cells is not None and periodic[row].any():
            try:
                first, second, shifts = periodic_pairs(positions, cells[row], periodic[row], cutoff)
            except DataError as error:
                raise DataError(f"{frames.folder}: frame {start + row}: {error}") from None
        else:
            first, second = molecule_pairs(positions, cutoff)
            shifts = np.zeros((len(first), 3), np.int64)
        found.append(FoundPairs(np.full(len(first), row), first, second, None if cells is None else shifts))
    return _joined(found)


def _joined(found: list[FoundPairs]) -> FoundPairs:
    frame = np.concatenate([part.frame for part in found])
    order = np.argsort(frame, kind="stable")
    shifts = [part.shifts for part in found if part.shifts is not None]
    return FoundPairs(
        frame[order],
        np.concatenate([part.first for part in found])[order],
        np.concatenate([part.second for part in found])[order],
        np.concatenate(shifts)[order] if shifts else None,
    )


def _pairs_of_equals(
    rows: npt.NDArray[np.int64], positions: npt.NDArray[np.floating[Any]], cutoff: float, with_shifts: bool
) -> FoundPairs:
    """The pairs of molecules with equally many atoms [n_frames, n_atoms, 3]."""
    first, second = all_pairs(positions.shape[1])
    vectors = positions[:, second] - positions[:, first]
    row, pair = np.nonzero(np.einsum("fpx,fpx->fp", vectors, vectors) < cutoff * cutoff)
    shifts = np.zeros((len(row), 3), np.int64) if with_shifts else None
    return FoundPairs(rows[row], first[pair], second[pair], shifts)


def periodic_pairs(
    positions: npt.NDArray[np.floating[Any]], cell: npt.NDArray[np.float64], periodic: Sequence[bool], cutoff: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The pairs of a periodic system, each once, an atom's own images half: first <= second, sorted.

    Returns:
        first, second [n_pairs], and how often each lattice vector is added to the second atom [n_pairs, 3].

    Raises:
        DataError: an atom is more than 127 cells away from another.
    """
    search = vesin.NeighborList(cutoff=cutoff, full_list=False)
    one, other, shifts = search.compute(
        np.asarray(positions, np.float64), complete_cell(cell, periodic), np.array(periodic, dtype=bool), "ijS"
    )
    first, second, shifts = one.astype(np.int64), other.astype(np.int64), np.asarray(shifts, dtype=np.int64)
    if np.abs(shifts).max(initial=0) > _MOST_SHIFTS:
        raise DataError("an atom is more than 127 cells away from another; wrap the positions into the cell")
    # one spelling for every pair, whatever the search gives: first < second, own images with a positive first shift
    leading = np.take_along_axis(shifts, np.argmax(shifts != 0, axis=1)[:, None], axis=1)[:, 0]
    turn = (first > second) | ((first == second) & (leading < 0))
    first, second = np.where(turn, second, first), np.where(turn, first, second)
    shifts = np.where(turn[:, None], -shifts, shifts)
    order = np.lexsort((*shifts.T[::-1], second, first))
    return first[order], second[order], shifts[order]


def _sorted(
    one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    first, second = np.minimum(one, other), np.maximum(one, other)
    order = np.lexsort((second, first))
    return first[order], second[order]
