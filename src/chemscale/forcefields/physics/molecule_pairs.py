"""All pairs of atoms of the same molecule, at any distance: what long-range energies sum over."""

from typing import NamedTuple

import torch
from torch import Tensor

from chemscale.base.errors import DataError
from chemscale.forcefields.graph import AtomGraph, distances_of
from chemscale.forcefields.segments import Segments


class MoleculePairs(NamedTuple):
    """Every pair of a molecule once, first < second.

    Attributes:
        first: the pairs' first atoms; pairs are sorted by them.
        second: the pairs' second atoms.
    """

    first: Segments
    second: Segments

    def distances(self, positions: Tensor) -> Tensor:
        """In angstrom [n_pairs]."""
        return distances_of(self.second.gather(positions) - self.first.gather(positions))


def molecule_pairs(graph: AtomGraph) -> MoleculePairs:
    """All pairs of every frame.

    Raises:
        DataError: a frame is periodic; the sum over images would not end at a pair.
    """
    if graph.shifts is not None:
        raise DataError(
            "a frame has a periodic cell, and long-range electrostatics and dispersion are for molecules here; "
            "set electrostatics = false and dispersion = false"
        )
    atoms = torch.arange(graph.n_atoms, device=graph.atomic_numbers.device)
    start = graph.frames.offsets[graph.frames.index]
    end = graph.frames.offsets[graph.frames.index + 1]
    later = end - atoms - 1
    pair_starts = torch.cat([later.new_zeros(1), later.cumsum(0)])
    # one structure alone: a size that torch's tracing can follow, and no wait for a device
    n_pairs = graph.n_atoms * (graph.n_atoms - 1) // 2 if graph.n_frames == 1 else int(later.sum())
    first = torch.repeat_interleave(atoms, later, output_size=n_pairs)
    pairs = torch.arange(n_pairs, device=first.device)
    second = pairs - pair_starts[first] + first + 1
    # Of atom b the earlier partners are a = start .. b - 1, in the pairs pair_starts[a] + b - a - 1.
    earlier = atoms - start
    earlier_starts = torch.cat([earlier.new_zeros(1), earlier.cumsum(0)])
    b = torch.repeat_interleave(atoms, earlier, output_size=n_pairs)
    a = pairs - earlier_starts[b] + start[b]
    return MoleculePairs(
        Segments(first, pairs, pair_starts), Segments(second, pair_starts[a] + b - a - 1, earlier_starts)
    )
