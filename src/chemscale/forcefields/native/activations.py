"""Shifted softplus ("softplus") and SiLU ("silu") in C++, with their derivatives."""

import ctypes

import torch
from torch import Tensor

from chemscale.forcefields.native.library import addresses, operator, threads_for


def forward(name: str, z: Tensor) -> Tensor:
    """y(z), any shape."""
    z = z.contiguous()
    out = torch.empty_like(z)
    _call(name, z, out)
    return out


def backward(name: str, z: Tensor, gradient: Tensor) -> Tensor:
    """gradient * y'(z)."""
    z = z.contiguous()
    out = torch.empty_like(z)
    _call(f"{name}_backward", z, gradient.contiguous(), out)
    return out


def twice_backward(name: str, z: Tensor, gradient: Tensor, cotangent: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of <cotangent, gradient * y'(z)> in z and in `gradient`."""
    z = z.contiguous()
    outputs = torch.empty_like(z), torch.empty_like(z)
    _call(f"{name}_twice_backward", z, gradient.contiguous(), cotangent.contiguous(), *outputs)
    return outputs


def _call(name: str, *tensors: Tensor) -> None:
    z = tensors[0]
    operator("activations.cpp", name, z.dtype)(ctypes.c_int64(z.numel()), threads_for(z), *addresses(*tensors))
