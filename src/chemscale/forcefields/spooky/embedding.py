"""The features that atoms start from: element, and the molecule's charge and spin (Unke et al. 2021, Eqs. 9 and 10).

e_Z   = table_Z + M d_Z                        d_Z: the element's electron configuration
psi   = (max(Q, 0), max(-Q, 0)) for the charge, |S| for S unpaired electrons
a_i   = softplus(q_i . k / sqrt(F)),           q_i = W_q e_Z + b,   k = W_k psi / max(psi, 1)
e_psi = perceptron(a_i / sum_j a_j  W_v psi),  without bias: zero for psi = 0
x_i   = e_Z + e_Q + e_S
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.physics.electron_configurations import LAST_ELEMENT, N_DESCRIPTORS, descriptors
from chemscale.forcefields.spooky.atom_kinds import AtomKinds
from chemscale.forcefields.spooky.residual import ResidualPerceptron

SMALL = 1e-8


class NuclearEmbedding(nn.Module):
    """e_Z = table_Z + M d_Z for the elements of a force field.

    The public code starts with table and M at zero. All features and charges are then zero, the forces' derivative
    with respect to every weight vanishes, and training on forces alone never leaves that point. Here the table starts
    uniform with unit variance and M orthogonal, that code's other choice.
    """

    descriptors: Tensor
    species: Tensor

    def __init__(self, width: int, species: Sequence[int]) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(LAST_ELEMENT + 1, width))
        self.configuration = nn.Linear(N_DESCRIPTORS, width, bias=False)
        nn.init.uniform_(self.table, -math.sqrt(3.0), math.sqrt(3.0))
        nn.init.orthogonal_(self.configuration.weight)
        self.register_buffer("species", torch.tensor(species), persistent=False)
        self.register_buffer("descriptors", torch.from_numpy(descriptors())[self.species], persistent=False)

    def forward(self) -> Tensor:
        """Features of the species [n_species, width]."""
        embedded: Tensor = self.configuration(self.descriptors.to(self.table.dtype))
        return self.table.index_select(0, self.species) + embedded


class ElectronicEmbedding(nn.Module):
    """How a molecule's charge (two channels, by sign) or spin (one channel) spreads over its atoms."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(channels, width, bias=False)
        self.value = nn.Linear(channels, width, bias=False)
        self.perceptron = ResidualPerceptron(1, width, bias=False)
        nn.init.zeros_(self.perceptron.linear.weight)
        for linear in (self.query, self.key, self.value):
            nn.init.orthogonal_(linear.weight)
        nn.init.zeros_(self.query.bias)

    def forward(self, elements: Tensor, psi: Tensor, kinds: AtomKinds, native: bool) -> Tensor:
        """Features to add.

        Args:
            elements: e_Z of the species [n_species, width].
            psi: [n_frames + 1, channels]; the last row is zero.
            kinds: the kinds of atoms.
            native: whether activations are those in C++.

        Returns:
            [n_kinds, width].
        """
        query = self.query(elements)[kinds.element]
        key = self.key(psi / psi.clamp(min=1.0))[kinds.frame]
        weight = functional.softplus((query * key).sum(-1) / math.sqrt(query.shape[-1]))
        total = weight.new_zeros(psi.shape[0]).index_add(0, kinds.frame, weight * kinds.counts)
        share = weight / (total[kinds.frame] + SMALL)
        values = share.unsqueeze(-1) * self.value(psi)[kinds.frame]
        spread: Tensor = self.perceptron(values.unsqueeze(0), native)
        return spread.squeeze(0)


class AtomEmbedding(nn.Module):
    """x_i = e_Z + e_Q + e_S."""

    def __init__(self, width: int, species: Sequence[int]) -> None:
        super().__init__()
        self.nuclear = NuclearEmbedding(width, species)
        self.charge = ElectronicEmbedding(width, channels=2)
        self.spin = ElectronicEmbedding(width, channels=1)

    def forward(self, graph: AtomGraph, kinds: AtomKinds, native: bool) -> Tensor:
        """Features of every kind of atom [n_kinds, width]."""
        elements: Tensor = self.nuclear()
        if not kinds.charged:  # both other terms are exactly zero
            return elements
        charges = functional.pad(graph.charges.to(elements.dtype), (0, 1)).unsqueeze(-1)
        unpaired = functional.pad(graph.unpaired.to(elements.dtype), (0, 1)).unsqueeze(-1)
        by_sign = functional.relu(torch.cat([charges, -charges], dim=-1))
        features = elements[kinds.element] + self.charge(elements, by_sign, kinds, native)
        total: Tensor = features + self.spin(elements, unpaired.abs(), kinds, native)
        return total
