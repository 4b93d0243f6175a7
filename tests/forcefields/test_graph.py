import numpy as np
import pytest
import torch

from chemscale.forcefields.graph import AtomGraph, distances_of
from chemscale.forcefields.pairs import graph_of
from chemscale.forcefields.segments import Segments

POSITIONS = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [9.0, 9.0, 9.0]])


@pytest.fixture
def graph() -> AtomGraph:
    return graph_of([8, 1, 1, 6], POSITIONS, 2.1)


def test_sizes_are_those_of_the_parts(graph: AtomGraph) -> None:
    assert (graph.n_atoms, graph.n_pairs, graph.n_frames) == (4, 2, 1)


def test_vectors_run_from_the_first_to_the_second_atom(graph: AtomGraph) -> None:
    vectors = graph.vectors(torch.from_numpy(POSITIONS))
    assert vectors.tolist() == [[1, 0, 0], [0, 2, 0]]
    assert distances_of(vectors).tolist() == [1, 2]


def test_shifts_are_added_to_the_second_atom(graph: AtomGraph) -> None:
    shifted = AtomGraph(
        **{name: getattr(graph, name) for name in ("atomic_numbers", "frames", "first", "second")},
        shifts=torch.tensor([[0.0, 0.0, 5.0], [0.0, 0.0, 0.0]]),
        charges=graph.charges,
        unpaired=graph.unpaired,
    )
    vectors = shifted.vectors(torch.from_numpy(POSITIONS))
    assert vectors.dtype == torch.float64 and vectors.tolist() == [[1, 0, 5], [0, 2, 0]]


def test_directed_edges_are_every_pair_twice_sorted_by_centre(graph: AtomGraph) -> None:
    edges = graph.directed
    assert edges.centre.index.tolist() == [0, 0, 1, 2]
    assert edges.neighbour.index.tolist() == [1, 2, 0, 0]
    assert edges.pair.index.tolist() == [0, 1, 0, 1]
    assert edges.reversed.tolist() == [False, False, True, True]
    ones = torch.ones(4)
    assert edges.centre.sum(ones).tolist() == [2, 1, 1, 0] and edges.pair.sum(ones).tolist() == [2, 2]


def test_the_gradient_of_a_distance_pulls_both_atoms(graph: AtomGraph) -> None:
    positions = torch.from_numpy(POSITIONS).requires_grad_()
    (gradient,) = torch.autograd.grad(distances_of(graph.vectors(positions))[0], positions)
    assert gradient.tolist() == [[-1, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_on_another_device_it_is_the_same_graph(graph: AtomGraph) -> None:
    moved = graph.to(torch.device("cpu"))
    assert torch.equal(moved.first.index, graph.first.index) and isinstance(moved.frames, Segments)
