from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from chemscale.forcefields.batches import atom_bounded, collate, equal_atoms

Make = Callable[..., Any]


def test_a_batch_holds_its_frames_in_the_order_asked_for(molecules: Any, make_frames: Make, make_pairs: Make) -> None:
    frames, pairs = make_frames(molecules), make_pairs(molecules, 3.0)
    batch = collate(frames, pairs, np.array([2, 0, 1]))
    expected = [number for i in (2, 0, 1) for number in molecules[i][0]]
    assert batch.graph.atomic_numbers.tolist() == expected
    positions = np.concatenate([molecules[i][1] for i in (2, 0, 1)])
    np.testing.assert_allclose(batch.positions.numpy(), positions, rtol=1e-6)
    assert batch.graph.frames.offsets.tolist() == [0, 7, 12, 13]
    assert batch.n_examples == 3 and batch.n_labels == 39


def test_pairs_are_all_pairs_within_the_cutoff_and_never_across_frames(
    molecules: Any, make_frames: Make, make_pairs: Make
) -> None:
    frames, pairs = make_frames(molecules), make_pairs(molecules, 2.5)
    graph = (batch := collate(frames, pairs, np.arange(4))).graph
    distances = torch.cdist(batch.positions, batch.positions)
    same = graph.frames.index[:, None] == graph.frames.index
    wanted = torch.nonzero(torch.triu(same & (distances < 2.5), 1)).tolist()
    found = torch.stack([graph.first.index, graph.second.index], 1).tolist()
    assert sorted(found) == wanted
    for segments in (graph.first, graph.second, graph.frames):
        for row in range(len(segments.offsets) - 1):
            members = segments.order[segments.offsets[row] : segments.offsets[row + 1]]
            assert (segments.index[members] == row).all()
        assert sorted(segments.order.tolist()) == list(range(len(segments.index)))


def test_unknown_force_components_are_no_labels(molecules: Any, make_frames: Make, make_pairs: Make) -> None:
    forces = [np.zeros((len(numbers), 3)) for numbers, _ in molecules]
    forces[0][2] = np.nan
    batch = collate(make_frames(molecules, forces=forces), make_pairs(molecules, 3.0), np.arange(4))
    assert batch.n_labels == 48 - 3


def test_micro_batches_are_the_batch(molecules: Any, make_frames: Make, make_pairs: Make) -> None:
    batch = collate(make_frames(molecules), make_pairs(molecules, 3.0), np.array([3, 1, 0, 2]))
    parts = list(batch.split(3))
    assert [part.n_examples for part in parts] == [2, 1, 1]
    torch.testing.assert_close(torch.cat([part.positions for part in parts]), batch.positions)
    assert sum(part.n_labels for part in parts) == batch.n_labels
    assert len(list(batch.split(9))) == 4


@pytest.mark.parametrize("n_batches", [1, 2, 5, 40])
def test_batches_by_atoms_have_about_as_many_atoms_and_lose_no_frame(n_batches: int) -> None:
    n_atoms = np.random.default_rng(0).integers(3, 30, 40)
    batches = equal_atoms(np.arange(40), n_atoms, n_batches)
    assert np.concatenate(batches).tolist() == list(range(40))
    assert len(batches) == n_batches and all(len(batch) for batch in batches)
    if n_batches <= 5:
        totals = [n_atoms[batch].sum() for batch in batches]
        assert max(totals) - min(totals) <= 2 * 30


def test_evaluation_batches_are_bounded_in_atoms_and_hold_every_frame_once() -> None:
    n_atoms = np.random.default_rng(1).integers(3, 30, 50)
    n_atoms[7] = 500
    batches = atom_bounded(np.arange(50), n_atoms, largest=100)
    assert sorted(np.concatenate(batches).tolist()) == list(range(50))
    assert all(n_atoms[batch].sum() <= 100 or len(batch) == 1 for batch in batches)
    assert atom_bounded(np.arange(0), n_atoms[:0]) == []
