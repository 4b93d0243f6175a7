"""A neighbour list that lasts gives the same pairs as a search at every step."""

import numpy as np
import numpy.typing as npt
import pytest

from chemscale.base.errors import DataError
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.verlet_list import VerletList

CUTOFF = 3.0


def pairs_by_hand(positions: npt.NDArray[np.float64]) -> set[tuple[int, int]]:
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    return {(i, j) for i in range(len(positions)) for j in range(i + 1, len(positions)) if distances[i, j] < CUTOFF}


def pairs_of(graph: AtomGraph) -> set[tuple[int, int]]:
    return set(zip(graph.first.index.tolist(), graph.second.index.tolist(), strict=True))


def check_segments(graph: AtomGraph) -> None:
    for segments in (graph.first, graph.second):
        for atom in range(graph.n_atoms):
            mine = segments.order[segments.offsets[atom] : segments.offsets[atom + 1]]
            assert (segments.index[mine] == atom).all()
        assert sorted(segments.order.tolist()) == list(range(graph.n_pairs))


@pytest.mark.parametrize("skin", [0.0, 0.3, 1.0])
def test_pairs_are_those_within_the_cutoff_at_every_step(skin: float) -> None:
    random = np.random.default_rng(0)
    numbers, positions = np.full(12, 6), random.uniform(0, 5, (12, 3))
    neighbours = VerletList(CUTOFF, skin)
    for _ in range(60):
        positions = positions + random.normal(0, 0.04, positions.shape)
        graph = neighbours.graph(numbers, positions)
        assert pairs_of(graph) == pairs_by_hand(positions)
        check_segments(graph)
    if skin == 0.0:
        assert neighbours.searches == 60
    else:
        assert 1 < neighbours.searches < 60


def test_atoms_that_do_not_move_far_are_not_searched_again() -> None:
    numbers, positions = np.array([1, 1]), np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    neighbours = VerletList(CUTOFF, 0.4)
    first = neighbours.graph(numbers, positions)
    moved = positions + np.array([[0.0], [0.1]])
    assert neighbours.graph(numbers, moved) is first
    assert neighbours.searches == 1
    neighbours.graph(numbers, positions + np.array([[0.0], [0.12]]))
    assert neighbours.searches == 2


def test_another_structure_is_searched_anew() -> None:
    positions = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    neighbours = VerletList(CUTOFF, 0.4)
    neighbours.graph(np.array([1, 1]), positions)
    assert neighbours.graph(np.array([1, 8]), positions).atomic_numbers.tolist() == [1, 8]
    assert neighbours.graph(np.array([1, 8]), positions, charge=1).charges.tolist() == [1.0]
    assert neighbours.graph(np.array([1]), positions[:1]).n_pairs == 0


def test_shifts_of_a_periodic_cell_are_exact_in_float64() -> None:
    cell = np.diag([4.1, 4.3, 4.7]) + np.array([[0, 0, 0], [0.3, 0, 0], [0, 0.2, 0]])
    graph = VerletList(CUTOFF, 0.2).graph(
        np.array([6, 8]), np.array([[0.1, 0.1, 0.1], [3.9, 4.0, 4.5]]), cell, (True, True, True)
    )
    assert graph.shifts is not None and graph.n_pairs > 0
    whole = graph.shifts.numpy() @ np.linalg.inv(cell)
    assert np.abs(whole - np.rint(whole)).max() < 1e-14


def test_two_atoms_at_the_same_place() -> None:
    positions = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 0.01, 0.0]])
    with pytest.raises(DataError, match=r"atoms 1 and 2 \(counted from 0\) are at the same place \(0.01 angstrom"):
        VerletList(CUTOFF, 0.3).graph(np.array([1, 1, 1]), positions)
