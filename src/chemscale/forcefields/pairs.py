"""The pairs of all frames within a cutoff, searched once and kept beside the frames; and the graph of one structure.

pairs-<cutoff>/offsets.npy       frame i has the pairs offsets[i]:offsets[i + 1]
pairs-<cutoff>/first.npy         and second.npy, second_order.npy, shifts.npy: see `Pairs`
pairs-<cutoff>/pairs.json        cutoff, counts, and the hash of the frames; written last
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from chemscale.base.errors import ConfigError
from chemscale.base.files import cache_folder, folder_lock, read_json, write_json
from chemscale.base.progress import progress_bar
from chemscale.forcefields.frames import PAIRS_RECORD, Frames, Pairs
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.growing_array import GrowingArray
from chemscale.forcefields.neighbour_search import FoundPairs, molecule_pairs, pairs_of_frames, periodic_pairs
from chemscale.forcefields.periodicity import LONGEST_CUTOFF
from chemscale.forcefields.segments import Segments

PAIRS_FORMAT = 1
_CANDIDATES_AT_ONCE = 2_000_000


def pairs_for(frames: Frames, cutoff: float) -> Pairs:
    """The pairs of all frames within a cutoff in angstrom, searched the first time they are asked for.

    They are kept in the frames' folder, or in the cache folder where that cannot be written to. Processes that ask at
    the same time wait for the one that searches.

    Raises:
        ConfigError: the cutoff is not between 0 and 20 angstrom.
        DataError: an atom of a periodic frame is more than 127 cells away from another.
    """
    if not 0 < cutoff <= LONGEST_CUTOFF:
        raise ConfigError(f"cutoff: {cutoff} angstrom; allowed is more than 0, at most {LONGEST_CUTOFF:g}")
    folder = _folder(frames, cutoff)
    if not _is_finished(folder, frames, cutoff):
        with folder_lock(folder, "searching pairs", wait_seconds=-1):
            if not _is_finished(folder, frames, cutoff):
                _search(frames, cutoff, folder)
    return Pairs.open(folder)


def _folder(frames: Frames, cutoff: float) -> Path:
    name = f"pairs-{cutoff:g}"
    if (frames.folder / name / PAIRS_RECORD).is_file() or os.access(frames.folder, os.W_OK):
        return frames.folder / name
    return cache_folder() / "pairs" / f"{frames.sha256[:16]}-{cutoff:g}"


def _is_finished(folder: Path, frames: Frames, cutoff: float) -> bool:
    if not (folder / PAIRS_RECORD).is_file():
        return False
    record = read_json(folder / PAIRS_RECORD)
    found = [record.get(key) for key in ("format", "cutoff", "frames")]
    return found == [PAIRS_FORMAT, cutoff, frames.sha256]


def graph_of(
    numbers: npt.ArrayLike,
    positions: npt.NDArray[np.floating[Any]],
    cutoff: float,
    cell: npt.NDArray[np.float64] | None = None,
    periodic: Sequence[bool] | None = None,
    charge: int = 0,
    unpaired: int = 0,
) -> AtomGraph:
    """The graph of one structure.

    Args:
        numbers: atomic numbers [n_atoms].
        positions: in angstrom [n_atoms, 3].
        cutoff: in angstrom.
        cell: lattice vectors as rows, in angstrom [3, 3].
        periodic: along which of them the structure repeats; None is along none.
        charge: total charge in e.
        unpaired: unpaired electrons.

    Raises:
        DataError: a periodic structure has an atom more than 127 cells away from another.
    """
    atomic_numbers = np.asarray(numbers, dtype=np.int64)
    n_atoms, shifts = len(atomic_numbers), None
    if cell is not None and periodic is not None and any(periodic):
        first, second, counts = periodic_pairs(positions, cell, periodic, cutoff)
        shifts = torch.from_numpy((counts @ np.where(np.asarray(periodic)[:, None], cell, 0.0)).astype(np.float32))
    else:
        first, second = molecule_pairs(positions, cutoff)
    return AtomGraph(
        atomic_numbers=torch.from_numpy(atomic_numbers),
        frames=_one_segment(n_atoms),
        first=_segments(first, np.arange(len(first)), n_atoms),
        second=_segments(second, np.argsort(second, kind="stable"), n_atoms),
        shifts=shifts,
        charges=torch.tensor([float(charge)]),
        unpaired=torch.tensor([float(unpaired)]),
    )


def _segments(index: npt.NDArray[np.int64], order: npt.NDArray[np.int64], n_rows: int) -> Segments:
    offsets = np.zeros(n_rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(index, minlength=n_rows), out=offsets[1:])
    return Segments(torch.from_numpy(index), torch.from_numpy(order), torch.from_numpy(offsets))


def _one_segment(n_atoms: int) -> Segments:
    index = torch.zeros(n_atoms, dtype=torch.int64)
    return Segments(index, torch.arange(n_atoms), torch.tensor([0, n_atoms]))


def _search(frames: Frames, cutoff: float, folder: Path) -> None:
    (folder / PAIRS_RECORD).unlink(missing_ok=True)
    (folder / "shifts.npy").unlink(missing_ok=True)
    n_pairs = 0
    with ExitStack() as stack:
        arrays = {
            name: stack.enter_context(GrowingArray(folder / f"{name}.npy", *layout))
            for name, layout in _layout(frames).items()
        }
        arrays["offsets"].append([0])
        bar = stack.enter_context(progress_bar(f"pairs within {cutoff:g} angstrom", len(frames), "frames"))
        for start, stop in _chunks(frames):
            found = pairs_of_frames(frames, start, stop, cutoff)
            counts = np.bincount(found.frame, minlength=stop - start)
            arrays["offsets"].append(n_pairs + np.cumsum(counts))
            arrays["first"].append(found.first)
            arrays["second"].append(found.second)
            arrays["second_order"].append(_second_order(found, counts))
            if found.shifts is not None:
                arrays["shifts"].append(found.shifts)
            n_pairs += len(found.first)
            bar.update(stop)
        for array in arrays.values():
            array.finish()
    record = {"format": PAIRS_FORMAT, "cutoff": cutoff, "frames": frames.sha256, "pairs": n_pairs}
    write_json(folder / PAIRS_RECORD, record)


def _layout(frames: Frames) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
    """Type and row shape of the arrays: the narrowest integers that hold a frame's atoms and pairs."""
    largest = int(frames.n_atoms.max(initial=1))
    atom, pair = np.min_scalar_type(largest - 1), np.min_scalar_type(largest * (largest - 1) // 2)
    if frames.cells is not None:
        pair = np.dtype(np.uint32)
    layout: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
        "offsets": (np.dtype(np.int64), ()),
        "first": (atom, ()),
        "second": (atom, ()),
        "second_order": (pair, ()),
    }
    return {**layout, "shifts": (np.dtype(np.int8), (3,))} if frames.cells is not None else layout


def _chunks(frames: Frames) -> Iterator[tuple[int, int]]:
    """Runs of frames that have about two million pairs of atoms together, near or not."""
    candidates = np.cumsum(frames.n_atoms * (frames.n_atoms - 1) // 2 + 1)
    start = 0
    while start < len(frames):
        before = int(candidates[start - 1]) if start else 0
        stop = int(np.searchsorted(candidates, before + _CANDIDATES_AT_ONCE, side="right"))
        yield start, max(stop, start + 1)
        start = max(stop, start + 1)


def _second_order(found: FoundPairs, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The pairs of every frame sorted by second atom, in numbers local to the frame [n_pairs]."""
    order = np.lexsort((found.second, found.frame))
    return order - np.repeat(np.cumsum(counts) - counts, counts)
