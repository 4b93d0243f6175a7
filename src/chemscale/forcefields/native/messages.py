"""PaiNN's messages and their derivatives in C++; see `chemscale.forcefields.messages`."""

import ctypes

import torch
from torch import Tensor

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.native.library import addresses, operator, packed, pair_table, threads_for

Optional = Tensor | None


def forward(graph: AtomGraph, filters: Tensor, sent: Tensor, vectors: Optional, units: Tensor) -> tuple[Tensor, Tensor]:
    """Scalars [n_atoms, width] and vectors [3, n_atoms, width] that every atom receives."""
    inputs = packed(filters, sent, vectors, units)
    width = sent.shape[1] // (2 if vectors is None else 3)
    outputs = sent.new_empty(graph.n_atoms, width), sent.new_empty(3, graph.n_atoms, width)
    _call("messages", graph, width, *inputs, *outputs)
    return outputs


def backward(graph: AtomGraph, *tensors: Optional) -> tuple[Optional, ...]:
    """Gradients in filters, sent, vectors and units, from those and the gradients of scalars and vectors."""
    inputs = packed(*tensors)
    outputs = _empty_like(inputs[:4])
    _call("messages_backward", graph, inputs[4].shape[1], *inputs, *outputs)
    return outputs


def twice_backward(graph: AtomGraph, *tensors: Optional) -> tuple[Optional, ...]:
    """Gradients in the six inputs of `backward`, from those and the cotangents of its four results."""
    inputs = packed(*tensors)
    outputs = _empty_like(inputs[:6])
    _call("messages_twice_backward", graph, inputs[4].shape[1], *inputs, *outputs)
    return outputs


def _empty_like(tensors: tuple[Optional, ...]) -> tuple[Optional, ...]:
    return tuple(None if tensor is None else torch.empty_like(tensor) for tensor in tensors)


def _call(name: str, graph: AtomGraph, width: int, filters: Tensor, *tensors: Optional) -> None:
    function = operator("messages.cpp", name, filters.dtype, WIDTH=width)
    n_atoms, table = ctypes.c_int64(graph.n_atoms), ctypes.byref(pair_table(graph))
    function(table, n_atoms, threads_for(filters), *addresses(filters, *tensors))
