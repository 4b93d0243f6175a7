"""The sums in C++ beside torch's own, to their second derivatives."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from chemscale.base.errors import UserError
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.native.directional_sums import native_directional_sums
from chemscale.forcefields.native.library import native_available
from chemscale.forcefields.segments import Segments
from chemscale.forcefields.spooky.directional_sums import directional_sums

pytestmark = pytest.mark.skipif(not native_available(), reason="no C++ compiler")


def complete_molecules(n_molecules: int, n_atoms: int) -> AtomGraph:
    """Molecules in which every atom is near every other."""
    one = torch.combinations(torch.arange(n_atoms))
    pairs = torch.cat([one + k * n_atoms for k in range(n_molecules)])
    total = n_molecules * n_atoms
    frames = Segments.of(torch.arange(n_molecules).repeat_interleave(n_atoms), n_molecules)
    first, second = (Segments.of(end.contiguous(), total) for end in pairs.T)
    zeros = torch.zeros(n_molecules)
    return AtomGraph(torch.ones(total, dtype=torch.int64), frames, first, second, None, zeros, zeros)


def inputs(graph: AtomGraph, width: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    torch.manual_seed(0)
    angles = torch.randn(graph.n_pairs, 9, dtype=dtype)
    angles[:, 0] = 1.0  # as `harmonics` has it
    parts = torch.randn(graph.n_pairs, 3, width, dtype=dtype), angles, torch.randn(3, graph.n_atoms, width, dtype=dtype)
    return [part.requires_grad_() for part in parts]


def force_gradients(sums: Callable[..., Tensor], parts: list[Tensor]) -> list[Tensor]:
    """Value, slopes, and the derivatives of the slopes; the angles' first component is a constant."""
    value = sums(*parts)
    slopes = torch.autograd.grad(value.square().sum(), parts, create_graph=True)
    slopes = (slopes[0], slopes[1][:, 1:], slopes[2])
    gradients = torch.autograd.grad(sum(slope.square().sum() for slope in slopes), parts)
    return [value, *slopes, gradients[0], gradients[1][:, 1:], gradients[2]]


@pytest.mark.parametrize("width", [3, 16, 20])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_values_and_derivatives_are_torchs(width: int, dtype: torch.dtype, tolerance: float) -> None:
    graph = complete_molecules(3, 5)
    native = force_gradients(lambda *parts: native_directional_sums(graph, *parts), inputs(graph, width, dtype))
    plain = force_gradients(lambda *parts: directional_sums(graph, *parts, False), inputs(graph, width, dtype))
    for own, other in zip(native, plain, strict=True):
        torch.testing.assert_close(own, other, rtol=tolerance, atol=tolerance * other.abs().max().item())


def test_derivatives_by_finite_differences_in_every_argument() -> None:
    graph = complete_molecules(2, 3)
    parts = inputs(graph, 2)
    assert torch.autograd.gradcheck(lambda *given: native_directional_sums(graph, *given), parts)
    assert torch.autograd.gradgradcheck(lambda *given: native_directional_sums(graph, *given), parts)


def test_threads_do_not_change_a_bit() -> None:
    graph = complete_molecules(20, 20)
    results = []
    threads = torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            parts = inputs(graph, 64, torch.float32)
            results.append(force_gradients(lambda *given: native_directional_sums(graph, *given), parts))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


@pytest.mark.parametrize("variable", [0, 1, 2])
def test_a_third_derivative_is_refused(variable: int) -> None:
    graph = complete_molecules(2, 3)
    parts = inputs(graph, 2)
    value = native_directional_sums(graph, *parts).square().sum()
    first = torch.autograd.grad(value, parts, create_graph=True)
    second = torch.autograd.grad(sum(slope.sum() for slope in first), parts, create_graph=True)
    with pytest.raises(UserError, match="differentiated three times"):
        torch.autograd.grad(second[variable].sum(), parts)
