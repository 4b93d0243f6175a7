from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from chemscale.forcefields.families import build_model
from chemscale.forcefields.force_field import N_ELEMENTS
from chemscale.forcefields.models.painn import PaiNNConfig
from chemscale.forcefields.pairs import graph_of


@pytest.mark.parametrize("program", ["schnetpack", "neural_force_field"])
def test_energies_and_forces_are_those_of_public_programs(
    assert_golden: Callable[[str, str, str], None], program: str, backend: str
) -> None:
    assert_golden("painn", program, backend)


@pytest.mark.parametrize(
    ("width", "depth", "published"), [(16, 2, 9_649), (16, 4, 17_553), (64, 3, 157_313), (256, 4, 3_014_913)]
)
def test_as_many_parameters_as_the_public_programs(width: int, depth: int, published: int) -> None:
    config = PaiNNConfig(width=width, depth=depth)
    assert config.n_parameters() + 100 * width == published  # their tables have a hundred elements
    assert config.n_parameters(embedding=True) == config.n_parameters() + N_ELEMENTS * width


def test_the_closed_form_of_work_is_what_torch_counts() -> None:
    config = PaiNNConfig(width=24, depth=3)
    w, n_atoms = config.width, 9
    positions = np.random.default_rng(0).normal(size=(n_atoms, 3)) * 1.5
    graph = graph_of([6] * n_atoms, positions, config.cutoff)
    model = build_model("painn", species=[6], width=w, depth=3, backend="torch")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.network(graph, torch.from_numpy(positions).float())
    counted = counter.get_total_flops()
    counted += 2 * (4 * w * w) * n_atoms - 2 * (3 * w * w)  # the first layer: one element, two rows, not three
    counted += 2 * graph.n_pairs * 24 * w - 2 * graph.n_pairs * 4 * 3 * w * config.depth  # 2 rows; 24 columns, not 20
    messages = config.depth * graph.n_pairs * 2 * 2 * 8 * w
    assert counted == config.forward_flops(n_atoms, graph.n_pairs) - messages


@pytest.mark.parametrize("basis", ["bessel", "gaussian"])
def test_vectors_reach_the_energy(basis: str) -> None:
    """Two mirror images with the same distances to each atom's neighbours differ by angles only: so does the energy."""
    model = build_model("painn", species=[6], width=8, depth=2, cutoff=1.5, basis=basis, seed=1).double()
    bent = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [-0.6, 0.9, 0.0], [1.6, 0.9, 0.0]], dtype=torch.float64)
    twisted = bent.clone()
    twisted[3, 1] *= -1
    energies = []
    for positions in (bent, twisted):
        graph = graph_of([6] * 4, positions.numpy(), 1.5)
        assert graph.n_pairs == 3
        energies.append(float(model.predict(graph, positions).energies))
    assert abs(energies[0] - energies[1]) > 1e-7
