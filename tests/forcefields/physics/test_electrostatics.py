"""Point charges far apart, damped ones near, and charges that add up."""

import math

import pytest
import torch

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.physics.electrostatics import conserve_charge, electrostatic_energies, switch
from chemscale.forcefields.physics.molecule_pairs import molecule_pairs
from chemscale.forcefields.segments import Segments


def molecules(*counts: int, charges: tuple[float, ...] = ()) -> AtomGraph:
    """Frames of so many atoms, without pairs within the cutoff."""
    frame = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    none = Segments.of(torch.zeros(0, dtype=torch.int64), len(frame))
    given = torch.tensor(charges or [0.0] * len(counts))
    return AtomGraph(torch.ones_like(frame), Segments.of(frame, len(counts)), none, none, None, given, given * 0)


@pytest.mark.parametrize(("r", "kernel"), [(40.0, 1 / 40.0), (3.76, 1 / 3.76), (1.2, 1 / math.sqrt(1.44 + 1.0))])
def test_coulomb_beyond_three_quarters_of_the_cutoff_and_damped_within_a_quarter(r: float, kernel: float) -> None:
    pairs = molecule_pairs(molecules(2))
    charges = torch.tensor([0.5, -0.25], dtype=torch.float64)
    energies = electrostatic_energies(pairs, torch.tensor([r], dtype=torch.float64), charges, cutoff=5.0)
    assert energies[0].item() == energies[1].item()
    assert energies.sum().item() == pytest.approx(14.399645 * 0.5 * -0.25 * kernel, rel=1e-6)


def test_three_charges_by_hand() -> None:
    positions = torch.tensor([[0.0, 0, 0], [6.0, 0, 0], [0, 8.0, 0]], dtype=torch.float64)
    charges = torch.tensor([1.0, -0.6, 0.2], dtype=torch.float64)
    pairs = molecule_pairs(molecules(3))
    energies = electrostatic_energies(pairs, pairs.distances(positions), charges, cutoff=5.0)
    by_hand = 14.399645351950548 * torch.tensor([-0.6 / 6 + 0.2 / 8, -0.6 / 6 - 0.12 / 10, 0.2 / 8 - 0.12 / 10]) / 2
    torch.testing.assert_close(energies, by_hand.double(), rtol=1e-6, atol=0)


def test_the_switch_is_smooth_symmetric_and_flat_at_its_ends() -> None:
    r = torch.linspace(0.5, 4.5, 401, dtype=torch.float64, requires_grad=True)
    values = switch(r, 1.25, 3.75)
    (slope,) = torch.autograd.grad(values.sum(), r)
    assert (values[r <= 1.25] == 1).all() and (values[r >= 3.75] == 0).all()
    assert (slope <= 0).all() and torch.isfinite(slope).all()
    torch.testing.assert_close(values + values.flip(0), torch.ones_like(values), rtol=0, atol=1e-12)
    assert switch(torch.tensor([2.5]), 1.25, 3.75).item() == 0.5
    assert abs(slope[(r - 1.3).abs().argmin()].item()) < 1e-6


def test_missing_charge_is_spread_evenly_over_a_frame() -> None:
    graph = molecules(3, 1, 2, charges=(1.0, -2.0, 0.0))
    charges = conserve_charge(torch.tensor([0.1, 0.2, 0.3, 5.0, 0.5, -0.3], dtype=torch.float64), graph)
    expected = [0.1 + 0.4 / 3, 0.2 + 0.4 / 3, 0.3 + 0.4 / 3, -2.0, 0.4, -0.4]
    torch.testing.assert_close(charges.tolist(), expected, rtol=0, atol=1e-12)
