"""Attention over the atoms of the same molecule, exact or with random features.

    exact:  n_i = sum_j softmax_j(q_i . k_j / sqrt(F)) v_j                            (Unke et al. 2021, Eq. 18)
    favor:  n_i = sum_j (phi(q_i) . phi(k_j)) v_j / (sum_j phi(q_i) . phi(k_j) + 1e-8)         (Choromanski et al. 2021)
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
from chemscale.forcefields.segments import Segments, is_traced

FLOOR, SMALL = 1e-4, 1e-8


@dataclass(frozen=True)
class MoleculeLayout:
    """Atoms in a table, so that attention is a product of matrices.

    Each row of the table is a molecule. Where the operators are traced, and no shape may depend on values, all atoms
    are in one row, and those of other molecules are blocked instead.

    Attributes:
        slots: the place of every atom in the flattened table.
        shape: rows, and atoms of the longest one.
        blocked: True where the second atom is none of the first one's molecule [rows, 1 or longest, longest].
    """

    slots: Segments
    shape: tuple[int, int]
    blocked: Tensor

    @classmethod
    def of(cls, graph: AtomGraph) -> "MoleculeLayout":
        """The layout of a graph's atoms, which are sorted by frame."""
        starts, frame = graph.frames.offsets, graph.frames.index
        atoms = torch.arange(graph.n_atoms, device=starts.device)
        if is_traced():
            ends = torch.arange(graph.n_atoms + 1, device=starts.device)
            blocked = (frame.unsqueeze(0) != frame.unsqueeze(1)).unsqueeze(0)
            return cls(Segments(atoms, atoms, ends), (1, graph.n_atoms), blocked)
        counts = starts.diff()
        longest = int(counts.max()) if len(counts) else 0
        taken = torch.arange(longest, device=starts.device) < counts.unsqueeze(-1)
        before = torch.cat([starts.new_zeros(1), taken.flatten().cumsum(0)])
        slot = frame * longest + atoms - starts[frame]
        return cls(Segments(slot, atoms, before), (graph.n_frames, longest), ~taken.unsqueeze(1))

    def table(self, rows: Tensor) -> Tensor:
        """[n_atoms, width] -> [rows, longest, width], zero where empty."""
        return self.slots.sum(rows).reshape(*self.shape, -1)

    def atoms(self, table: Tensor) -> Tensor:
        """[rows, longest, width] -> [n_atoms, width]."""
        return self.slots.gather(table.reshape(-1, table.shape[-1]))


def exact_attention(query: Tensor, key: Tensor, value: Tensor, layout: MoleculeLayout) -> Tensor:
    """softmax(q k^T / sqrt(F)) v within every molecule: [n_atoms, width] three times -> [n_atoms, width]."""
    q, k, v = (layout.table(rows) for rows in (query, key, value))
    scores = torch.bmm(q, k.transpose(1, 2)) / math.sqrt(query.shape[-1])
    scores = scores.masked_fill(layout.blocked, -math.inf)
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
    q, k, v = (layout.table(rows) for rows in (query, key, value))
    projected_q, projected_k = _project(q, omega), _project(k, omega)
    largest = projected_k.amax(dim=-1).unsqueeze(1).expand(-1, layout.shape[1], -1)  # of every key, for every query
    top = largest.masked_fill(layout.blocked, 0.0).amax(dim=-1, keepdim=True).clamp(min=0.0)
    phi_q = _features(q, projected_q, projected_q.amax(dim=-1, keepdim=True))
    phi_k = _features(k, projected_k, top)  # atoms of a molecule have the same top
    weights = torch.bmm(phi_q, phi_k.transpose(1, 2)).masked_fill(layout.blocked, 0.0)
    return layout.atoms(torch.bmm(weights, v) / (weights.sum(-1, keepdim=True) + SMALL))


def _project(x: Tensor, omega: Tensor) -> Tensor:
    projected: Tensor = (x / x.shape[-1] ** 0.25) @ omega.to(x.dtype)
    return projected


def _features(x: Tensor, projected: Tensor, top: Tensor) -> Tensor:
    half_square = x.square().sum(-1, keepdim=True) / (2.0 * math.sqrt(x.shape[-1]))
    return (torch.exp(projected - half_square - top) + FLOOR) / math.sqrt(projected.shape[-1])


def random_directions(width: int) -> Tensor:
    """Orthogonal directions with the lengths of normal vectors, from torch's global generator [width, width].

    A QR decomposition alone gives directions that all lie on one side, and an attention that no number of features
    brings to the exact one (it is so in the public code); the signs of R's diagonal make them uniform.
    """
    directions, upper = torch.linalg.qr(torch.randn(width, width, dtype=torch.float64))
    directions = directions * upper.diagonal().sign()
    lengths = torch.randn(width, width, dtype=torch.float64).norm(dim=1)
    return directions * lengths
