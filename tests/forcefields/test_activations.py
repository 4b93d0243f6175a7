import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from chemscale.forcefields.activations import shifted_softplus, silu
from chemscale.forcefields.native.library import native_available

BACKENDS = ["torch", pytest.param("native", marks=pytest.mark.skipif(not native_available(), reason="no C++ compiler"))]
PLAIN: dict[Callable[[Tensor, str], Tensor], Callable[[Tensor], Tensor]] = {
    shifted_softplus: lambda z: functional.softplus(z, threshold=1e6) - math.log(2.0),
    silu: lambda z: z * torch.sigmoid(z),
}


def all_derivatives(function: Callable[[Tensor], Tensor], z: Tensor) -> list[Tensor]:
    """Value, slope, and the derivatives of a function of the slope in z and in the weights of the slope."""
    z = z.clone().requires_grad_()
    weights = torch.linspace(-1, 2, z.numel(), dtype=z.dtype).reshape(z.shape).requires_grad_()
    value = function(z)
    (slope,) = torch.autograd.grad((value * weights).sum(), z, create_graph=True)
    return [value, slope, *torch.autograd.grad(slope.square().sum(), (z, weights))]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("activation", PLAIN)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 2e-6)])
@pytest.mark.parametrize("shape", [(1,), (7, 5), (40, 16)])
def test_values_and_both_derivatives_are_torchs(
    activation: Callable[[Tensor, str], Tensor],
    backend: str,
    dtype: torch.dtype,
    tolerance: float,
    shape: tuple[int, ...],
) -> None:
    z = torch.linspace(-12, 12, math.prod(shape), dtype=torch.float64).reshape(shape)
    expected = all_derivatives(PLAIN[activation], z)
    for own, exact in zip(all_derivatives(lambda x: activation(x, backend), z.to(dtype)), expected, strict=True):
        assert own.dtype == dtype
        torch.testing.assert_close(own.double(), exact, rtol=4 * tolerance, atol=4 * tolerance)


@pytest.mark.parametrize("backend", BACKENDS)
def test_far_from_zero(backend: str) -> None:
    ends = torch.tensor([-1e30, -200.0, 200.0, 1e30, float("nan")])
    ends = ends.repeat(8)  # whole vectors and a rest
    assert shifted_softplus(ends, backend)[:4].tolist() == pytest.approx(
        [-math.log(2), -math.log(2), 200 - math.log(2), 1e30]
    )
    assert silu(ends, backend)[1:4].tolist() == pytest.approx([0.0, 200.0, 1e30], abs=1e-6, rel=1e-6)
    assert shifted_softplus(ends, backend)[4::5].isnan().all() and silu(ends, backend)[4::5].isnan().all()
    assert shifted_softplus(torch.zeros(3), backend).abs().max() < 1e-7


@pytest.mark.parametrize("backend", BACKENDS)
def test_numbers_need_not_lie_in_order(backend: str) -> None:
    z = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(silu(z.t(), backend), functional.silu(z).t())
    torch.testing.assert_close(silu(z[:, 1:3], backend), functional.silu(z[:, 1:3]))
    assert silu(z[:0], backend).shape == (0, 5)
