"""SpookyNet: local and non-local interactions that know charge and spin, with physics at both ends of the distance.

    x_i        = embedding(Z_i, charge, spin)
    x_i, y_i^t = interaction_t(x)_i                  t = 1 .. depth
    e_i, q_i   = W sum_t y_i^t + b_Z,                charges shifted to add up to the frame's
    E          = sum_i [ scale * e_i + repulsion_i + electrostatics_i(q) + dispersion_i(q) ]

(Unke et al. 2021, doi:10.1038/s41467-021-27504-0.) Width is its number of features, depth its number of modules.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from chemscale.base.errors import ConfigError
from chemscale.forcefields.graph import AtomGraph, distances_of
from chemscale.forcefields.models.family_config import FamilyConfig
from chemscale.forcefields.native.library import choose_backend
from chemscale.forcefields.output import AtomwiseOutput
from chemscale.forcefields.physics.dispersion import Dispersion
from chemscale.forcefields.physics.electron_configurations import LAST_ELEMENT, N_DESCRIPTORS
from chemscale.forcefields.physics.electrostatics import conserve_charge, electrostatic_energies
from chemscale.forcefields.physics.molecule_pairs import molecule_pairs
from chemscale.forcefields.physics.nuclear_repulsion import NuclearRepulsion
from chemscale.forcefields.spooky.atom_kinds import atom_kinds
from chemscale.forcefields.spooky.attention import MoleculeLayout
from chemscale.forcefields.spooky.directional_sums import N_COMPONENTS, harmonics
from chemscale.forcefields.spooky.embedding import AtomEmbedding
from chemscale.forcefields.spooky.interaction import N_LOCAL, N_NONLOCAL, InteractionModule, Surroundings
from chemscale.forcefields.spooky.radial_basis import RadialBasis

FIRST_CHARGES = 0.1  # of features of size one; charges of 1 e make forces of several eV/angstrom to unlearn


class SpookyNetConfig(FamilyConfig):
    """Configuration of SpookyNet; width is the number of atom features, depth the number of interaction modules."""

    saved_rows: ClassVar[int] = 72

    n_basis: int = Field(16, description="Bernstein polynomials that resolve a distance", ge=2)
    attention: Literal["softmax", "favor", "none"] = Field(
        "softmax", description="over all atoms of a molecule: exact, with random features, or none"
    )
    repulsion: bool = Field(True, description="screened nuclear repulsion (ZBL)")
    electrostatics: bool = Field(True, description="energy of the partial charges, over all pairs of a molecule")
    dispersion: bool = Field(
        False, description="D4 dispersion with learned damping; wrong for labels without dispersion, needs D4's tables"
    )

    @field_validator("species")
    @classmethod
    def _configured_elements(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if value is not None and max(value) > LAST_ELEMENT:
            raise ValueError(f"expected atomic numbers up to {LAST_ELEMENT}, beyond it no configuration is tabled")
        return value

    @property
    def has_charges(self) -> bool:
        """Whether charges are predicted: where an energy depends on them."""
        return self.electrostatics or self.dispersion

    def n_parameters(self, embedding: bool = False) -> int:
        """Closed form; see `FamilyConfig.n_parameters`."""
        w, outputs = self.width, 1 + self.has_charges
        views = N_LOCAL + (0 if self.attention == "none" else N_NONLOCAL)
        residual, perceptron = 2 * w * w + 6 * w, 3 * w * w + 9 * w
        module = 2 * residual + (views + 2) * perceptron + 4 * w * w + 3 * self.n_basis * w
        electronic = 2 * (4 * w * w + 7 * w) + 6 * w
        physics = (10 if self.repulsion else 0) + (4 if self.dispersion else 0)
        tables = (LAST_ELEMENT + 1) * (w + outputs) if embedding else 0
        return self.depth * module + electronic + N_DESCRIPTORS * w + outputs * w + 1 + physics + tables

    def forward_flops(self, n_atoms: float, n_pairs: float) -> float:
        """Closed form: matrix products and messages of a neutral frame in one frame alone.

        Activations, the basis, attention's scores and physics are left out; the part of the first module that is
        worked out once for every element counts as nothing.
        """
        w = self.width
        views = N_LOCAL + (0 if self.attention == "none" else N_NONLOCAL)
        alone = 2 + 3 * views
        per_atom = self.depth * (alone + 3 + 2 * (N_COMPONENTS - 1) + 2 + 3) - alone
        per_pair = self.depth * (3 * self.n_basis + 2 * (3 + N_COMPONENTS))
        return 2.0 * (n_atoms * per_atom * w * w + n_pairs * per_pair * w)


class SpookyNet(nn.Module):
    """Atomic energies and charges from elements, positions, charge and spin.

    Raises:
        ConfigError: a species beyond radon, whose electron configuration is not tabled.
    """

    position_of: Tensor

    def __init__(self, config: SpookyNetConfig, species: Sequence[int]) -> None:
        super().__init__()
        if max(species) > LAST_ELEMENT:
            raise ConfigError(f"species: {max(species)} is beyond {LAST_ELEMENT}, the last that SpookyNet describes")
        self.config = config
        species = sorted(set(species))
        self.embedding = AtomEmbedding(config.width, species)
        self.basis = RadialBasis(config.n_basis, config.cutoff)
        self.interactions = nn.ModuleList(
            InteractionModule(config.width, config.n_basis, config.attention) for _ in range(config.depth)
        )
        self.output = nn.Linear(config.width, 1 + config.has_charges, bias=False)
        self.element_bias = nn.Parameter(torch.zeros(LAST_ELEMENT + 1, 1 + config.has_charges))
        nn.init.orthogonal_(self.output.weight)
        self.output.weight.data[1:] *= FIRST_CHARGES
        self.repulsion = NuclearRepulsion() if config.repulsion else None
        self.dispersion = Dispersion(species) if config.dispersion else None
        position_of = torch.full((LAST_ELEMENT + 1,), -1)
        position_of[species] = torch.arange(len(species))
        self.register_buffer("position_of", position_of, persistent=False)

    def forward(self, graph: AtomGraph, positions: Tensor) -> AtomwiseOutput:
        """Atomic energies and charges; see `Network`."""
        native = choose_backend(self.config.backend, positions) == "native"
        vectors = graph.vectors(positions)
        r = distances_of(vectors)
        envelope = self.basis.envelope(r)
        layout = None if self.config.attention == "none" else MoleculeLayout.of(graph)
        angles = harmonics(vectors / r.unsqueeze(-1))
        outputs = self._outputs(graph, Surroundings(graph, self.basis(r, envelope), angles, layout, native))
        charges = conserve_charge(outputs[:, 1], graph) if self.config.has_charges else None
        physics = self._physics(graph, positions, r, envelope, charges)
        return AtomwiseOutput(outputs[:, 0], physics, charges)

    def _outputs(self, graph: AtomGraph, around: Surroundings) -> Tensor:
        """The network's energy and, where there is one, charge of every atom [n_atoms, 1 or 2]."""
        elements = self.position_of[graph.atomic_numbers]
        kinds = atom_kinds(graph, elements, len(self.embedding.nuclear.species))
        x = self.embedding(graph, kinds, around.native)
        outs = []
        for index, interaction in enumerate(self.interactions):
            x, out = interaction(x, kinds.of_atom if index == 0 else None, around)
            outs.append(out)
        outputs: Tensor = self.output(sum(outs[1:], start=outs[0])) + self.element_bias[graph.atomic_numbers]
        return outputs

    def _physics(
        self, graph: AtomGraph, positions: Tensor, r: Tensor, envelope: Tensor, charges: Tensor | None
    ) -> Tensor | None:
        """Energies in eV that no scale touches [n_atoms]."""
        parts = []
        if self.repulsion is not None:
            parts.append(self.repulsion(graph, r, envelope))
        if charges is not None:
            pairs = molecule_pairs(graph)
            distances = pairs.distances(positions)
            if self.config.electrostatics:
                parts.append(electrostatic_energies(pairs, distances, charges, self.config.cutoff))
            if self.dispersion is not None:
                parts.append(self.dispersion(pairs, distances, charges, self.position_of[graph.atomic_numbers]))
        return sum(parts[1:], start=parts[0]) if parts else None
