"""SpookyNet's sums over neighbours in C++ as a differentiable torch operator."""

import ctypes
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.last_derivative import last_derivative
from chemscale.forcefields.native.library import addresses, operator, threads_for

N_COMPONENTS = 9


def native_directional_sums(graph: AtomGraph, filters: Tensor, angles: Tensor, features: Tensor) -> Tensor:
    """The nine sums of every atom; it may be differentiated twice.

    Args:
        graph: atoms and pairs.
        filters: [n_pairs, 3, width], float32 or float64 on the CPU.
        angles: [n_pairs, 9].
        features: [3, n_atoms, width].

    Returns:
        [9, n_atoms, width].
    """
    return _sums(filters, angles, features, graph)


class _Graph(ctypes.Structure):
    """As `directional_sums.cpp` lays it out."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("first", "second", "pairs_of_first", "atoms_of_frame")),
        *((name, ctypes.c_int64) for name in ("n_frames", "n_atoms", "width", "n_threads")),
    ]


# Without `setup_context`, with which torch looks up the function's signature at every call (some 30 us).


class _Sums(Function):
    @staticmethod
    def forward(ctx: Any, filters: Tensor, angles: Tensor, features: Tensor, graph: AtomGraph) -> Tensor:
        ctx.save_for_backward(filters, angles, features)
        ctx.graph = graph
        filters, angles, features = filters.contiguous(), angles.contiguous(), features.contiguous()
        sums = features.new_zeros(N_COMPONENTS, *features.shape[1:])
        _call("directional_sums", graph, filters, angles, features, sums)
        return sums

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return *_sums_gradient(*ctx.saved_tensors, gradient, ctx.graph), None


class _SumsGradient(Function):
    @staticmethod
    def forward(ctx: Any, filters: Tensor, angles: Tensor, features: Tensor, sums: Tensor, graph: AtomGraph) -> Any:
        ctx.save_for_backward(filters, angles, features, sums)
        ctx.graph = graph
        ctx.set_materialize_grads(False)
        inputs = [tensor.contiguous() for tensor in (filters, angles, features, sums)]
        outputs = torch.empty_like(inputs[0]), torch.empty_like(inputs[1]), torch.zeros_like(inputs[2])
        _call("directional_gradient", graph, *inputs, *outputs)
        return outputs

    @staticmethod
    @last_derivative
    def backward(ctx: Any, *directions: Tensor | None) -> tuple[Tensor | None, ...]:
        inputs = [tensor.contiguous() for tensor in ctx.saved_tensors]
        given = [
            torch.zeros_like(like) if tensor is None else tensor.contiguous()
            for tensor, like in zip(directions, inputs[:3], strict=True)
        ]
        outputs = [torch.empty_like(tensor) for tensor in inputs[:2]] + [
            torch.zeros_like(tensor) for tensor in inputs[2:]
        ]
        _call("directional_second", ctx.graph, *inputs, *given, *outputs)
        return *outputs, None


_sums: Callable[..., Tensor] = _Sums.apply
_sums_gradient: Callable[..., Any] = _SumsGradient.apply


def _call(name: str, graph: AtomGraph, *tensors: Tensor) -> None:
    filters = tensors[0]
    parts = (graph.first.index, graph.second.index, graph.first.offsets, graph.frames.offsets)
    counts = graph.n_frames, graph.n_atoms, filters.shape[2], threads_for(filters).value
    table = _Graph(*(part.data_ptr() for part in parts), *counts)
    function = operator("directional_sums.cpp", name, filters.dtype)
    function(ctypes.byref(table), *addresses(*tensors))
