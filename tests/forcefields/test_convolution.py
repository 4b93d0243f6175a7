"""The hand-written derivatives of SchNet's convolution beside autograd's, on both backends."""

import pytest
import torch
from torch import Tensor

from chemscale.forcefields.convolution import convolution
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.native import library
from chemscale.forcefields.native.library import native_available
from chemscale.forcefields.pairs import graph_of
from chemscale.forcefields.structure_batches import joined

BACKENDS = ["torch", pytest.param("native", marks=pytest.mark.skipif(not native_available(), reason="no C++ compiler"))]
WIDTHS = [1, 6, 16, 64, 80]  # one lane, two lanes, one vector, four vectors, five


@pytest.fixture
def graph() -> AtomGraph:
    places = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)).double().numpy() * 1.5
    return joined(
        [graph_of([6] * 7, places[:7], 3.0), graph_of([8], places[7:8], 3.0), graph_of([6] * 4, places[8:], 3.0)]
    )


def inputs(graph: AtomGraph, width: int, envelope: bool, dtype: torch.dtype = torch.float64) -> list[Tensor | None]:
    generator = torch.Generator().manual_seed(1)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()

    return [random(graph.n_pairs, width), random(graph.n_atoms, width), random(graph.n_pairs) if envelope else None]


def plain(graph: AtomGraph, filters: Tensor, features: Tensor, envelope: Tensor | None) -> Tensor:
    weights = filters if envelope is None else filters * envelope[:, None]
    first, second = graph.first.index, graph.second.index
    sums = torch.zeros_like(features)
    return sums.index_add(0, first, weights * features[second]).index_add(0, second, weights * features[first])


def derivatives(sums: Tensor, tensors: list[Tensor | None]) -> list[Tensor]:
    """The sums, all first derivatives of a function of them, and all derivatives of a function of those."""
    leaves = [tensor for tensor in tensors if tensor is not None]
    first = torch.autograd.grad(sums.sin().sum(), leaves, create_graph=True)
    second = torch.autograd.grad(sum((each * each.detach().cos()).sum() for each in first), leaves)
    return [sums, *first, *second]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("envelope", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
def test_values_and_derivatives_are_autograds(graph: AtomGraph, width: int, envelope: bool, backend: str) -> None:
    tensors = inputs(graph, width, envelope)
    filters, features, ends = tensors
    assert filters is not None and features is not None
    own = derivatives(convolution(graph, filters, features, ends, backend), tensors)
    expected = derivatives(plain(graph, filters, features, ends), tensors)
    for one, other in zip(own, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("backend", BACKENDS)
def test_derivatives_of_some_inputs_only(graph: AtomGraph, backend: str) -> None:
    """In the first layer nothing but the filters depends on positions."""
    filters, features, envelope = inputs(graph, 6, True)
    assert filters is not None and features is not None and envelope is not None

    def second(sums: Tensor) -> tuple[Tensor, ...]:
        (slope,) = torch.autograd.grad(sums.sin().sum(), filters, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), (filters, features, envelope))

    own = second(convolution(graph, filters, features, envelope, backend))
    expected = second(plain(graph, filters, features, envelope))
    for one, other in zip(own, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("backend", BACKENDS)
def test_numbers_need_not_lie_in_order(graph: AtomGraph, backend: str) -> None:
    filters = torch.randn(6, graph.n_pairs, dtype=torch.float64).t()
    wide = torch.randn(graph.n_atoms, 12, dtype=torch.float64)
    envelope = torch.randn(graph.n_pairs, 2, dtype=torch.float64)[:, 0]
    own = convolution(graph, filters, wide[:, 3:9], envelope, backend)
    torch.testing.assert_close(own, plain(graph, filters, wide[:, 3:9], envelope))


@pytest.mark.skipif(not native_available(), reason="no C++ compiler")
def test_the_same_bytes_for_any_number_of_threads(graph: AtomGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "NUMBERS_PER_THREAD", 1)
    tensors = inputs(graph, 64, True, torch.float32)
    filters, features, envelope = tensors
    assert filters is not None and features is not None
    before, runs = torch.get_num_threads(), []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        runs.append(derivatives(convolution(graph, filters, features, envelope, "native"), tensors))
    torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*runs, strict=True))
