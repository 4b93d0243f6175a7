"""Spherical harmonics of edges, weighted by channel and order, alone and summed around atoms."""

import torch
from torch import Tensor

from chemscale.forcefields.equivariant.native_harmonics import native_harmonics
from chemscale.forcefields.segments import Segments


def weighted_harmonics(weights: Tensor, harmonics: Tensor, backend: str) -> Tensor:
    """weights[e, l, u] Y[e, lm] for every channel u.

    Args:
        weights: [n_edges, l_max + 1, channels].
        harmonics: [n_edges, (l_max + 1)^2].
        backend: "torch" or "native".

    Returns:
        [n_edges, (l_max + 1)^2, channels].
    """
    if backend == "native":
        return native_harmonics(weights, harmonics, torch.arange(len(weights) + 1))
    parts = []
    for order in range(weights.shape[1]):
        components = harmonics[:, order * order : (order + 1) ** 2]
        parts.append(weights[:, order].unsqueeze(1) * components.unsqueeze(-1))
    return torch.cat(parts, 1)


def environments(weights: Tensor, harmonics: Tensor, centre: Segments, backend: str) -> Tensor:
    """The weighted harmonics of an atom's edges, summed: [n_atoms, (l_max + 1)^2, channels].

    Args:
        weights: [n_edges, l_max + 1, channels].
        harmonics: [n_edges, (l_max + 1)^2].
        centre: the atom of every edge; edges are sorted by it.
        backend: "torch" or "native".
    """
    if backend == "native":
        return native_harmonics(weights, harmonics, centre.offsets)
    return centre.sum(weighted_harmonics(weights, harmonics, backend))
