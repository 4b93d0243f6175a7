"""Weighted harmonics in C++ as a differentiable torch operator."""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from chemscale.forcefields.last_derivative import last_derivative
from chemscale.forcefields.native.library import addresses, operator, threads_for

SOURCE = str(Path(__file__).with_name("harmonics.cpp"))


class Shape(ctypes.Structure):
    """What `harmonics.cpp` knows of a sum."""

    _fields_ = [(name, ctypes.c_int64) for name in ("n_rows", "n_orders", "stride")] + [("offsets", ctypes.c_void_p)]


def native_harmonics(weights: Tensor, harmonics: Tensor, offsets: Tensor) -> Tensor:
    """sum over the edges e of row n of weights[e, l, u] Y[e, lm]; twice differentiable.

    Args:
        weights: [n_edges, l_max + 1, channels], float32 or float64 on the CPU; a row may be part of a longer one.
        harmonics: [n_edges, (l_max + 1)^2].
        offsets: row n has the edges offsets[n]:offsets[n + 1] [n_rows + 1], int64.

    Returns:
        [n_rows, (l_max + 1)^2, channels].
    """
    return _harmonics(weights, harmonics, offsets)


def _in_rows(weights: Tensor) -> Tensor:
    """The weights themselves where the numbers of an edge lie together, else a copy."""
    together = weights.stride()[1:] == (weights.shape[2], 1)
    return weights if together else weights.contiguous()


class _Harmonics(Function):
    @staticmethod
    def forward(weights: Tensor, harmonics: Tensor, offsets: Tensor) -> Tensor:
        weights, harmonics = _in_rows(weights), harmonics.contiguous()
        sums = weights.new_empty(offsets.shape[0] - 1, harmonics.shape[1], weights.shape[2])
        _call("harmonics", offsets, weights, harmonics, sums)
        return sums

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weights, harmonics, offsets = ctx.saved_tensors
        wanted = ctx.needs_input_grad[:2]
        return *_harmonics_gradient(weights, harmonics, gradient, offsets, wanted), None


class _HarmonicsGradient(Function):
    @staticmethod
    def forward(
        weights: Tensor, harmonics: Tensor, gradient: Tensor, offsets: Tensor, wanted: tuple[bool, bool]
    ) -> tuple[Tensor | None, ...]:
        inputs = _in_rows(weights), harmonics.contiguous(), gradient.contiguous()
        grad_weights = weights.new_empty(weights.shape) if wanted[0] else None
        grad_harmonics = torch.empty_like(inputs[1]) if wanted[1] else None
        _call("harmonics_backward", offsets, *inputs, grad_weights, grad_harmonics)
        return grad_weights, grad_harmonics

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs[:4])
        ctx.set_materialize_grads(False)

    @staticmethod
    @last_derivative
    def backward(ctx: Any, a: Tensor | None, b: Tensor | None) -> tuple[Tensor | None, ...]:
        weights, harmonics, gradient, offsets = ctx.saved_tensors
        if a is None and b is None:
            return None, None, None, None, None
        a, b = (None if tensor is None else tensor.contiguous() for tensor in (a, b))
        inputs = _in_rows(weights), harmonics.contiguous(), gradient.contiguous()
        to_weights = None if b is None else weights.new_empty(weights.shape)
        to_harmonics = torch.empty_like(inputs[1]) if a is not None and ctx.needs_input_grad[1] else None
        to_gradient = torch.empty_like(inputs[2])
        _call("harmonics_twice_backward", offsets, *inputs, a, b, to_weights, to_harmonics, to_gradient)
        return to_weights, to_harmonics, to_gradient, None, None


_harmonics: Callable[..., Tensor] = _Harmonics.apply
_harmonics_gradient: Callable[..., tuple[Tensor | None, ...]] = _HarmonicsGradient.apply


def _call(name: str, offsets: Tensor, *tensors: Tensor | None) -> None:
    weights = tensors[0]
    assert weights is not None
    shape = Shape(offsets.shape[0] - 1, weights.shape[1], weights.stride(0), offsets.data_ptr())
    double = int(weights.dtype == torch.float64)
    function = operator(SOURCE, name, weights.dtype, CHANNELS=weights.shape[2], DOUBLE=double)
    function(ctypes.byref(shape), threads_for(weights), *addresses(*tensors))
