"""Attention of one new token per sequence in C++; it needs no gradient, so it is a plain function."""

import ctypes
import functools

import torch
from torch import Tensor

from chemscale.language.native.library import INTEGER, POINTER, usable_library


def native_decode_attention(
    qkv: Tensor, kept: Tensor, rows: Tensor, lengths: Tensor, n_heads: int, window: int | None
) -> Tensor:
    """Keep the new token's keys and values, and attend; arguments as `decoding.attention.decode_attention` has them.

    Raises:
        UserError: the operator cannot be compiled here.
    """
    sequences, width3 = qkv.shape
    width = width3 // 3
    qkv = qkv.contiguous()
    out = torch.empty(sequences, width)
    pointers = [tensor.data_ptr() for tensor in (qkv, kept, rows, lengths, out)]
    sizes = (sequences, rows.stride(0), n_heads, 0 if window is None else window, torch.get_num_threads())
    _library(width // n_heads).decode_attention(*pointers, *sizes)
    return out


@functools.cache
def _library(head_dim: int) -> ctypes.CDLL:
    library = usable_library("decoding.cpp", HEAD_DIM=head_dim)
    library.decode_attention.argtypes = [POINTER] * 5 + [INTEGER] * 5
    library.decode_attention.restype = None
    return library
