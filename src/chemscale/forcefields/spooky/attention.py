"""Attention over the atoms of the same molecule, exact or with random features.

    exact:  n_i = sum_j softmax_j(q_i . k_j / sqrt(F)) v_j                            (Unke et al. 2021, Eq. 18)
    favor:  n_i = phi(q_i) . sum_j phi(k_j) v_j^T / (phi(q_i) . sum_j phi(k_j) + 1e-8)         (Choromanski et al. 2021)
            phi(x) = (exp(omega^T x / F^(1/4) - |x|^2 / (2 sqrt(F)) - max) + 1e-4) / sqrt(m)

The maximum of a query is over its m random features; of keys, over all atoms of the molecule and zero. (The public
code takes zero into account only when it is given several molecules at once, so that its energies depend on the
batch; here they do not.)
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.segments import Segments

FLOOR, SMALL = 1e-4, 1e-8


@dataclass(frozen=True)
class MoleculeLayout:
    """Atoms in a table with one row for every frame.

    Attributes:
        slots: the place of every atom in the flattened table.
        shape: frames, and atoms of the largest one.
        empty: True where a frame has no such atom [n_frames, n_most].
    """

    slots: Segments
    shape: tuple[int, int]
    empty: Tensor

    @classmethod
    def of(cls, graph: AtomGraph) -> "MoleculeLayout":
        """The layout of a graph's atoms, which are sorted by frame."""
        starts = graph.frames.offsets
        counts = starts.diff()
        # one structure alone: a size that torch's tracing can follow, and no wait for a device
        n_most = graph.n_atoms if graph.n_frames == 1 else int(counts.max()) if len(counts) else 0
        atoms = torch.arange(graph.n_atoms, device=starts.device)
        place = torch.arange(n_most, device=starts.device)
        taken = place < counts.unsqueeze(-1)
        before = torch.cat([starts.new_zeros(1), taken.flatten().cumsum(0)])
        slot = graph.frames.index * n_most + atoms - starts[graph.frames.index]
        return cls(Segments(slot, atoms, before), (graph.n_frames, n_most), ~taken)

    def table(self, rows: Tensor) -> Tensor:
        """[n_atoms, width] -> [n_frames, n_most, width], zero where empty."""
        return self.slots.sum(rows).reshape(*self.shape, -1)

    def atoms(self, table: Tensor) -> Tensor:
        """[n_frames, n_most, width] -> [n_atoms, width]."""
        return self.slots.gather(table.reshape(-1, table.shape[-1]))


def exact_attention(query: Tensor, key: Tensor, value: Tensor, layout: MoleculeLayout) -> Tensor:
    """softmax(q k^T / sqrt(F)) v within every molecule: [n_atoms, width] three times -> [n_atoms, width]."""
    q, k, v = (layout.table(rows) for rows in (query, key, value))
    scores = torch.bmm(q, k.transpose(1, 2)) / math.sqrt(query.shape[-1])
    scores = scores.masked_fill(layout.empty.unsqueeze(1), -math.inf)
    return layout.atoms(torch.bmm(torch.softmax(scores, dim=-1), v))


def favor_attention(query: Tensor, key: Tensor, value: Tensor, layout: MoleculeLayout, omega: Tensor) -> Tensor:
    """Attention with positive orthogonal random features.

    Args:
        query: [n_atoms, width].
        key: [n_atoms, width].
        value: [n_atoms, width].
        layout: which atoms are one molecule.
        omega: random directions [width, n_features].
    """
    projected_q, projected_k = _project(query, omega), _project(key, omega)
    table_k = layout.table(projected_k)
    top = table_k.amax(dim=(1, 2)).clamp(min=0.0)  # empty places are zero, which is among the candidates anyway
    top_k = layout.atoms(top.reshape(-1, 1, 1).expand(*layout.shape, 1))
    phi_q = layout.table(_features(query, projected_q, projected_q.amax(dim=-1, keepdim=True)))
    phi_k = layout.table(_features(key, projected_k, top_k))
    summed = torch.bmm(phi_k.transpose(1, 2), layout.table(value))
    norm = torch.bmm(phi_q, phi_k.sum(1).unsqueeze(-1)) + SMALL
    return layout.atoms(torch.bmm(phi_q, summed) / norm)


def _project(x: Tensor, omega: Tensor) -> Tensor:
    projected: Tensor = (x / x.shape[-1] ** 0.25) @ omega.to(x.dtype)
    return projected


def _features(x: Tensor, projected: Tensor, top: Tensor) -> Tensor:
    half_square = x.square().sum(-1, keepdim=True) / (2.0 * math.sqrt(x.shape[-1]))
    return (torch.exp(projected - half_square - top) + FLOOR) / math.sqrt(projected.shape[-1])


def random_directions(width: int) -> Tensor:
    """Orthogonal directions with the lengths of normal vectors, from torch's global generator [width, width]."""
    directions, _ = torch.linalg.qr(torch.randn(width, width, dtype=torch.float64))
    lengths = torch.randn(width, width, dtype=torch.float64).norm(dim=1)
    return directions * lengths
