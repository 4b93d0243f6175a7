import pytest
import torch
from torch import Tensor, nn

from chemscale.base.errors import DataError
from chemscale.forcefields.force_field import N_ELEMENTS, ForceField
from chemscale.forcefields.graph import AtomGraph, distances_of
from chemscale.forcefields.output import AtomwiseOutput
from chemscale.forcefields.pairs import graph_of
from chemscale.forcefields.structure_batches import joined


class Springs(nn.Module):
    """Pairs at rest 1 angstrom apart, half of a pair's energy on each atom; optionally with physics and charges."""

    def __init__(self, physics: float | None = None) -> None:
        super().__init__()
        self.stiffness = nn.Parameter(torch.tensor(2.0))
        self.physics = physics

    def forward(self, graph: AtomGraph, positions: Tensor) -> AtomwiseOutput:
        stretched = self.stiffness * (distances_of(graph.vectors(positions)) - 1).square() / 4
        energies = graph.first.sum(stretched) + graph.second.sum(stretched)
        if self.physics is None:
            return AtomwiseOutput(energies)
        constant = torch.full_like(energies, self.physics)
        return AtomwiseOutput(energies, physics=constant, charges=graph.atomic_numbers - 4.5)


def spring(physics: float | None = None) -> tuple[ForceField, AtomGraph, Tensor]:
    """H and O 1.5 angstrom apart."""
    positions = torch.tensor([[0.0, 0.0, 0.0], [1.5, 0.0, 0.0]], dtype=torch.float64)
    return ForceField(Springs(physics), (1, 8), 5.0).double(), graph_of([1, 8], positions.numpy(), 5.0), positions


def test_energy_and_forces_are_those_of_the_network_times_the_scale() -> None:
    model, graph, positions = spring()
    references = torch.zeros(N_ELEMENTS, dtype=torch.float64)
    references[1], references[8] = -13.0, -2000.0
    model.set_units(3.0, references)
    prediction = model.predict(graph, positions)
    assert float(prediction.energies) == pytest.approx(3.0 * 2.0 * 0.25 / 2 - 2013.0)
    assert prediction.forces[:, 0].tolist() == pytest.approx([3.0, -3.0])
    assert prediction.charges is None


def test_the_scale_does_not_touch_physics() -> None:
    model, graph, positions = spring(physics=0.5)
    model.set_units(3.0, torch.zeros(N_ELEMENTS))
    prediction = model.predict(graph, positions)
    assert float(prediction.energies) == pytest.approx(0.75 + 1.0)
    assert prediction.charges is not None and prediction.charges.tolist() == [-3.5, 3.5]


def test_reference_energies_are_per_atom_of_every_frame() -> None:
    model, graph, _ = spring()
    references = torch.zeros(N_ELEMENTS)
    references[1], references[8] = 1.0, 10.0
    model.set_units(1.0, references)
    lone = graph_of([8], torch.zeros(1, 3).numpy(), 5.0)
    assert model.reference_energies(joined([graph, lone, graph])).tolist() == [11, 10, 11]


def test_large_references_keep_small_differences() -> None:
    model, graph, positions = spring()
    references = torch.zeros(N_ELEMENTS, dtype=torch.float64)
    references[8] = -54321.0
    model.float().set_units(1.0, references)
    moved = positions.clone()
    moved[1, 0] += 1e-3
    energies = [float(model.predict(graph, at.float()).energies) for at in (positions, moved)]
    assert energies[1] - energies[0] == pytest.approx(1e-3 + 1e-6, rel=1e-2)


def test_the_loss_of_forces_reaches_the_parameters() -> None:
    model, graph, positions = spring()
    prediction = model.predict(graph, positions, create_graph=True)
    prediction.forces.square().sum().backward()
    stiffness = model.network.stiffness
    assert isinstance(stiffness, nn.Parameter) and stiffness.grad is not None
    assert float(stiffness.grad) == pytest.approx(2 * 2 * 0.5 * (2.0 * 0.5))  # d/dk of 2 (k x)^2


def test_predicts_under_no_grad_too() -> None:
    model, graph, positions = spring()
    with torch.no_grad():
        assert model.predict(graph, positions).forces[:, 0].tolist() == pytest.approx([1.0, -1.0])


def test_unknown_elements_are_named() -> None:
    model, _, _ = spring()
    model.check_species(torch.tensor([1, 8, 8]))
    with pytest.raises(DataError, match=r"atomic number 79.*atomic numbers 1, 8"):
        model.check_species(torch.tensor([1, 79]))


def test_scale_and_references_are_part_of_the_weights() -> None:
    model, graph, positions = spring()
    model.set_units(3.0, torch.ones(N_ELEMENTS))
    other, _, _ = spring()
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.predict(graph, positions).energies, model.predict(graph, positions).energies)
