"""All pairs of each molecule, once."""

from itertools import combinations

import torch

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.physics.molecule_pairs import molecule_pairs
from chemscale.forcefields.segments import Segments


def test_pairs_are_all_combinations_within_a_frame() -> None:
    counts = (3, 1, 4, 2)
    frame = torch.repeat_interleave(torch.arange(4), torch.tensor(counts))
    none = Segments.of(torch.zeros(0, dtype=torch.int64), 10)
    graph = AtomGraph(frame, Segments.of(frame, 4), none, none, None, torch.zeros(4), torch.zeros(4))
    pairs = molecule_pairs(graph)
    starts = [0, 3, 4, 8]
    expected = [
        pair for start, n in zip(starts, counts, strict=True) for pair in combinations(range(start, start + n), 2)
    ]
    assert list(zip(pairs.first.index.tolist(), pairs.second.index.tolist(), strict=True)) == expected
    for end in (pairs.first, pairs.second):
        again = Segments.of(end.index, 10)
        assert torch.equal(end.order, again.order) and torch.equal(end.offsets, again.offsets)


def test_distances_are_those_of_the_positions() -> None:
    frame = torch.zeros(3, dtype=torch.int64)
    none = Segments.of(frame[:0], 3)
    graph = AtomGraph(frame, Segments.of(frame, 1), none, none, None, torch.zeros(1), torch.zeros(1))
    positions = torch.tensor([[0.0, 0, 0], [3.0, 0, 0], [0, 4.0, 0]])
    assert molecule_pairs(graph).distances(positions).tolist() == [3.0, 4.0, 5.0]
