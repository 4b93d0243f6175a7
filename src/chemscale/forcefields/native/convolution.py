"""SchNet's convolution and its derivatives in C++; see `chemscale.forcefields.convolution`."""

import ctypes

import torch
from torch import Tensor

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.native.library import addresses, operator, packed, pair_table, threads_for

Optional = Tensor | None


def forward(graph: AtomGraph, filters: Tensor, features: Tensor, envelope: Optional) -> Tensor:
    """The convolution: [n_pairs, width], [n_atoms, width], [n_pairs] -> [n_atoms, width]."""
    inputs = packed(filters, features, envelope)
    sums = torch.empty_like(features, memory_format=torch.contiguous_format)
    _call("convolution", graph, *inputs, sums)
    return sums


def backward(
    graph: AtomGraph, filters: Tensor, features: Tensor, envelope: Optional, gradient: Tensor
) -> tuple[Tensor, Tensor, Optional]:
    """Gradients in the filters, the features and the envelope."""
    inputs = packed(filters, features, envelope, gradient)
    outputs = torch.empty_like(inputs[0]), torch.empty_like(inputs[1]), _empty(inputs[2])
    _call("convolution_backward", graph, *inputs, *outputs)
    return outputs


def twice_backward(graph: AtomGraph, *tensors: Optional) -> tuple[Optional, ...]:
    """Gradients in filters, features, envelope and gradient from those four and the cotangents of the first three."""
    inputs = packed(*tensors)
    outputs = tuple(_empty(tensor) for tensor in inputs[:4])
    _call("convolution_twice_backward", graph, *inputs, *outputs)
    return outputs


def _empty(like: Optional) -> Optional:
    return None if like is None else torch.empty_like(like)


def _call(name: str, graph: AtomGraph, filters: Tensor, *tensors: Optional) -> None:
    function = operator("convolution.cpp", name, filters.dtype, WIDTH=filters.shape[1])
    n_atoms, table = ctypes.c_int64(graph.n_atoms), ctypes.byref(pair_table(graph))
    function(table, n_atoms, threads_for(filters), *addresses(filters, *tensors))
