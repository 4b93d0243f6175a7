"""The universal screened potential by hand."""

import math

import pytest
import torch

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.physics.nuclear_repulsion import NuclearRepulsion
from chemscale.forcefields.segments import Segments


def pair_of(first: int, second: int) -> AtomGraph:
    ends = Segments.of(torch.tensor([0]), 2), Segments.of(torch.tensor([1]), 2)
    frames = Segments.of(torch.tensor([0, 0]), 1)
    return AtomGraph(torch.tensor([first, second]), frames, *ends, None, torch.zeros(1), torch.zeros(1))


@pytest.mark.parametrize(("first", "second", "r"), [(1, 1, 0.4), (8, 6, 1.2), (17, 1, 0.9)])
def test_it_starts_as_the_universal_potential(first: int, second: int, r: float) -> None:
    length = 0.8854 * 0.5291772105638411 / (first**0.23 + second**0.23)
    terms = [(0.1818, 3.2), (0.5099, 0.9423), (0.2802, 0.4028), (0.02817, 0.2016)]
    total = sum(share for share, _ in terms)  # the published shares add up to 1.00007
    screening = sum(share / total * math.exp(-decay * r / length) for share, decay in terms)
    expected = 14.399645 * first * second / r * screening * 0.7
    repulsion = NuclearRepulsion().double()
    energies = repulsion(pair_of(first, second), torch.tensor([r]).double(), torch.tensor([0.7]).double())
    assert energies[0].item() == energies[1].item()
    assert energies.sum().item() == pytest.approx(expected, rel=1e-6)


def test_close_nuclei_are_bare() -> None:
    r = 1e-7
    energies = NuclearRepulsion().double()(pair_of(6, 8), torch.tensor([r]).double(), torch.ones(1).double())
    assert energies.sum().item() == pytest.approx(14.399645 * 48 / r, rel=1e-5)


def test_all_constants_are_learned() -> None:
    repulsion = NuclearRepulsion().double()
    repulsion(pair_of(6, 8), torch.tensor([0.8]).double(), torch.ones(1).double()).sum().backward()
    assert all(weights.grad is not None and (weights.grad != 0).all() for weights in repulsion.parameters())
    assert sum(weights.numel() for weights in repulsion.parameters()) == 10
