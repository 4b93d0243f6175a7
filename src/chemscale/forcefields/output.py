"""What every family's network gives for a graph."""

from typing import NamedTuple, Protocol

from torch import Tensor

from chemscale.forcefields.graph import AtomGraph


class AtomwiseOutput(NamedTuple):
    """Per atom; what a family does not have is None.

    Attributes:
        energies: learned energies in units of the force field's scale [n_atoms].
        physics: energies in eV that the scale does not touch: nuclear repulsion, electrostatics, dispersion [n_atoms].
        charges: partial charges in e [n_atoms]; they add up to the frame's charge.
    """

    energies: Tensor
    physics: Tensor | None = None
    charges: Tensor | None = None


class Network(Protocol):
    """A family's network: any nn.Module with this call."""

    def __call__(self, graph: AtomGraph, positions: Tensor) -> AtomwiseOutput:
        """Atomic energies of a graph at positions in angstrom [n_atoms, 3], differentiable twice in them."""
