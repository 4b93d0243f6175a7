"""PaiNN: polarizable atom interaction neural network (Schuett, Unke, Gastegger 2021, arXiv:2102.03150).

s_i <- embedding(Z_i), v_i <- 0                                 scalars [width] and vectors [3, width] of an atom
(a, b, c)_j = W_2 silu(W_1 s_j + b_1) + b_2,    (A, B, C)(r) = f_cut(r) (W_f g(r) + b_f)
s_i <- s_i + sum_j A(r_ij) a_j                                                                            (Eq. 7)
v_i <- v_i + sum_j B(r_ij) b_j u_ij + C(r_ij) c_j v_j,          u_ij = (r_j - r_i) / r_ij                 (Eq. 8)
(a_ss, a_sv, a_vv) = M_2 silu(M_1 [s, |V v|] + m_1) + m_2
s_i <- s_i + a_ss + a_sv <U v, V v>,   v_i <- v_i + a_vv U v                                         (Eqs. 9, 10)
e_i  = O_2 silu(O_1 s_i + o_1) + o_2
"""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from chemscale.forcefields.activations import silu
from chemscale.forcefields.element_embedding import ElementEmbedding
from chemscale.forcefields.force_field import N_ELEMENTS
from chemscale.forcefields.graph import AtomGraph, distances_of
from chemscale.forcefields.messages import messages
from chemscale.forcefields.models.family_config import FamilyConfig
from chemscale.forcefields.models.schnet import glorot
from chemscale.forcefields.native.library import choose_backend
from chemscale.forcefields.output import AtomwiseOutput
from chemscale.forcefields.radial import bessel_basis, cosine_cutoff, even_gaussians, gaussian_basis


class PaiNNConfig(FamilyConfig):
    """Configuration of PaiNN; width is the number of scalar and of vector features."""

    saved_rows: ClassVar[int] = 14

    n_basis: int = Field(20, description="radial functions that resolve a distance", ge=2)
    basis: Literal["bessel", "gaussian"] = Field("bessel", description="radial functions")
    norm_epsilon: float = Field(1e-8, description="added to squared lengths of vectors under the root", gt=0)

    def n_parameters(self, embedding: bool = False) -> int:
        """Closed form; see `FamilyConfig.n_parameters`."""
        w, half = self.width, max(1, self.width // 2)
        layer = (self.n_basis + 1) * 3 * w + (w + 1) * w + (w + 1) * 3 * w
        layer += 2 * w * w + (2 * w + 1) * w + (w + 1) * 3 * w
        return self.depth * layer + (w + 1) * half + half + 1 + (N_ELEMENTS * w if embedding else 0)

    def forward_flops(self, n_atoms: float, n_pairs: float) -> float:
        """Closed form: matrix products and messages (activations and the basis are left out)."""
        w, half = self.width, max(1, self.width // 2)
        per_pair = self.depth * 2 * (self.n_basis * 3 * w + 2 * 8 * w)
        per_atom = self.depth * 2 * (4 * w * w + 6 * w * w + 5 * w * w) + 2 * (w * half + half)
        return n_pairs * per_pair + n_atoms * per_atom


class Sender(nn.Module):
    """What an atom sends: (a, b, c) from its scalars."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scalar_1, self.scalar_2 = nn.Linear(width, width), nn.Linear(width, 3 * width)

    def forward(self, s: Tensor, backend: str, n_rows: int = 3) -> Tensor:
        """The first rows of (a, b, c) side by side: [n, width] -> [n, n_rows * width]."""
        size = n_rows * s.shape[1]
        hidden = silu(self.scalar_1(s), backend)
        return functional.linear(hidden, self.scalar_2.weight[:size], self.scalar_2.bias[:size])


class Update(nn.Module):
    """Scalars and vectors of an atom change each other."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.width, self.epsilon = width, epsilon
        self.mix = nn.Linear(width, 2 * width, bias=False)
        self.gate_1, self.gate_2 = nn.Linear(2 * width, width), nn.Linear(width, 3 * width)

    def forward(self, s: Tensor, v: Tensor, backend: str) -> tuple[Tensor, Tensor]:
        """New scalars [n_atoms, width] and vectors [3, n_atoms, width]."""
        normed, carried = self.mix(v).chunk(2, dim=-1)  # V v and U v
        length = (normed.square().sum(0) + self.epsilon).sqrt()
        gates = self.gate_2(silu(self.gate_1(torch.cat([s, length], dim=-1)), backend))
        a_ss, a_vv, a_sv = gates.chunk(3, dim=-1)
        return s + a_ss + a_sv * (normed * carried).sum(0), v + a_vv * carried


class PaiNN(nn.Module):
    """Atomic energies from equivariant messages. Linear layers start with Glorot-uniform weights and no bias."""

    centres: Tensor
    widths: Tensor

    def __init__(self, config: PaiNNConfig, species: Sequence[int]) -> None:
        super().__init__()
        self.config = config
        width, half = config.width, max(1, config.width // 2)
        self.embedding = ElementEmbedding(width, species)
        self.filters = nn.Linear(config.n_basis, config.depth * 3 * width)
        self.senders = nn.ModuleList(Sender(width) for _ in range(config.depth))
        self.updates = nn.ModuleList(Update(width, config.norm_epsilon) for _ in range(config.depth))
        self.readout_1, self.readout_2 = nn.Linear(width, half), nn.Linear(half, 1)
        centres, widths = even_gaussians(config.n_basis, config.cutoff)
        self.register_buffer("centres", centres, persistent=False)
        self.register_buffer("widths", widths, persistent=False)
        self.apply(glorot)

    def forward(self, graph: AtomGraph, positions: Tensor) -> AtomwiseOutput:
        """Atomic energies; see `Network`."""
        backend = choose_backend(self.config.backend, positions)
        between = graph.vectors(positions)
        r = distances_of(between)
        basis, units = self._basis(r), between / r.unsqueeze(-1)
        s = self.embedding(graph.atomic_numbers)
        v: Tensor | None = None
        layers = zip(self._filter_weights(), self.senders, self.updates, strict=True)
        for k, (weight, sender, update) in enumerate(layers):
            if k == 0:  # nothing but elements is known, and v is zero: no c and C
                sent = self.embedding.after(partial(sender, backend=backend, n_rows=2), graph.atomic_numbers)
            else:
                sent = sender(s, backend)
            ds, dv = messages(graph, functional.linear(basis, weight), sent, v, units, backend)
            s, v = update(s + ds, dv if v is None else v + dv, backend)
        return AtomwiseOutput(self.readout_2(silu(self.readout_1(s), backend)).squeeze(-1))

    def _basis(self, r: Tensor) -> Tensor:
        """f_cut(r) [g(r), 1] and zeros up to a multiple of eight columns, for which matrix products are faster."""
        envelope = cosine_cutoff(r, self.config.cutoff).unsqueeze(-1)
        if self.config.basis == "bessel":
            basis = bessel_basis(r, self.config.n_basis, self.config.cutoff)
        else:
            basis = gaussian_basis(r, self.centres, self.widths)
        return self._padded(basis * envelope, envelope)

    def _padded(self, basis: Tensor, last: Tensor) -> Tensor:
        return functional.pad(torch.cat([basis, last], dim=-1), (0, -(self.config.n_basis + 1) % 8))

    def _filter_weights(self) -> list[Tensor]:
        """Weights and biases of every layer's filters on the columns of `_basis`; without C in the first layer."""
        weights = self._padded(self.filters.weight, self.filters.bias.unsqueeze(-1))
        first, *others = weights.split(3 * self.config.width)
        return [first[: 2 * self.config.width], *others]
