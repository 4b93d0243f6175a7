"""All pairs of atoms of the same molecule, at any distance: what long-range energies sum over."""

from typing import NamedTuple

import torch
from torch import Tensor

from chemscale.base.errors import DataError
from chemscale.forcefields.graph import AtomGraph, distances_of
from chemscale.forcefields.segments import Segments, is_traced


class MoleculePairs(NamedTuple):
    """Every pair of a molecule once, first < second.

    Where the operators are traced, and no shape may depend on values, pairs are all ordered ones of all atoms, and
    those of a molecule count half.

    Attributes:
        first: the pairs' first atoms; pairs are sorted by them.
        second: the pairs' second atoms.
        shares: how much of each pair counts, 1/2 or 0 [n_pairs]; None where all count once.
    """

    first: Segments
    second: Segments
    shares: Tensor | None = None

    def distances(self, positions: Tensor) -> Tensor:
        """In angstrom [n_pairs]; 1 for a pair that does not count."""
        vectors = self.second.gather(positions) - self.first.gather(positions)
        if self.shares is None:
            return distances_of(vectors)
        counts = self.shares.unsqueeze(-1) > 0
        return distances_of(torch.where(counts, vectors, torch.full_like(vectors, 3.0**-0.5)))

    def sum(self, values: Tensor) -> Tensor:
        """What belongs to pairs, given to both atoms: [n_pairs] -> [n_atoms]."""
        if self.shares is not None:
            values = values * self.shares.to(values.dtype)
        return self.first.sum(values) + self.second.sum(values)


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
    if is_traced():
        return _ordered_pairs(graph, atoms)
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


def _ordered_pairs(graph: AtomGraph, atoms: Tensor) -> MoleculePairs:
    n_atoms = graph.n_atoms
    pairs = torch.arange(n_atoms * (n_atoms - 1), device=atoms.device)
    first = pairs // (n_atoms - 1)
    second = pairs % (n_atoms - 1)
    second = second + (second >= first)
    shares = 0.5 * (graph.frames.index[first] == graph.frames.index[second])
    # traced sums read the index, and of the offsets only how many there are
    ends = torch.arange(n_atoms + 1, device=atoms.device)
    return MoleculePairs(Segments(first, first, ends), Segments(second, second, ends), shares)
