"""The hand-written derivatives of PaiNN's messages beside autograd's, on both backends."""

import pytest
import torch
from torch import Tensor

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.messages import messages
from chemscale.forcefields.native import library
from chemscale.forcefields.native.library import native_available
from chemscale.forcefields.pairs import graph_of
from chemscale.forcefields.structure_batches import joined

BACKENDS = ["torch", pytest.param("native", marks=pytest.mark.skipif(not native_available(), reason="no C++ compiler"))]
WIDTHS = [1, 6, 16, 64]  # one lane, two lanes, one vector, four vectors


@pytest.fixture
def graph() -> AtomGraph:
    places = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)).double().numpy() * 1.5
    return joined(
        [graph_of([6] * 7, places[:7], 3.0), graph_of([8], places[7:8], 3.0), graph_of([6] * 4, places[8:], 3.0)]
    )


def inputs(graph: AtomGraph, width: int, vectors: bool, dtype: torch.dtype = torch.float64) -> list[Tensor | None]:
    generator, rows = torch.Generator().manual_seed(1), 3 if vectors else 2

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()

    v = random(3, graph.n_atoms, width) if vectors else None
    return [random(graph.n_pairs, rows * width), random(graph.n_atoms, rows * width), v, random(graph.n_pairs, 3)]


def plain(
    graph: AtomGraph, filters: Tensor, sent: Tensor, vectors: Tensor | None, units: Tensor
) -> tuple[Tensor, Tensor]:
    """Edge by edge as the paper writes it."""
    width = sent.shape[1] // (2 if vectors is None else 3)
    centre = torch.cat([graph.first.index, graph.second.index])
    neighbour = torch.cat([graph.second.index, graph.first.index])
    edges, products = torch.cat([units, -units]), filters.repeat(2, 1) * sent[neighbour]
    moved = edges.t().unsqueeze(-1) * products[:, width : 2 * width]
    if vectors is not None:
        moved = moved + products[:, 2 * width :] * vectors[:, neighbour]
    scalars = sent.new_zeros(graph.n_atoms, width).index_add(0, centre, products[:, :width])
    return scalars, sent.new_zeros(3, graph.n_atoms, width).index_add(1, centre, moved)


def derivatives(sums: tuple[Tensor, Tensor], tensors: list[Tensor | None]) -> list[Tensor]:
    """The sums, all first derivatives of a function of them, and all derivatives of a function of those."""
    leaves = [tensor for tensor in tensors if tensor is not None]
    total = sums[0].sin().sum() + (sums[1] * 0.7).cos().sum()
    first = torch.autograd.grad(total, leaves, create_graph=True)
    second = torch.autograd.grad(sum((each * each.detach().cos()).sum() for each in first), leaves)
    return [*sums, *first, *second]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("vectors", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
def test_values_and_derivatives_are_autograds(graph: AtomGraph, width: int, vectors: bool, backend: str) -> None:
    tensors = inputs(graph, width, vectors)
    own = derivatives(messages(graph, *tensors, backend), tensors)  # type: ignore[arg-type]
    expected = derivatives(plain(graph, *tensors), tensors)  # type: ignore[arg-type]
    for one, other in zip(own, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("vectors", [True, False])
def test_derivatives_of_some_inputs_only(graph: AtomGraph, vectors: bool, backend: str) -> None:
    """In the first layer only filters and directions depend on positions."""
    tensors = inputs(graph, 6, vectors)
    leaves = [tensor for tensor in tensors if tensor is not None]

    def second(sums: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
        slopes = torch.autograd.grad(sums[0].sin().sum() + sums[1].sin().sum(), leaves[0], create_graph=True)
        return torch.autograd.grad(slopes[0].square().sum(), leaves)

    own = second(messages(graph, *tensors, backend))  # type: ignore[arg-type]
    expected = second(plain(graph, *tensors))  # type: ignore[arg-type]
    for one, other in zip(own, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.skipif(not native_available(), reason="no C++ compiler")
def test_the_same_bytes_for_any_number_of_threads(graph: AtomGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "NUMBERS_PER_THREAD", 1)
    tensors = inputs(graph, 64, True, torch.float32)
    before, runs = torch.get_num_threads(), []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        runs.append(derivatives(messages(graph, *tensors, "native"), tensors))  # type: ignore[arg-type]
    torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*runs, strict=True))
