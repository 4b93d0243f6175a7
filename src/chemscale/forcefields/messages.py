"""PaiNN's messages over undirected pairs, with their first and second derivative.

    s_i = sum_j A_ij a_j,    v_i = sum_j B_ij b_j u_ij + C_ij c_j v_j                   (arXiv:2102.03150, Eqs. 7, 8)

An atom sends rows (a, b, c); a pair has filters (A, B, C) and a unit vector from its first to its second atom. Where
all v_j are zero still, there are no c and C.
"""

from typing import Any

from torch import Tensor
from torch.autograd import Function

from chemscale.forcefields import message_sums
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.last_derivative import last_derivative
from chemscale.forcefields.native import messages as native
from chemscale.forcefields.segments import is_traced

Optional = Tensor | None


def messages(
    graph: AtomGraph, filters: Tensor, sent: Tensor, vectors: Optional, units: Tensor, backend: str
) -> tuple[Tensor, Tensor]:
    """What every atom receives; it may be differentiated twice.

    Args:
        graph: the pairs.
        filters: A, B, C side by side [n_pairs, 3 * width]; A, B without vectors.
        sent: a, b, c side by side [n_atoms, 3 * width]; a, b without vectors.
        vectors: v [3, n_atoms, width], or None where all are zero.
        units: from the first to the second atom of a pair [n_pairs, 3].
        backend: "torch" or "native", as `choose_backend` gives it.

    Returns:
        Scalars [n_atoms, width] and vectors [3, n_atoms, width].
    """
    if is_traced():
        return _traced(graph, filters, sent, vectors, units)
    scalars, new_vectors = _Messages.apply(  # type: ignore[no-untyped-call]
        filters, sent, vectors, units, graph, backend
    )
    return scalars, new_vectors


class _Messages(Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, Tensor]:
        *tensors, graph, backend = inputs
        ctx.save_for_backward(*tensors)
        ctx.graph, ctx.backend = graph, backend
        maps = native if backend == "native" else message_sums
        return maps.forward(graph, *tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Optional, ...]:
        inputs = (*ctx.saved_tensors, *gradients, ctx.graph, ctx.backend)
        return *_MessagesGradient.apply(*inputs), None, None  # type: ignore[no-untyped-call]


class _MessagesGradient(Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Optional, ...]:
        *tensors, graph, backend = inputs
        ctx.save_for_backward(*tensors)
        ctx.graph, ctx.backend = graph, backend
        ctx.set_materialize_grads(False)
        maps = native if backend == "native" else message_sums
        return maps.backward(graph, *tensors)

    @staticmethod
    @last_derivative
    def backward(ctx: Any, *cotangents: Optional) -> tuple[Optional, ...]:
        maps = native if ctx.backend == "native" else message_sums
        return *maps.twice_backward(ctx.graph, *ctx.saved_tensors, *cotangents), None, None


def _traced(graph: AtomGraph, filters: Tensor, sent: Tensor, vectors: Optional, units: Tensor) -> tuple[Tensor, Tensor]:
    width = sent.shape[1] // (2 if vectors is None else 3)
    rows = sent if vectors is None else sent[:, : 2 * width]
    carried = None if vectors is None else (sent[:, 2 * width :] * vectors).transpose(0, 1)
    parts = []
    for to, of, outward in ((graph.first, graph.second, units), (graph.second, graph.first, -units)):
        product = filters[:, : 2 * width] * of.gather(rows)
        message = product[:, None, width:] * outward.unsqueeze(-1)
        if carried is not None:
            message = message + filters[:, None, 2 * width :] * of.gather(carried)
        parts.append((to.sum(product[:, :width]), to.sum(message)))
    (s_forth, v_forth), (s_back, v_back) = parts
    return s_forth + s_back, (v_forth + v_back).transpose(0, 1)
