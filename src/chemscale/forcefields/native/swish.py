"""Swish with learned constants in C++ as a differentiable torch operator."""

import ctypes
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from chemscale.forcefields.last_derivative import last_derivative
from chemscale.forcefields.native.library import addresses, operator, threads_for


def native_swish(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """alpha x sigmoid(beta x), one alpha and beta for every member of a stack and feature.

    It may be differentiated, and its gradient in x once more.

    Args:
        x: [stack or 1, n_rows, width], float32 or float64 on the CPU.
        alpha: [stack, width].
        beta: [stack, width].

    Returns:
        [stack, n_rows, width].
    """
    return _swish(x, alpha, beta)


class _Shape(ctypes.Structure):
    """As `swish.cpp` lays it out."""

    _fields_ = [(name, ctypes.c_int64) for name in ("stack", "rows", "width", "shared", "n_threads")]


# Without `setup_context`, with which torch looks up the function's signature at every call (some 30 us).


class _Swish(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
        ctx.save_for_backward(x, alpha, beta)
        x = x.contiguous()
        out = x.new_empty(alpha.shape[0], *x.shape[1:])
        _call("swish", x, alpha, beta, out)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _swish_gradient(*ctx.saved_tensors, gradient)


class _SwishGradient(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: Tensor, beta: Tensor, gradient: Tensor) -> Any:
        ctx.save_for_backward(x, alpha, beta, gradient)
        ctx.set_materialize_grads(False)
        x, gradient = x.contiguous(), gradient.contiguous()
        outputs = torch.empty_like(x), torch.empty_like(alpha), torch.empty_like(beta)
        _call("swish_backward", x, alpha, beta, gradient, *outputs)
        return outputs

    @staticmethod
    @last_derivative
    def backward(ctx: Any, of_x: Tensor | None, of_alpha: Tensor | None, of_beta: Tensor | None) -> Any:
        inputs = ctx.saved_tensors
        if of_alpha is not None or of_beta is not None:  # nothing in training a force field asks for it
            return _slowly(inputs, (of_x, of_alpha, of_beta))
        if of_x is None:
            return None, None, None, None
        x, alpha, beta, gradient = (tensor.contiguous() for tensor in inputs)
        outputs = [torch.empty_like(tensor) for tensor in (x, alpha, beta, gradient)]
        _call("swish_twice_backward", x, alpha, beta, gradient, of_x.contiguous(), *outputs)
        return tuple(outputs)


def _slowly(inputs: tuple[Tensor, ...], cotangents: tuple[Tensor | None, ...]) -> tuple[Tensor, ...]:
    """The derivatives of the gradients by torch itself."""
    with torch.enable_grad():
        x, alpha, beta, gradient = leaves = [tensor.detach().requires_grad_() for tensor in inputs]
        y = alpha.unsqueeze(1) * x * torch.sigmoid(beta.unsqueeze(1) * x)
        gradients = torch.autograd.grad(y, leaves[:3], gradient, create_graph=True)
        pairs = [(out, given) for out, given in zip(gradients, cotangents, strict=True) if given is not None]
        outputs, given = zip(*pairs, strict=True)
        return torch.autograd.grad(outputs, leaves, given, materialize_grads=True)


_swish: Callable[..., Tensor] = _Swish.apply
_swish_gradient: Callable[..., Any] = _SwishGradient.apply


def _call(name: str, *tensors: Tensor) -> None:
    x, alpha = tensors[:2]
    work = threads_for(x).value
    shape = _Shape(alpha.shape[0], x.shape[1], x.shape[2], int(x.shape[0] < alpha.shape[0]), work)
    operator("swish.cpp", name, x.dtype)(ctypes.byref(shape), *addresses(*tensors))
