import pytest
import torch

from chemscale.base.errors import UserError
from chemscale.forcefields.activations import silu


def test_two_derivatives_are_given_and_a_third_is_refused() -> None:
    z = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(silu(z, "torch"), z, create_graph=True)
    (second,) = torch.autograd.grad(first, z, create_graph=True)
    at = z.detach()
    s = torch.sigmoid(at)
    assert float(second.detach()) == pytest.approx(float(s * (1 - s) * (2 + at * (1 - 2 * s))))
    with pytest.raises(UserError, match=r"three times.*torch\.func"):
        torch.autograd.grad(second, z)


def test_without_a_graph_nothing_is_added() -> None:
    z = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(silu(z, "torch"), z, create_graph=True)
    (second,) = torch.autograd.grad(first, z)
    assert not second.requires_grad


def test_torch_func_takes_any_derivative() -> None:
    third = torch.func.grad(torch.func.grad(torch.func.grad(lambda z: silu(z, "torch"))))
    step, z = 1e-4, torch.tensor(0.3, dtype=torch.float64)
    second = torch.func.grad(torch.func.grad(lambda z: silu(z, "torch")))
    assert float(third(z)) == pytest.approx(float(second(z + step) - second(z - step)) / (2 * step), rel=1e-6)
