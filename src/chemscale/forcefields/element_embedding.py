"""A learned row for every element, and what a layer makes of it."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from chemscale.forcefields.force_field import N_ELEMENTS


class ElementEmbedding(nn.Module):
    """One row of features for every element, drawn from a normal distribution.

    The table has a row for every element there is, so that the initial weights do not depend on which ones occur.
    """

    species: Tensor
    places: Tensor

    def __init__(self, width: int, species: Sequence[int]) -> None:
        super().__init__()
        self.table = nn.Embedding(N_ELEMENTS, width)
        places = torch.zeros(N_ELEMENTS, dtype=torch.int64)
        places[list(species)] = torch.arange(len(species))
        self.register_buffer("species", torch.tensor(species), persistent=False)
        self.register_buffer("places", places, persistent=False)

    def forward(self, atomic_numbers: Tensor) -> Tensor:
        """The rows of atoms: [n_atoms] -> [n_atoms, width]."""
        rows: Tensor = self.table(atomic_numbers)
        return rows

    def after(self, layer: Callable[[Tensor], Tensor], atomic_numbers: Tensor) -> Tensor:
        """`layer` of the rows of atoms, evaluated once for every element that occurs: [n_atoms] -> [n_atoms, ...]."""
        return functional.embedding(self.places[atomic_numbers], layer(self.table(self.species)))
