"""Activations that may be differentiated twice, each derivative in as few passes over memory as the backend allows."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

from chemscale.forcefields.last_derivative import last_derivative
from chemscale.forcefields.native import activations as native
from chemscale.forcefields.segments import is_traced

LN_2 = math.log(2.0)
aten = torch.ops.aten


def shifted_softplus(z: Tensor, backend: str) -> Tensor:
    """ln(1 + e^z) - ln 2, which is zero at zero (Schuett et al. 2018); backend as `choose_backend` gives it."""
    if is_traced():
        return functional.softplus(z) - LN_2
    result: Tensor = _Activation.apply(z, "softplus", backend)  # type: ignore[no-untyped-call]
    return result


def silu(z: Tensor, backend: str) -> Tensor:
    """z / (1 + e^-z) (arXiv:1702.03118); backend as `choose_backend` gives it."""
    if is_traced():
        return functional.silu(z)
    result: Tensor = _Activation.apply(z, "silu", backend)  # type: ignore[no-untyped-call]
    return result


class _Activation(Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, name: str, backend: str) -> Tensor:
        ctx.save_for_backward(z)
        ctx.form = name, backend
        if backend == "native":
            return native.forward(name, z)
        return functional.silu(z) if name == "silu" else functional.softplus(z).sub_(LN_2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        inputs = (*ctx.saved_tensors, gradient, *ctx.form)
        return _ActivationGradient.apply(*inputs), None, None  # type: ignore[no-untyped-call]


class _ActivationGradient(Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, gradient: Tensor, name: str, backend: str) -> Tensor:
        ctx.save_for_backward(z, gradient)
        ctx.form = name, backend
        return native.backward(name, z, gradient) if backend == "native" else _slope_times(gradient, z, name)

    @staticmethod
    @last_derivative
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, Tensor, None, None]:
        z, gradient = ctx.saved_tensors
        name, backend = ctx.form
        if backend == "native":
            return *native.twice_backward(name, z, gradient, cotangent), None, None
        s = torch.sigmoid(z)
        bend = aten.sigmoid_backward(cotangent * gradient, s)
        if name == "silu":
            bend *= 2.0 + z * (1.0 - 2.0 * s)
        return bend, _slope_times(cotangent, z, name), None, None


def _slope_times(factor: Tensor, z: Tensor, name: str) -> Tensor:
    product: Tensor = aten.silu_backward(factor, z) if name == "silu" else factor * torch.sigmoid(z)
    return product
