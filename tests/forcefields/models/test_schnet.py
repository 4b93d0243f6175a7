import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from chemscale.base.errors import UserError
from chemscale.forcefields.families import build_model
from chemscale.forcefields.force_field import N_ELEMENTS
from chemscale.forcefields.models.schnet import SchNetConfig
from chemscale.forcefields.pairs import graph_of

PARITY = Path(__file__).parents[3] / "benchmarks" / "parity" / "schnetpack_parity.py"
NEURAL_FORCE_FIELD = {"n_gaussians": 32, "trainable_gaussians": True, "filter_hidden": "gaussians"}
NEURAL_FORCE_FIELD |= {"cutoff_function": "none", "input_bias": True, "readout": "ssp"}


@pytest.mark.parametrize("program", ["schnetpack", "neural_force_field"])
def test_energies_and_forces_are_those_of_public_programs(
    assert_golden: Callable[[str, str, str], None], program: str, backend: str
) -> None:
    assert_golden("schnet", program, backend)


def test_agrees_with_schnetpack_where_it_is_installed() -> None:
    pytest.importorskip("schnetpack")
    run = subprocess.run([sys.executable, str(PARITY)], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("largest difference") == 4


@pytest.mark.parametrize(
    ("settings", "width", "depth", "published"),
    [
        ({"n_gaussians": 32}, 64, 3, 64_577),  # SchNetPack 2.1.1
        (NEURAL_FORCE_FIELD, 16, 4, 11_601),
        (NEURAL_FORCE_FIELD, 64, 3, 55_649),
        (NEURAL_FORCE_FIELD, 256, 4, 886_401),
        (NEURAL_FORCE_FIELD, 128, 4, 240_641),  # LitMatter's notebook
    ],
)
def test_as_many_parameters_as_the_public_programs(
    settings: dict[str, Any], width: int, depth: int, published: int
) -> None:
    config = SchNetConfig(width=width, depth=depth, **settings)
    assert config.n_parameters() + 100 * width == published  # their tables have a hundred elements
    assert config.n_parameters(embedding=True) == config.n_parameters() + N_ELEMENTS * width


def test_the_closed_form_of_work_is_what_torch_counts() -> None:
    config = SchNetConfig(width=24, depth=3)
    positions = np.random.default_rng(0).normal(size=(9, 3)) * 1.5
    graph = graph_of([6] * 9, positions, config.cutoff)
    model = build_model("schnet", species=[6], width=24, depth=3, backend="torch")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.network(graph, torch.from_numpy(positions).float())
    messages = config.depth * graph.n_pairs * 4 * config.width
    spared = 2 * (9 - 1) * config.width**2  # the first layer sees one element, not nine atoms
    assert counter.get_total_flops() == config.forward_flops(9, graph.n_pairs) - messages - spared


def test_without_a_cutoff_function_energies_jump_at_the_cutoff() -> None:
    def jump(**settings: Any) -> float:
        model = build_model("schnet", species=[6, 8], width=8, depth=2, cutoff=3.0, **settings).double()
        energies = []
        for distance in (3.0 - 1e-6, 3.0 + 1e-6):
            positions = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, distance]], dtype=torch.float64)
            energies.append(float(model.predict(graph_of([6, 8], positions.numpy(), 3.0), positions).energies))
        return abs(energies[1] - energies[0])

    assert jump(cutoff_function="none") > 1e-4
    assert jump() < 1e-10


def test_gaussians_that_learn_have_gradients() -> None:
    model = build_model("schnet", species=[6], width=8, depth=2, trainable_gaussians=True)
    positions = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.2, 0.3], [1.1, -0.4, 0.0]])
    prediction = model.predict(graph_of([6, 6, 6], positions.numpy(), 5.0), positions, create_graph=True)
    prediction.forces.square().sum().backward()
    for layer in model.network.layers:
        assert layer.centres.grad.abs().sum() > 0 and layer.widths.grad.abs().sum() > 0


def test_native_on_another_dtype_is_refused_with_a_way_out() -> None:
    model = build_model("schnet", species=[6], width=8, depth=1, backend="native").to(torch.bfloat16)
    positions = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.2, 0.3]], dtype=torch.bfloat16)
    with pytest.raises(UserError, match=r"bfloat16.*'auto'"):
        model.predict(graph_of([6, 6], positions.float().numpy(), 5.0), positions)


@pytest.mark.slow
def test_torch_compile_gives_the_same_loss_and_gradients() -> None:
    model = build_model("schnet", species=[6, 8], width=8, depth=2)
    positions = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.2, 0.3], [1.1, -0.4, 0.0]])
    graph = graph_of([6, 8, 6], positions.numpy(), 5.0)

    def loss(positions: torch.Tensor) -> torch.Tensor:
        return model.predict(graph, positions, create_graph=True).forces.square().mean()

    compiled = torch.compile(loss, dynamic=True, fullgraph=True, backend="aot_eager")
    parameters = [p for name, p in model.named_parameters() if "readout_2.bias" not in name]
    own, other = (torch.autograd.grad(function(positions), parameters) for function in (loss, compiled))
    for one, two in zip(own, other, strict=True):
        torch.testing.assert_close(two, one, rtol=1e-4, atol=1e-7)
