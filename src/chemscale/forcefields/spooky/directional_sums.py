"""Sums over neighbours that carry directions: one scalar, a vector and a second-order tensor for every feature.

    sum_i,c = sum_j G_l(c)(r_ij) * Y_c(r^_ij) * x_j,l(c)        c = 1 (s), 3 (p) and 5 (d) components
                                                               (Unke et al. 2021, Eq. 12)

G and Y are held once for every pair; seen from the other end the vector changes its sign and nothing else does.
"""

import math

import torch
from torch import Tensor

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.native.directional_sums import native_directional_sums

PARTS = (1, 3, 5)  # components of s, p and d
N_COMPONENTS = sum(PARTS)


def harmonics(unit: Tensor) -> Tensor:
    """1, x, y, z and the five second-order ones of unit vectors: [n_pairs, 3] -> [n_pairs, 9]."""
    x, y, z = unit.unbind(-1)
    root = math.sqrt(3.0)
    second = (root * x * y, root * x * z, root * y * z, 1.5 * z * z - 0.5, 0.5 * root * (x * x - y * y))
    return torch.stack([torch.ones_like(x), x, y, z, *second], dim=-1)


def directional_sums(graph: AtomGraph, filters: Tensor, angles: Tensor, features: Tensor, native: bool) -> Tensor:
    """The nine sums of every atom.

    Args:
        graph: atoms and pairs.
        filters: G of every pair for s, p and d [n_pairs, 3, width].
        angles: `harmonics` of the vector from the first to the second atom [n_pairs, 9].
        features: what neighbours send, for s, p and d [3, n_atoms, width].
        native: whether to sum in C++.

    Returns:
        [9, n_atoms, width].
    """
    if native:
        return native_directional_sums(graph, filters, angles, features)
    sent = features.transpose(0, 1)
    to_first = filters * graph.second.gather(sent)
    to_second = filters * graph.first.gather(sent)
    _, vector, tensor = angles.unsqueeze(-1).split(PARTS, dim=1)
    sums = graph.first.sum(_spread(to_first, vector, tensor)) + graph.second.sum(_spread(to_second, -vector, tensor))
    return sums.transpose(0, 1)


def _spread(message: Tensor, vector: Tensor, tensor: Tensor) -> Tensor:
    """[n_pairs, 3, width] times 1, [n_pairs, 3, 1] and [n_pairs, 5, 1] -> [n_pairs, 9, width]."""
    s, p, d = message.split(1, dim=1)
    return torch.cat([s, p * vector, d * tensor], dim=1)
