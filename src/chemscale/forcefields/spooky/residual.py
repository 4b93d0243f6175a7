"""Residual perceptrons with a learned activation, several of one shape side by side as one batch of products.

    swish(x)       = alpha x sigmoid(beta x), alpha and beta learned for every feature      (Unke et al. 2021)
    residual(x)    = x + W_2 swish(W_1 swish(x) + b_1) + b_2                                (Eq. 7)
    perceptron(x)  = W swish(residual(x)) + b                                               (Eq. 8)

All tensors have the stack in front: [stack, n_rows, width]. Seven perceptrons of an interaction read the same atoms,
and are one stack of seven; what stands alone is a stack of one. `native` chooses the activation in C++.
"""

import torch
from torch import Tensor, nn

from chemscale.forcefields.native.swish import native_swish

ALPHA, BETA = 1.0, 1.702


class Swish(nn.Module):
    """alpha x sigmoid(beta x) with alpha and beta for every feature."""

    def __init__(self, stack: int, width: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.full((stack, width), ALPHA))
        self.beta = nn.Parameter(torch.full((stack, width), BETA))

    def forward(self, x: Tensor, native: bool) -> Tensor:
        """[stack or 1, n_rows, width] -> [stack, n_rows, width]."""
        if native:
            return native_swish(x, self.alpha, self.beta)
        return self.alpha.unsqueeze(1) * x * torch.sigmoid(self.beta.unsqueeze(1) * x)


class StackedLinear(nn.Module):
    """A linear layer for every member of the stack.

    Args:
        stack: layers side by side.
        width: features in and out.
        bias: whether there is one; it starts at zero.
        zero: the members whose weights start at zero; the others' start orthogonal.
    """

    def __init__(self, stack: int, width: int, bias: bool = True, zero: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(stack, width, width))
        self.bias = nn.Parameter(torch.zeros(stack, width)) if bias else None
        for member in range(stack):
            if member not in zero:
                nn.init.orthogonal_(self.weight.data[member])

    def forward(self, x: Tensor) -> Tensor:
        """[stack, n_rows, width] -> [stack, n_rows, width]."""
        if self.bias is None:
            return torch.bmm(x, self.weight.transpose(1, 2))
        return torch.baddbmm(self.bias.unsqueeze(1), x, self.weight.transpose(1, 2))


class Residual(nn.Module):
    """x + W_2 swish(W_1 swish(x) + b_1) + b_2; W_2 starts at zero."""

    def __init__(self, stack: int, width: int, bias: bool = True) -> None:
        super().__init__()
        self.swish_1, self.swish_2 = Swish(stack, width), Swish(stack, width)
        self.linear_1 = StackedLinear(stack, width, bias)
        self.linear_2 = StackedLinear(stack, width, bias, zero=tuple(range(stack)))

    def forward(self, x: Tensor, native: bool) -> Tensor:
        """[stack or 1, n_rows, width] -> [stack, n_rows, width]."""
        change: Tensor = self.linear_2(self.swish_2(self.linear_1(self.swish_1(x, native)), native))
        return x + change


class ResidualPerceptron(nn.Module):
    """W swish(residual(x)) + b; the W of the members named in `zero` start at zero."""

    def __init__(self, stack: int, width: int, bias: bool = True, zero: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.residual = Residual(stack, width, bias)
        self.swish = Swish(stack, width)
        self.linear = StackedLinear(stack, width, bias, zero)

    def forward(self, x: Tensor, native: bool) -> Tensor:
        """[stack or 1, n_rows, width] -> [stack, n_rows, width]."""
        out: Tensor = self.linear(self.swish(self.residual(x, native), native))
        return out
