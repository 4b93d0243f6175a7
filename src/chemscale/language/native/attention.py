"""Causal attention in C++ as a differentiable torch operator."""

import ctypes
import functools
from typing import Any

import torch

from chemscale.language.native.library import INTEGER, POINTER, check_tensor, usable_library


def native_attention(qkv: torch.Tensor, n_heads: int, window: int | None = None) -> torch.Tensor:
    """Causal attention as `chemscale.language.attention.causal_attention` defines it, in one compiled pass.

    Args:
        qkv: queries, keys and values side by side, float32 or bfloat16 on the CPU, [batch, tokens, 3 * width].
        n_heads: heads; width is n_heads * head_dim.
        window: how many positions a token sees, itself included; None is all before it.

    Returns:
        [batch, tokens, width], in the dtype of `qkv`.

    Raises:
        UserError: the operators cannot be compiled here, or the tensor is of another dtype or device.
    """
    check_tensor(qkv, "attention")
    tokens = qkv.shape[1]
    out: torch.Tensor = _attention(qkv, n_heads, tokens if window is None else min(window, tokens))[0]
    return out


@functools.cache
def _attention_library(head_dim: int) -> ctypes.CDLL:
    library = usable_library("attention.cpp", HEAD_DIM=head_dim)
    library.attention_forward.argtypes = [POINTER] * 3 + [INTEGER] * 6
    library.attention_backward.argtypes = [POINTER] * 5 + [INTEGER] * 6
    library.attention_forward.restype = library.attention_backward.restype = None
    return library


def _sizes(qkv: torch.Tensor, n_heads: int, window: int) -> tuple[int, ...]:
    batch, tokens, _ = qkv.shape
    return batch, tokens, n_heads, window, int(qkv.dtype == torch.bfloat16), torch.get_num_threads()


def _new_log_sums(qkv: torch.Tensor, n_heads: int) -> torch.Tensor:
    """Room for one number per head and token, in whole vectors of at most 16 heads and whole tiles of 4 tokens."""
    batch, tokens, _ = qkv.shape
    return torch.zeros(batch * n_heads + 15, (tokens + 3) // 4 * 4, dtype=torch.float32, device=qkv.device)


# Registered operators rather than autograd functions, so that torch.compile takes them as they are.


@torch.library.custom_op("chemscale::attention", mutates_args=())
def _attention(qkv: torch.Tensor, n_heads: int, window: int) -> tuple[torch.Tensor, torch.Tensor]:
    qkv = qkv.contiguous()
    batch, tokens, width3 = qkv.shape
    library = _attention_library(width3 // 3 // n_heads)
    out = qkv.new_empty(batch, tokens, width3 // 3)
    log_sums = _new_log_sums(qkv, n_heads)
    pointers = (qkv.data_ptr(), out.data_ptr(), log_sums.data_ptr())
    library.attention_forward(*pointers, *_sizes(qkv, n_heads, window))
    return out, log_sums


@torch.library.custom_op("chemscale::attention_backward", mutates_args=())
def _attention_backward(
    qkv: torch.Tensor, out: torch.Tensor, log_sums: torch.Tensor, grad_out: torch.Tensor, n_heads: int, window: int
) -> torch.Tensor:
    qkv, grad_out = qkv.contiguous(), grad_out.contiguous()
    grad_qkv = torch.empty_like(qkv)
    pointers = [tensor.data_ptr() for tensor in (qkv, out, log_sums, grad_out, grad_qkv)]
    library = _attention_library(qkv.shape[2] // 3 // n_heads)
    library.attention_backward(*pointers, *_sizes(qkv, n_heads, window))
    return grad_qkv


@_attention.register_fake
def _(qkv: torch.Tensor, n_heads: int, window: int) -> tuple[torch.Tensor, torch.Tensor]:
    batch, tokens, width3 = qkv.shape
    return qkv.new_empty(batch, tokens, width3 // 3), _new_log_sums(qkv, n_heads)


@_attention_backward.register_fake
def _(
    qkv: torch.Tensor, out: torch.Tensor, log_sums: torch.Tensor, grad_out: torch.Tensor, n_heads: int, window: int
) -> torch.Tensor:
    return torch.empty_like(qkv)


def _save_attention(ctx: Any, inputs: tuple[torch.Tensor, int, int], output: tuple[torch.Tensor, torch.Tensor]) -> None:
    ctx.save_for_backward(inputs[0], *output)
    ctx.sizes = inputs[1:]
    ctx.mark_non_differentiable(output[1])
    ctx.set_materialize_grads(False)


def _attention_gradient(ctx: Any, grad_out: torch.Tensor, _: None) -> tuple[torch.Tensor, None, None]:
    return _attention_backward(*ctx.saved_tensors, grad_out, *ctx.sizes), None, None


_attention.register_autograd(_attention_gradient, setup_context=_save_attention)
