"""What the configurations of all families have in common."""

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field, field_validator

from chemscale.base.config import Config
from chemscale.forcefields.native.library import choose_backend


class FamilyConfig(Config):
    """Size and reach of a force field; every family adds its own keys."""

    # numbers that autograd keeps of an atom or pair, per feature and layer: measured at width 64, depth 3, 15 atoms
    saved_rows: ClassVar[int] = 40

    width: int = Field(description="features of an atom (w of Frey et al. 2023)", ge=1)
    depth: int = Field(3, description="interaction layers (d of Frey et al. 2023)", ge=1)
    cutoff: float = Field(5.0, description="radius within which atoms see each other, in angstrom", gt=0)
    backend: Literal["auto", "torch", "native"] = Field("auto", description="of the sums over pairs: torch or native")
    species: tuple[int, ...] | None = Field(None, description="atomic numbers; taken from the data if not given")

    @field_validator("species")
    @classmethod
    def _known_elements(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if value is not None and (not value or min(value) < 1 or max(value) > 118):
            raise ValueError("expected atomic numbers from 1 to 118")
        return value

    def fitted_to(self, *, species: Sequence[int], mean_neighbours: float) -> Self:
        """The same configuration with what the data decides; families that need more than the elements override it.

        Args:
            species: atomic numbers that occur.
            mean_neighbours: atoms within the cutoff of an atom, on average over the training subset.
        """
        return self.model_copy(update={"species": tuple(species)})

    def kernels(self, device: torch.device) -> str:
        """Which operators the family computes with on a device, for the record: torch or native."""
        return choose_backend(self.backend, torch.empty(0, device=device))

    def capacity(self) -> int:
        """Depth times width, c = d w of Frey et al. 2023."""
        return self.depth * self.width

    def n_parameters(self, embedding: bool = False) -> int:
        """Number of parameters in closed form, without the tables of elements, or with them."""
        raise NotImplementedError

    def forward_flops(self, n_atoms: float, n_pairs: float) -> float:
        """Floating-point operations (two for a multiply-add) of the energy of one frame.

        Args:
            n_atoms: atoms of the frame.
            n_pairs: undirected pairs within the cutoff.
        """
        raise NotImplementedError
