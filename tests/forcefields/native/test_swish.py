"""Swish in C++ beside torch's own, to its second derivatives."""

import pytest
import torch
from torch import Tensor

from chemscale.base.errors import UserError
from chemscale.forcefields.native.library import native_available
from chemscale.forcefields.native.swish import native_swish

pytestmark = pytest.mark.skipif(not native_available(), reason="no C++ compiler")
SHAPES = [(1, 1, 5, 3), (3, 1, 70, 4), (3, 3, 7, 20)]  # stack, members of x, rows (more than a block of 64), width


def inputs(stack: int, members: int, rows: int, width: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    torch.manual_seed(0)
    x = 2 * torch.randn(members, rows, width, dtype=dtype)
    return [part.requires_grad_() for part in (x, *torch.randn(2, stack, width, dtype=dtype))]


def plain(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    return alpha.unsqueeze(1) * x * torch.sigmoid(beta.unsqueeze(1) * x)


def force_gradients(function: object, parts: list[Tensor]) -> list[Tensor]:
    """Value, slope, and the derivatives of the slope: what training on forces asks for."""
    assert callable(function)
    y = function(*parts)
    (slope,) = torch.autograd.grad(y.square().sum(), parts[0], create_graph=True)
    return [y, slope, *torch.autograd.grad(slope.sin().sum(), parts)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-4)])
def test_values_and_derivatives_are_torchs(
    shape: tuple[int, int, int, int], dtype: torch.dtype, tolerance: float
) -> None:
    ours, expected = (force_gradients(function, inputs(*shape, dtype)) for function in (native_swish, plain))
    for own, other in zip(ours, expected, strict=True):
        torch.testing.assert_close(own, other, rtol=tolerance, atol=tolerance)


def test_derivatives_by_finite_differences_in_every_argument() -> None:
    parts = inputs(2, 1, 3, 2)
    assert torch.autograd.gradcheck(native_swish, parts)
    assert torch.autograd.gradgradcheck(native_swish, parts)


def test_large_arguments_neither_overflow_nor_become_nan() -> None:
    x = torch.tensor([[[-1e4, -200.0, -90.0, 0.0, 90.0, 200.0, 1e4, 1.0]]])
    one = torch.ones(1, 8)
    torch.testing.assert_close(native_swish(x, one, one), plain(x, one, one), rtol=1e-6, atol=1e-30)


def test_threads_do_not_change_a_bit() -> None:
    results = []
    threads = torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            results.append(force_gradients(native_swish, inputs(3, 1, 3000, 40, torch.float32)))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


@pytest.mark.parametrize("variable", [0, 1, 2])
def test_a_third_derivative_is_refused(variable: int) -> None:
    parts = inputs(2, 1, 3, 2)
    (first,) = torch.autograd.grad(native_swish(*parts).square().sum(), parts[0], create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), parts[0], create_graph=True)
    with pytest.raises(UserError, match="differentiated three times"):
        torch.autograd.grad(second.sum(), parts[variable])
