"""The sums of PaiNN's messages in torch, and their derivatives by hand; see `chemscale.forcefields.messages`.

Autograd's derivatives of the same sums make three times as many arrays of the size of the pairs. With cotangents g of s
and h of v, sigma = +1 for what the second atom of a pair sends to the first and -1 the other way, and
k_i = sigma sum_x u_x h_ix, m_jx = c_j v_jx, the gradients are, summed over both directions,

    A: a_j g_i     B: b_j k_i     C: sum_x m_jx h_ix     u_x: sigma <B b_j, h_ix>
    a_j: A g_i     b_j: B k_i     m_jx: C h_ix

and the second derivative is that of the sum over pairs and both directions of

    (A' a_j + A a'_j) g_i + (B' b_j + B b'_j) k_i + B b_j k'_i + sum_x (C' m_jx + C m'_jx) h_ix

where primes mark cotangents of the gradients, k'_i = sigma sum_x u'_x h_ix and m' = c' v + c v'.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.segments import Segments

Optional = Tensor | None


@dataclass(frozen=True)
class Direction:
    """One direction of all pairs.

    Attributes:
        to: the atoms that receive.
        of: the atoms that send.
        sign: +1 where the first atoms receive, else -1.
    """

    to: Segments
    of: Segments
    sign: float

    def seen(self, units: Tensor) -> list[Tensor]:
        """The components of vectors as the receiving atoms see them: [n_pairs, 3] -> three times [n_pairs, 1]."""
        return list((units.t() * self.sign).unsqueeze(-1))


def forward(graph: AtomGraph, filters: Tensor, sent: Tensor, vectors: Optional, units: Tensor) -> tuple[Tensor, Tensor]:
    """Scalars [n_atoms, width] and vectors [3, n_atoms, width] that every atom receives."""
    pair, atom = _parts(filters, vectors), _parts(sent, vectors)
    carried = None if vectors is None else atom[2] * vectors
    scalars, sums = _Total(), [_Total() for _ in range(3)]
    for way in _directions(graph):
        scalars += way.to.add(way.of.take(atom[0]).mul_(pair[0]))
        product = way.of.take(atom[1]).mul_(pair[1])
        for x, u in enumerate(way.seen(units)):
            message = product * u
            if carried is not None:
                message.addcmul_(pair[2], way.of.take(carried[x]))
            sums[x] += way.to.add(message)
    return scalars.value, torch.stack([each.value for each in sums])


def backward(
    graph: AtomGraph, filters: Tensor, sent: Tensor, vectors: Optional, units: Tensor, g: Tensor, h: Tensor
) -> tuple[Optional, ...]:
    """Gradients in filters, sent, vectors and units, from those and the gradients of scalars and vectors."""
    pair, atom = _parts(filters, vectors), _parts(sent, vectors)
    carried = None if vectors is None else atom[2] * vectors
    for_pair, for_atom = [_Total() for _ in pair], [_Total() for _ in range(2)]
    for_carried, for_units = [_Total() for _ in range(3)], [_Total() for _ in range(3)]
    for way in _directions(graph):
        g_to, h_to = way.to.take(g), [way.to.take(each) for each in h]
        b = way.of.take(atom[1])
        k = _inner(h_to, way.seen(units))
        for_pair[0] += way.of.take(atom[0]).mul_(g_to)
        for_pair[1] += b * k
        for_atom[0] += way.of.add(g_to.mul_(pair[0]))
        for_atom[1] += way.of.add(k.mul_(pair[1]))
        product = b.mul_(pair[1])
        for x in range(3):
            for_units[x] += (product * h_to[x]).sum(-1).mul_(way.sign)
        if carried is not None:
            for_pair[2] += _inner([way.of.take(each) for each in carried], h_to)
            for x in range(3):
                for_carried[x] += way.of.add(h_to[x].mul_(pair[2]))
    rows = [each.value for each in for_atom]
    for_vectors = None
    if vectors is not None:
        moment = torch.stack([each.value for each in for_carried])
        for_vectors = moment * atom[2]
        rows.append(moment.mul_(vectors).sum(0))
    by_pair = torch.cat([each.value for each in for_pair], dim=1)
    return by_pair, torch.cat(rows, dim=1), for_vectors, torch.stack([each.value for each in for_units], dim=1)


def twice_backward(
    graph: AtomGraph,
    filters: Tensor,
    sent: Tensor,
    vectors: Optional,
    units: Tensor,
    g: Tensor,
    h: Tensor,
    *cotangents: Optional,
) -> tuple[Optional, ...]:
    """Gradients in the six inputs of `backward`, from those and the cotangents of its four results."""
    d_filters, d_sent = (_or_zero(each, like) for each, like in zip(cotangents[:2], (filters, sent), strict=True))
    pair, atom, d_pair, d_atom = (_parts(rows, vectors) for rows in (filters, sent, d_filters, d_sent))
    d_vectors = None if vectors is None else _or_zero(cotangents[2], vectors)
    d_units = _or_zero(cotangents[3], units)
    carried: Sequence[Tensor] = ()
    d_carried: Sequence[Tensor] = ()
    if vectors is not None and d_vectors is not None:
        carried = (atom[2] * vectors).unbind()
        d_carried = torch.addcmul(d_atom[2] * vectors, atom[2], d_vectors).unbind()
    for_pair, for_atom, for_g = [_Total() for _ in pair], [_Total() for _ in range(2)], _Total()
    for_h, for_units, moment, d_moment = ([_Total() for _ in range(3)] for _ in range(4))
    for way in _directions(graph):
        g_to, h_to = way.to.take(g), [way.to.take(each) for each in h]
        u, d_u = way.seen(units), way.seen(d_units)
        k, d_k = _inner(h_to, u), _inner(h_to, d_u)
        a, b, d_a, d_b = (way.of.take(rows) for rows in (*atom[:2], *d_atom[:2]))
        product = b * pair[1]
        d_product = torch.addcmul(b * d_pair[1], d_b, pair[1])
        for_pair[1] += (d_b.mul_(k)).addcmul_(b, d_k)
        for_atom[1] += way.of.add(k.mul_(d_pair[1]).addcmul_(d_k, pair[1]))
        for_g += way.to.add(a.mul_(d_pair[0]).addcmul_(d_a, pair[0]))
        for_pair[0] += d_a.mul_(g_to)
        for_atom[0] += way.of.add(g_to.mul_(d_pair[0]))
        for x in range(3):
            received = (d_product * u[x]).addcmul_(product, d_u[x])
            for_units[x] += (d_product * h_to[x]).sum(-1).mul_(way.sign)
            if carried:
                d_m = way.of.take(d_carried[x])
                received.addcmul_(d_pair[2], way.of.take(carried[x])).addcmul_(pair[2], d_m)
                for_pair[2] += d_m.mul_(h_to[x])
                moment[x] += way.of.add(d_pair[2] * h_to[x])
                d_moment[x] += way.of.add(h_to[x].mul_(pair[2]))
            for_h[x] += way.to.add(received)
    rows, for_vectors = [each.value for each in for_atom], None
    if vectors is not None and d_vectors is not None:
        r, q = (torch.stack([each.value for each in parts]) for parts in (moment, d_moment))
        for_vectors = torch.addcmul(r * atom[2], q, d_atom[2])
        rows.append(r.mul_(vectors).addcmul_(q, d_vectors).sum(0))
    by_pair = torch.cat([each.value for each in for_pair], dim=1)
    by_units = torch.stack([each.value for each in for_units], dim=1)
    by_h = torch.stack([each.value for each in for_h])
    return by_pair, torch.cat(rows, dim=1), for_vectors, by_units, for_g.value, by_h


class _Total:
    """A sum that begins with its first summand, which it takes over."""

    value: Tensor

    def __iadd__(self, summand: Tensor) -> "_Total":
        self.value = self.value.add_(summand) if hasattr(self, "value") else summand
        return self


def _directions(graph: AtomGraph) -> tuple[Direction, Direction]:
    return Direction(graph.first, graph.second, 1.0), Direction(graph.second, graph.first, -1.0)


def _parts(rows: Tensor, vectors: Optional) -> list[Tensor]:
    """(a, b) or (a, b, c), each with its numbers in order."""
    return [part.contiguous() for part in rows.chunk(2 if vectors is None else 3, dim=1)]


def _or_zero(tensor: Optional, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if tensor is None else tensor


def _inner(ones: Sequence[Tensor], others: Sequence[Tensor]) -> Tensor:
    """sum_x one_x * other_x."""
    product = ones[0] * others[0]
    for one, other in zip(ones[1:], others[1:], strict=True):
        product.addcmul_(one, other)
    return product
