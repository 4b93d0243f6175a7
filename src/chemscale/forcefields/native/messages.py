"""PaiNN's messages in C++ as a differentiable torch operator."""

import ctypes
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.native.library import addresses, operator, pair_table, threads_for

Optional = Tensor | None


def native_messages(
    graph: AtomGraph, filters: Tensor, sent: Tensor, vectors: Tensor | None, units: Tensor
) -> tuple[Tensor, Tensor]:
    """What the neighbours send to every atom (PaiNN, Eqs. 7 and 8); it may be differentiated twice.

    s_i = sum_j A_ij a_j,  v_i = sum_j B_ij b_j u_ij + C_ij c_j v_j. Without `vectors` there are no C and c.

    Args:
        graph: the pairs.
        filters: A, B, C side by side [n_pairs, 3 * width], or A, B [n_pairs, 2 * width].
        sent: a, b, c side by side [n_atoms, 3 * width], or a, b [n_atoms, 2 * width].
        vectors: v [n_atoms, 3, width], or None where all are zero.
        units: from the first to the second atom of a pair [n_pairs, 3].

    Returns:
        [n_atoms, width] and [n_atoms, 3, width].
    """
    scalars, new_vectors = _Messages.apply(filters, sent, vectors, units, graph)
    return scalars, new_vectors


class _Messages(Function):
    @staticmethod
    def forward(
        filters: Tensor, sent: Tensor, vectors: Optional, units: Tensor, graph: AtomGraph
    ) -> tuple[Tensor, Tensor]:
        width = sent.shape[1] // (2 if vectors is None else 3)
        outputs = sent.new_empty(graph.n_atoms, width), sent.new_empty(graph.n_atoms, 3, width)
        _call("messages", graph, width, *_packed(filters, sent, vectors, units), *outputs)
        return outputs

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs[:4])
        ctx.graph = inputs[4]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Optional, ...]:
        return *_MessagesGradient.apply(*ctx.saved_tensors, *gradients, ctx.graph), None


class _MessagesGradient(Function):
    @staticmethod
    def forward(*inputs: Any) -> tuple[Optional, ...]:
        *tensors, graph = inputs
        packed = _packed(*tensors)
        outputs = _empty_like(packed[:4])
        _call("messages_backward", graph, tensors[4].shape[1], *packed, *outputs)
        return outputs

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs[:6])
        ctx.graph = inputs[6]
        ctx.set_materialize_grads(False)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *cotangents: Optional) -> tuple[Optional, ...]:
        inputs = _packed(*ctx.saved_tensors)
        outputs = _empty_like(inputs)
        width = ctx.saved_tensors[4].shape[1]
        _call("messages_twice_backward", ctx.graph, width, *inputs, *_packed(*cotangents), *outputs)
        return *outputs, None


def _packed(*tensors: Optional) -> tuple[Optional, ...]:
    return tuple(None if tensor is None else tensor.contiguous() for tensor in tensors)


def _empty_like(tensors: tuple[Optional, ...]) -> tuple[Optional, ...]:
    return tuple(None if tensor is None else torch.empty_like(tensor) for tensor in tensors)


def _call(name: str, graph: AtomGraph, width: int, *tensors: Optional) -> None:
    filters = tensors[0]
    assert filters is not None
    function = operator("messages.cpp", name, filters.dtype, WIDTH=width)
    threads = threads_for(filters)
    function(ctypes.byref(pair_table(graph)), ctypes.c_int64(graph.n_atoms), threads, *addresses(*tensors))
