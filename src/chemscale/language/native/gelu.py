"""GELU in C++ as a differentiable torch operator."""

import ctypes
import functools
from typing import Any

import torch

from chemscale.language.native.library import INTEGER, POINTER, check_tensor, usable_library


def native_gelu(x: torch.Tensor) -> torch.Tensor:
    """GELU in its tanh form, x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), any shape (arXiv:1606.08415).

    Raises:
        UserError: the operators cannot be compiled here, or the tensor is of another dtype or device.
    """
    check_tensor(x, "GELU")
    out: torch.Tensor = _gelu(x)
    return out


@functools.cache
def _gelu_library() -> ctypes.CDLL:
    library = usable_library("gelu.cpp")
    library.gelu_forward.argtypes = [POINTER] * 2 + [INTEGER] * 3
    library.gelu_backward.argtypes = [POINTER] * 3 + [INTEGER] * 3
    library.gelu_forward.restype = library.gelu_backward.restype = None
    return library


def _sizes(x: torch.Tensor) -> tuple[int, ...]:
    return x.numel(), int(x.dtype == torch.bfloat16), torch.get_num_threads()


# Registered operators rather than autograd functions, so that torch.compile takes them as they are.


@torch.library.custom_op("chemscale::gelu", mutates_args=())
def _gelu(x: torch.Tensor) -> torch.Tensor:
    x = x.contiguous()
    out = torch.empty_like(x)
    _gelu_library().gelu_forward(x.data_ptr(), out.data_ptr(), *_sizes(x))
    return out


@torch.library.custom_op("chemscale::gelu_backward", mutates_args=())
def _gelu_backward(x: torch.Tensor, grad_out: torch.Tensor) -> torch.Tensor:
    x, grad_out = x.contiguous(), grad_out.contiguous()
    grad_x = torch.empty_like(x)
    pointers = (x.data_ptr(), grad_out.data_ptr(), grad_x.data_ptr())
    _gelu_library().gelu_backward(*pointers, *_sizes(x))
    return grad_x


@_gelu.register_fake
def _(x: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(x)


@_gelu_backward.register_fake
def _(x: torch.Tensor, grad_out: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(x)


def _save_gelu(ctx: Any, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _gelu_gradient(ctx: Any, grad_out: torch.Tensor) -> torch.Tensor:
    gradient: torch.Tensor = _gelu_backward(*ctx.saved_tensors, grad_out)
    return gradient


_gelu.register_autograd(_gelu_gradient, setup_context=_save_gelu)
