"""Molecules as one flat graph: atoms of all frames end to end, and each pair of near atoms once.

W(r_ij) = W(r_ji) for every filter of the distance, so filters are needed for undirected pairs only; messages use both
ends (`first`, `second`). Families that need both directions as edges take `directed`.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from chemscale.forcefields.segments import Segments


@dataclass(frozen=True)
class AtomGraph:
    """The atoms of some frames and their pairs within the cutoff.

    Attributes:
        atomic_numbers: [n_atoms], int64.
        frames: which frame every atom belongs to, and the atoms of a frame; atoms are sorted by frame.
        first: the pairs' first atoms, and the pairs of an atom that it is first in; pairs are sorted by first atom.
        second: the same for the second atoms; within a molecule first < second.
        shifts: what to add to the second atom's position, in angstrom [n_pairs, 3]; None where no cell is periodic.
        charges: total charge of every frame in e [n_frames], float.
        unpaired: unpaired electrons of every frame [n_frames], float.
    """

    atomic_numbers: Tensor
    frames: Segments
    first: Segments
    second: Segments
    shifts: Tensor | None
    charges: Tensor
    unpaired: Tensor

    @property
    def n_atoms(self) -> int:
        """Atoms of all frames."""
        return self.atomic_numbers.shape[0]

    @property
    def n_pairs(self) -> int:
        """Undirected pairs of all frames."""
        return self.first.index.shape[0]

    @property
    def n_frames(self) -> int:
        """Frames."""
        return self.charges.shape[0]

    def to(self, device: torch.device) -> "AtomGraph":
        """The same graph on another device."""
        return AtomGraph(
            atomic_numbers=self.atomic_numbers.to(device),
            frames=self.frames.to(device),
            first=self.first.to(device),
            second=self.second.to(device),
            shifts=None if self.shifts is None else self.shifts.to(device),
            charges=self.charges.to(device),
            unpaired=self.unpaired.to(device),
        )

    def vectors(self, positions: Tensor) -> Tensor:
        """From the first to the second atom of every pair, in angstrom: [n_atoms, 3] -> [n_pairs, 3]."""
        vectors = self.second.gather(positions) - self.first.gather(positions)
        return vectors if self.shifts is None else vectors + self.shifts.to(positions.dtype)

    @cached_property
    def directed(self) -> "DirectedEdges":
        """Both directions of every pair, sorted by the atom in the centre."""
        first, second = self.first.index, self.second.index
        centre = torch.cat([first, second])
        order = torch.argsort(centre, stable=True)
        backward = torch.zeros(len(centre), dtype=torch.bool, device=first.device)
        backward[len(first) :] = True
        pair = torch.arange(len(first), device=first.device).repeat(2)
        return DirectedEdges(
            centre=Segments.of(centre[order], self.n_atoms),
            neighbour=Segments.of(torch.cat([second, first])[order], self.n_atoms),
            pair=Segments.of(pair[order], len(first)),
            reversed=backward[order],
        )


@dataclass(frozen=True)
class DirectedEdges:
    """Every pair as two edges, sorted by centre.

    Attributes:
        centre: the receiving atom of every edge.
        neighbour: the sending atom of every edge.
        pair: the undirected pair of every edge; its vector times -1 where `reversed` is the edge's.
        reversed: [n_edges], bool: the edge's centre is the pair's second atom.
    """

    centre: Segments
    neighbour: Segments
    pair: Segments
    reversed: Tensor


def distances_of(vectors: Tensor) -> Tensor:
    """Lengths of vectors: [n_pairs, 3] -> [n_pairs]."""
    return vectors.square().sum(-1).sqrt()
