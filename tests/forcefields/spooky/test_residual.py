"""Perceptrons by their formulas, and stacks as their members one by one."""

import torch

from chemscale.forcefields.spooky.residual import Residual, ResidualPerceptron, StackedLinear, Swish


def test_swish_starts_as_x_times_the_logistic_of_1_702_x() -> None:
    x = torch.linspace(-4, 4, 12).reshape(1, 3, 4)
    torch.testing.assert_close(Swish(1, 4)(x, False), x / (1 + torch.exp(-1.702 * x)))


def test_a_residual_starts_as_the_identity() -> None:
    x = torch.randn(1, 5, 4)
    assert torch.equal(Residual(1, 4)(x, False), x)
    assert torch.equal(Residual(3, 4)(x, False), x.expand(3, 5, 4))


def test_weights_start_orthogonal_but_where_zero_is_asked_for() -> None:
    layer = StackedLinear(3, 6, zero=(1,))
    for member in (0, 2):
        torch.testing.assert_close(layer.weight[member] @ layer.weight[member].T, torch.eye(6), rtol=0, atol=1e-5)
    assert not layer.weight[1].any()
    assert layer.bias is not None and not layer.bias.any()


def test_a_stack_is_its_members() -> None:
    together = ResidualPerceptron(3, 4).double()
    for weights in together.parameters():
        weights.data = torch.randn_like(weights)
    x = torch.randn(1, 5, 4, dtype=torch.float64)
    for member in range(3):
        alone = ResidualPerceptron(1, 4).double()
        alone.load_state_dict({name: tensor[member : member + 1] for name, tensor in together.state_dict().items()})
        torch.testing.assert_close(together(x, False)[member], alone(x, False)[0], rtol=0, atol=1e-12)


def test_without_bias_zero_stays_zero() -> None:
    perceptron = ResidualPerceptron(1, 4, bias=False)
    for weights in perceptron.parameters():
        weights.data = torch.randn_like(weights)
    assert not perceptron(torch.zeros(1, 3, 4), False).any()
