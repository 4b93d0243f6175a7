"""A force field: a family's network, the scale of its energies and the reference energies of its elements.

    E = sum_i [ scale * e_i + physics_i + reference(Z_i) ]        F = -dE/dR

Reference energies and scale are per atom. (A molecule's mean energy as a shift of every atom, as one public code
applies it, adds the mean once for each atom, and lets energies drift with the number of atoms.)
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from chemscale.base.errors import DataError
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.output import AtomwiseOutput

N_ELEMENTS = 119


class Prediction(NamedTuple):
    """Energies, forces and, where the family has them, charges of all frames of a graph.

    Attributes:
        energies: in eV [n_frames], float64.
        forces: in eV/angstrom [n_atoms, 3].
        charges: in e [n_atoms].
    """

    energies: Tensor
    forces: Tensor
    charges: Tensor | None


class ForceField(nn.Module):
    """A network with units: positions in angstrom, energies in eV, forces in eV/angstrom, charges in e.

    Args:
        network: gives atomic energies, see `Network`.
        species: atomic numbers it knows.
        cutoff: in angstrom; graphs hold the pairs within it.
    """

    scale: Tensor
    references: Tensor
    known: Tensor

    def __init__(self, network: nn.Module, species: Sequence[int], cutoff: float) -> None:
        super().__init__()
        self.network = network
        self.species = tuple(sorted({int(number) for number in species}))
        self.cutoff = cutoff
        known = torch.zeros(N_ELEMENTS, dtype=torch.bool)
        known[list(self.species)] = True
        self.register_buffer("known", known, persistent=False)
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("references", torch.zeros(N_ELEMENTS, dtype=torch.float64))

    def set_units(self, scale: float, references: Tensor) -> None:
        """Set the scale in eV and the elements' reference energies in eV [N_ELEMENTS]."""
        self.scale.fill_(scale)
        self.references.copy_(references)

    def restrict(self, atomic_numbers: Sequence[int]) -> None:
        """Know these elements only, those that it was trained on."""
        self.known.fill_(False)
        self.known[list(atomic_numbers)] = True

    def check_species(self, atomic_numbers: Tensor) -> None:
        """See that every element is known.

        Raises:
            DataError: one is not; the message names it.
        """
        unknown = atomic_numbers[~self.known[atomic_numbers]]
        if unknown.numel():
            raise DataError(
                f"element with atomic number {int(unknown[0])}: this force field was made for the atomic numbers "
                f"{', '.join(map(str, torch.nonzero(self.known).flatten().tolist()))}; train one on frames that hold it"
            )

    def forward(self, graph: AtomGraph, positions: Tensor) -> tuple[Tensor, Tensor | None]:
        """Energies without the reference energies, in eV [n_frames] in the network's precision, and charges."""
        output: AtomwiseOutput = self.network(graph, positions)
        atomic = output.energies * self.scale.to(output.energies.dtype)
        if output.physics is not None:
            atomic = atomic + output.physics
        return graph.frames.sum(atomic), output.charges

    def reference_energies(self, graph: AtomGraph) -> Tensor:
        """The sum of the elements' reference energies, in eV [n_frames], float64."""
        return graph.frames.sum(self.references[graph.atomic_numbers].unsqueeze(-1)).squeeze(-1)

    def predict(self, graph: AtomGraph, positions: Tensor, create_graph: bool = False) -> Prediction:
        """Energies and forces.

        Args:
            graph: the frames.
            positions: in angstrom [n_atoms, 3].
            create_graph: keep what a derivative of the forces with respect to parameters needs (training).
        """
        if torch.compiler.is_compiling():
            return self._predict_traced(graph, positions)
        with torch.enable_grad():
            positions = positions.detach().requires_grad_()
            interaction, charges = self.forward(graph, positions)
            (gradient,) = torch.autograd.grad(interaction.sum(), positions, create_graph=create_graph)
        if not create_graph:
            interaction, charges = interaction.detach(), None if charges is None else charges.detach()
        return Prediction(interaction.double() + self.reference_energies(graph), -gradient, charges)

    def _predict_traced(self, graph: AtomGraph, positions: Tensor) -> Prediction:
        # torch.compile follows torch.func.grad, and not a call of autograd whose result is differentiated again
        def total(at: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
            interaction, charges = self.forward(graph, at)
            return interaction.sum(), (interaction,) if charges is None else (interaction, charges)

        gradient, (interaction, *charges) = torch.func.grad(total, has_aux=True)(positions)
        energies = interaction.double() + self.reference_energies(graph)
        return Prediction(energies, -gradient, charges[0] if charges else None)
