"""SchNet's continuous-filter convolution over undirected pairs, with its first and second derivative.

    y_a = sum over pairs (a, b) of c_p W_p * X_b                                       (Schuett et al. 2018, Eq. 3)

With a cotangent G of y and H_p = G_a * X_b + G_b * X_a, the gradients are c H in W, the convolution of G in X and
<W, H> in c. With cotangents W', X', c' of those and U = c' W + c W', K_p = G_a * X'_b + G_b * X'_a, the second ones are
c' H + c K in W, sum U * G_b in X, <W', H> + <W, K> in c and sum U * X_b + c W * X'_b in G.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.last_derivative import last_derivative
from chemscale.forcefields.native import convolution as native
from chemscale.forcefields.segments import is_traced

Optional = Tensor | None


def convolution(graph: AtomGraph, filters: Tensor, features: Tensor, envelope: Optional, backend: str) -> Tensor:
    """sum_j c_ij W_ij * x_j over both directions of every pair; it may be differentiated twice.

    Args:
        graph: the pairs.
        filters: W [n_pairs, width].
        features: x [n_atoms, width].
        envelope: c [n_pairs], or None where it is one.
        backend: "torch" or "native", as `choose_backend` gives it.

    Returns:
        [n_atoms, width].
    """
    if is_traced():
        filters = filters if envelope is None else filters * envelope.unsqueeze(-1)
        forth = graph.first.sum(filters * graph.second.gather(features))
        return forth + graph.second.sum(filters * graph.first.gather(features))
    result: Tensor = _Convolution.apply(  # type: ignore[no-untyped-call]
        filters, features, envelope, graph, backend
    )
    return result


class _Convolution(Function):
    @staticmethod
    def forward(
        ctx: Any, filters: Tensor, features: Tensor, envelope: Optional, graph: AtomGraph, backend: str
    ) -> Tensor:
        ctx.save_for_backward(filters, features, envelope)
        ctx.graph, ctx.backend = graph, backend
        if backend == "native":
            return native.forward(graph, filters, features, envelope)
        return _sum_over(graph, _times(envelope, filters), features)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Optional, ...]:
        inputs = (*ctx.saved_tensors, gradient, ctx.graph, ctx.backend)
        return *_ConvolutionGradient.apply(*inputs), None, None  # type: ignore[no-untyped-call]


class _ConvolutionGradient(Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, Tensor, Optional]:
        filters, features, envelope, gradient, graph, backend = inputs
        ctx.save_for_backward(*inputs[:4])
        ctx.graph, ctx.backend = graph, backend
        ctx.set_materialize_grads(False)
        if backend == "native":
            return native.backward(graph, filters, features, envelope, gradient)
        product = _exchange(graph, gradient, features)
        for_envelope = None if envelope is None else (filters * product).sum(-1)
        return _times(envelope, product), _sum_over(graph, _times(envelope, filters), gradient), for_envelope

    @staticmethod
    @last_derivative
    def backward(ctx: Any, *cotangents: Optional) -> tuple[Optional, ...]:
        inputs = ctx.saved_tensors
        if ctx.backend == "native":
            return *native.twice_backward(ctx.graph, *inputs, *cotangents), None, None
        return *_twice_backward(ctx.graph, *inputs, *cotangents), None, None


def _twice_backward(
    graph: AtomGraph,
    filters: Tensor,
    features: Tensor,
    envelope: Optional,
    gradient: Tensor,
    d_filters: Optional,
    d_features: Optional,
    d_envelope: Optional,
) -> tuple[Tensor, Tensor, Optional, Tensor]:
    product = _exchange(graph, gradient, features)
    changed = torch.zeros_like(filters) if d_filters is None else _times(envelope, d_filters)
    for_filters = torch.zeros_like(filters)
    if envelope is not None and d_envelope is not None:
        changed = torch.addcmul(changed, d_envelope.unsqueeze(-1), filters)
        for_filters = product * d_envelope.unsqueeze(-1)
    for_gradient = _sum_over(graph, changed, features)
    for_envelope = None
    if envelope is not None:
        for_envelope = product.new_zeros(len(product)) if d_filters is None else (d_filters * product).sum(-1)
    if d_features is not None:
        d_product = _exchange(graph, gradient, d_features)
        for_filters = for_filters + _times(envelope, d_product)
        for_gradient += _sum_over(graph, _times(envelope, filters), d_features)
        if for_envelope is not None:
            for_envelope += (filters * d_product).sum(-1)
    return for_filters, _sum_over(graph, changed, gradient), for_envelope, for_gradient


def _times(envelope: Optional, pairs: Tensor) -> Tensor:
    return pairs if envelope is None else pairs * envelope.unsqueeze(-1)


def _sum_over(graph: AtomGraph, weights: Tensor, rows: Tensor) -> Tensor:
    """sum over pairs (a, b) of weights_p * rows_b: [n_pairs, width], [n_atoms, width] -> [n_atoms, width]."""
    sums = graph.first.add(graph.second.take(rows).mul_(weights))
    return sums.add_(graph.second.add(graph.first.take(rows).mul_(weights)))


def _exchange(graph: AtomGraph, one: Tensor, other: Tensor) -> Tensor:
    """one_a * other_b + one_b * other_a for every pair: two times [n_atoms, width] -> [n_pairs, width]."""
    product = graph.first.take(one).mul_(graph.second.take(other))
    return product.addcmul_(graph.second.take(one), graph.first.take(other))
