"""Atoms refined by their neighbours and by all atoms of the molecule (Unke et al. 2021, Eqs. 11 and 12).

x~ = residual(x)
l  = perceptron(c + s + <P1 p, P2 p> + <D1 d, D2 d>)     c, and what s, p, d sum: perceptrons of x~
n  = attention(q, k, v)                                  q, k, v: perceptrons of x~
x  = residual(x~ + l + n),    y = perceptron(x)
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.segments import Segments
from chemscale.forcefields.spooky.attention import (
    MoleculeLayout,
    exact_attention,
    favor_attention,
    random_directions,
)
from chemscale.forcefields.spooky.directional_sums import PARTS, directional_sums
from chemscale.forcefields.spooky.residual import Residual, ResidualPerceptron

Attention = Literal["softmax", "favor", "none"]
N_LOCAL, N_NONLOCAL = 4, 3  # perceptrons for c, s, p, d, and for q, k, v


class Surroundings(NamedTuple):
    """What an interaction knows of the geometry.

    Attributes:
        graph: atoms and pairs.
        basis: radial basis of every pair [n_pairs, n_basis].
        angles: `harmonics` of every pair [n_pairs, 9].
        layout: the atoms of each molecule; None without attention.
        native: whether sums and activations are those in C++.
    """

    graph: AtomGraph
    basis: Tensor
    angles: Tensor
    layout: MoleculeLayout | None
    native: bool


class InteractionModule(nn.Module):
    """One interaction of width features.

    Args:
        width: F.
        n_basis: radial basis functions.
        attention: of all atoms of the molecule.
    """

    omega: Tensor

    def __init__(self, width: int, n_basis: int, attention: Attention) -> None:
        super().__init__()
        self.attention = attention
        stack = N_LOCAL if attention == "none" else N_LOCAL + N_NONLOCAL
        self.before = Residual(1, width)
        self.views = ResidualPerceptron(stack, width, zero=tuple(range(N_LOCAL, stack)))
        self.radial = nn.Linear(n_basis, 3 * width, bias=False)
        self.project_p = nn.Linear(width, 2 * width, bias=False)
        self.project_d = nn.Linear(width, 2 * width, bias=False)
        self.local = ResidualPerceptron(1, width, zero=(0,))
        self.after = Residual(1, width)
        self.out = ResidualPerceptron(1, width)
        for block in self.radial.weight.data.split(width):
            nn.init.orthogonal_(block)
        nn.init.orthogonal_(self.project_p.weight)
        nn.init.orthogonal_(self.project_d.weight)
        if attention == "favor":
            self.register_buffer("omega", random_directions(width))

    def forward(self, x: Tensor, kinds: Segments | None, around: Surroundings) -> tuple[Tensor, Tensor]:
        """New features, and what they add to the output.

        Args:
            x: features of atoms [n_atoms, width], or of kinds of atoms [n_kinds, width].
            kinds: which kind every atom is, where `x` is of kinds.
            around: the geometry.

        Returns:
            Two tensors [n_atoms, width].
        """
        x = self.before(x.unsqueeze(0), around.native)
        views = self.views(x, around.native)
        if kinds is not None:
            x, views = (kinds.gather(rows.transpose(0, 1)).transpose(0, 1) for rows in (x, views))
        own, sent, *asked = views.split((1, N_LOCAL - 1, *[1] * (len(views) - N_LOCAL)))
        x = x + self._from_neighbours(own, sent, around)
        if around.layout is not None:
            query, key, value = (rows.squeeze(0) for rows in asked)
            x = x + self._from_molecule(query, key, value, around.layout).unsqueeze(0)
        x = self.after(x, around.native)
        return x.squeeze(0), self.out(x, around.native).squeeze(0)

    def _from_neighbours(self, own: Tensor, sent: Tensor, around: Surroundings) -> Tensor:
        """[1, n_atoms, width] and [3, n_atoms, width] -> [1, n_atoms, width]."""
        filters = self.radial(around.basis).unflatten(-1, (3, -1))
        s, p, d = directional_sums(around.graph, filters, around.angles, sent, around.native).split(PARTS)
        local: Tensor = self.local(own + s + _squared(self.project_p(p)) + _squared(self.project_d(d)), around.native)
        return local

    def _from_molecule(self, query: Tensor, key: Tensor, value: Tensor, layout: MoleculeLayout) -> Tensor:
        """[n_atoms, width] three times -> [n_atoms, width]."""
        if self.attention == "favor":
            return favor_attention(query, key, value, layout, self.omega)
        return exact_attention(query, key, value, layout)


def _squared(projected: Tensor) -> Tensor:
    """The inner product over components of both halves: [n_components, n_atoms, 2 width] -> [1, n_atoms, width]."""
    left, right = torch.chunk(projected, 2, dim=-1)
    return (left * right).sum(0, keepdim=True)
