"""From prepared frames to tensors: everything is looked up, nothing is built twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chemscale.forcefields.frames import Frames, Pairs
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.labels import COMPONENTS
from chemscale.forcefields.segments import Segments

ATOMS_PER_EVALUATION = 1024


@dataclass(frozen=True)
class FrameBatch:
    """Frames and their labels.

    Attributes:
        graph: atoms and pairs.
        positions: in angstrom [n_atoms, 3], float32.
        forces: in eV/angstrom [n_atoms, 3], float32; NaN where unknown.
        energies: in eV [n_frames], float64; NaN where unknown.
        n_labels: known force components; where only energies are learnt, three times the atoms of a known energy.
        source: frames, pairs and the numbers in them that this batch was made of.
        by_forces: how labels are counted.
    """

    graph: AtomGraph
    positions: Tensor
    forces: Tensor
    energies: Tensor
    n_labels: int
    source: tuple[Frames, Pairs, npt.NDArray[np.int64]]
    by_forces: bool = True

    @property
    def n_examples(self) -> int:
        """Frames in the batch."""
        return self.graph.n_frames

    def to(self, device: torch.device) -> "FrameBatch":
        """The same batch on another device."""
        if self.positions.device == device:
            return self
        positions, forces, energies = (part.to(device) for part in (self.positions, self.forces, self.energies))
        return FrameBatch(
            self.graph.to(device), positions, forces, energies, self.n_labels, self.source, self.by_forces
        )

    def split(self, parts: int) -> Iterator["FrameBatch"]:
        """Cut the batch into at most `parts` micro-batches."""
        frames, pairs, indices = self.source
        for some in np.array_split(indices, min(parts, len(indices))):
            yield collate(frames, pairs, some, self.by_forces).to(self.positions.device)


def collate(frames: Frames, pairs: Pairs, indices: npt.NDArray[np.integer[Any]], by_forces: bool = True) -> FrameBatch:
    """The frames at `indices` [n] as one batch, in that order; for `by_forces` see `labels.labelled`."""
    chosen = np.asarray(indices, dtype=np.int64)
    atoms, n_atoms = _rows(frames.offsets, chosen)
    forces, energies = frames.forces[atoms], frames.energies[chosen]
    n_labels = np.isfinite(forces).sum() if by_forces else COMPONENTS * n_atoms[np.isfinite(energies)].sum()
    return FrameBatch(
        graph=_graph(frames, pairs, chosen, atoms, n_atoms),
        positions=torch.from_numpy(frames.positions[atoms]),
        forces=torch.from_numpy(forces),
        energies=torch.from_numpy(energies),
        n_labels=int(n_labels),
        source=(frames, pairs, chosen),
        by_forces=by_forces,
    )


def _graph(
    frames: Frames,
    pairs: Pairs,
    chosen: npt.NDArray[np.int64],
    atoms: npt.NDArray[np.int64],
    n_atoms: npt.NDArray[np.int64],
) -> AtomGraph:
    rows, n_pairs = _rows(pairs.offsets, chosen)
    atom_starts = np.concatenate([[0], np.cumsum(n_atoms)])
    pair_starts = np.concatenate([[0], np.cumsum(n_pairs)])
    first_atom = np.repeat(atom_starts[:-1], n_pairs)
    first = pairs.first[rows] + first_atom
    second = pairs.second[rows] + first_atom
    second_order = pairs.second_order[rows] + np.repeat(pair_starts[:-1], n_pairs)
    total = int(atom_starts[-1])
    frame = np.repeat(np.arange(len(chosen)), n_atoms)
    shifts = None
    if pairs.shifts is not None and frames.cells is not None:
        cells = np.repeat(frames.cells[chosen], n_pairs, axis=0)
        shifts = torch.from_numpy(np.einsum("pk,pkx->px", pairs.shifts[rows], cells).astype(np.float32))
    return AtomGraph(
        atomic_numbers=torch.from_numpy(frames.numbers[atoms].astype(np.int64)),
        frames=_segments(frame, np.arange(total), atom_starts),
        first=_segments(first, np.arange(len(first)), _starts(first, total)),
        second=_segments(second, second_order, _starts(second, total)),
        shifts=shifts,
        charges=torch.from_numpy(frames.charges[chosen].astype(np.float32)),
        unpaired=torch.from_numpy(frames.unpaired[chosen].astype(np.float32)),
    )


def _rows(
    offsets: npt.NDArray[np.int64], chosen: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows of the chosen frames end to end, and how many each has."""
    starts = offsets[chosen]
    counts = offsets[chosen + 1] - starts
    shift = starts - (np.cumsum(counts) - counts)
    return np.repeat(shift, counts) + np.arange(int(counts.sum())), counts


def _starts(index: npt.NDArray[np.int64], n_rows: int) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.bincount(index, minlength=n_rows))])


def _segments(index: npt.NDArray[np.int64], order: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]) -> Segments:
    return Segments(*(torch.from_numpy(np.ascontiguousarray(part, dtype=np.int64)) for part in (index, order, offsets)))


def equal_atoms(
    indices: npt.NDArray[np.int64], n_atoms: npt.NDArray[np.int64], n_batches: int
) -> list[npt.NDArray[np.int64]]:
    """Cut frames [n], in their order, into so many batches of about as many atoms; no batch is empty."""
    ends = np.cumsum(n_atoms)
    cuts = np.searchsorted(ends, ends[-1] * np.arange(1, n_batches) / n_batches) + 1
    lowest = np.arange(1, n_batches)
    cuts = np.clip(np.maximum.accumulate(cuts - lowest) + lowest, lowest, len(indices) - lowest[::-1])
    return np.split(indices, cuts)


def atom_bounded(
    indices: npt.NDArray[np.int64], n_atoms: npt.NDArray[np.int64], largest: int = ATOMS_PER_EVALUATION
) -> list[npt.NDArray[np.int64]]:
    """Cut frames [n], sorted by size, into batches of at most so many atoms, or of one frame."""
    order = np.argsort(n_atoms, kind="stable")
    batches, start, total = [], 0, 0
    for position, count in enumerate(n_atoms[order].tolist()):
        if total + count > largest and position > start:
            batches.append(indices[order[start:position]])
            start, total = position, 0
        total += count
    return [*batches, indices[order[start:]]] if len(indices) else []
