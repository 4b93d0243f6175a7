"""SpookyNet as a whole: beside its public source, its derivatives, its symmetries, and what it refuses."""

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from chemscale.base.errors import ConfigError, DataError
from chemscale.forcefields.families import build_model
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.models.spookynet import SpookyNetConfig
from chemscale.forcefields.native.library import native_available
from chemscale.forcefields.physics.dispersion_tables import FOLDER_VARIABLE
from chemscale.forcefields.spooky.public_weights import correspondences, load_public_weights, part_of

ROOT = Path(__file__).parents[3]
GOLDEN = json.loads((ROOT / "tests/golden/forcefields/spookynet.json").read_text(encoding="utf-8"))
SOURCE = os.environ.get("CHEMSCALE_SPOOKYNET_SOURCE", "")
FRAMES = GOLDEN["frames"]
CUTOFF = GOLDEN["model"]["cutoff"]
TINY = {"width": 4, "depth": 2, "n_basis": 4, "species": (1, 6, 7, 8)}


def parity_script() -> ModuleType:
    """The script that made the golden file: it has the weights' recipe."""
    spec = importlib.util.spec_from_file_location("parity", ROOT / "benchmarks/parity/spookynet_parity.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PARITY = parity_script()


def graph_of(frames: list[dict[str, Any]], cutoff: float = CUTOFF) -> tuple[AtomGraph, Tensor]:
    graph, positions = PARITY.graph_of(frames, cutoff)
    return graph, positions


def wavy(**settings: Any) -> ForceField:
    """A small force field in float64 whose weights are all in use."""
    model = build_model("spookynet", **(TINY | settings)).double()
    PARITY.weight_waves(model.network)
    return model


@pytest.mark.parametrize("variant", GOLDEN["variants"], ids=lambda variant: str(list(variant["settings"].values())))
def test_the_public_code_gives_the_same_on_the_same_weights(variant: dict[str, Any]) -> None:
    if variant["settings"].get("dispersion") and FOLDER_VARIABLE not in os.environ:
        pytest.skip(f"D4's reference data are not here ({FOLDER_VARIABLE})")
    model = build_model("spookynet", **GOLDEN["model"], **variant["settings"]).double()
    PARITY.weight_waves(model.network)
    prediction = model.predict(*graph_of(FRAMES))
    torch.testing.assert_close(prediction.energies.tolist(), variant["energies"], rtol=0, atol=1e-9)
    torch.testing.assert_close(prediction.forces.tolist(), variant["forces"], rtol=0, atol=1e-9)
    if "charges" in variant:
        assert prediction.charges is not None
        torch.testing.assert_close(prediction.charges.tolist(), variant["charges"], rtol=0, atol=1e-10)


@pytest.mark.skipif(not SOURCE, reason="no checkout of the public code (CHEMSCALE_SPOOKYNET_SOURCE)")
def test_the_public_code_itself_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, f"{SOURCE}/spookynet/modules/d4data")
    for settings in ({"attention": "favor"}, {"attention": "softmax", "dispersion": True}):
        _, differences = PARITY.compare(Path(SOURCE), settings)
        assert max(differences.values()) < 1e-9
    published = PARITY.compare_published(Path(SOURCE))
    assert published["energy"] < 1e-10 and published["forces"] < 1e-10


@pytest.mark.parametrize("attention", ["softmax", "favor", "none"])
def test_forces_are_minus_the_slope_of_the_energy(attention: str) -> None:
    model = wavy(attention=attention)
    graph, positions = graph_of(FRAMES)
    forces = model.predict(graph, positions).forces
    step = 1e-5
    for atom, axis in ((0, 0), (3, 2), (6, 1), (11, 0), (13, 2)):
        moved = [positions.clone(), positions.clone()]
        moved[0][atom, axis] += step
        moved[1][atom, axis] -= step
        above, below = (model.predict(graph, place).energies.sum() for place in moved)
        assert forces[atom, axis].item() == pytest.approx(-(above - below).item() / (2 * step), abs=2e-7)


@pytest.mark.parametrize("attention", ["softmax", "favor", "none"])
def test_a_batch_is_its_frames_one_by_one(attention: str) -> None:
    model = wavy(attention=attention)
    together = model.predict(*graph_of(FRAMES))
    alone = [model.predict(*graph_of([frame])) for frame in FRAMES]
    torch.testing.assert_close(together.energies, torch.cat([one.energies for one in alone]), rtol=0, atol=1e-10)
    torch.testing.assert_close(together.forces, torch.cat([one.forces for one in alone]), rtol=0, atol=1e-10)


def test_charges_add_up_to_the_frames() -> None:
    graph, positions = graph_of(FRAMES)
    charges = wavy().predict(graph, positions).charges
    assert charges is not None
    torch.testing.assert_close(graph.frames.sum(charges), graph.charges.double(), rtol=0, atol=1e-12)


def test_charge_and_spin_change_the_energy_and_neutral_frames_do_not_notice_charged_ones() -> None:
    model = wavy(repulsion=False, electrostatics=False)
    water = FRAMES[0] | {"charge": 0, "unpaired": 0}
    states = [water, water | {"charge": 1}, water | {"charge": -1}, water | {"unpaired": 2}]
    energies = model.predict(*graph_of(states)).energies.tolist()
    assert min(abs(a - b) for i, a in enumerate(energies) for b in energies[:i]) > 1e-3
    assert energies[0] == pytest.approx(model.predict(*graph_of([water])).energies.item(), abs=1e-12)


def test_working_out_alike_atoms_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = wavy()
    for frames in (FRAMES, FRAMES[:1]):
        graph, positions = graph_of(frames)
        by_kind = model.network(graph, positions)
        with monkeypatch.context() as patch:
            patch.setattr(torch.compiler, "is_compiling", lambda: True)  # then every atom is worked out by itself
            by_atom = model.network(graph, positions)
        torch.testing.assert_close(by_kind.energies, by_atom.energies, rtol=0, atol=1e-12)
        torch.testing.assert_close(by_kind.physics, by_atom.physics, rtol=0, atol=1e-12)


def test_rotations_and_reflections_turn_the_forces() -> None:
    model = wavy()
    graph, positions = graph_of(FRAMES)
    turn = torch.linalg.qr(torch.arange(1.0, 10.0, dtype=torch.float64).reshape(3, 3).sin())[0]
    before, after = model.predict(graph, positions), model.predict(graph, positions @ turn.T)
    torch.testing.assert_close(after.energies, before.energies, rtol=0, atol=1e-10)
    torch.testing.assert_close(after.forces, before.forces @ turn.T, rtol=0, atol=1e-10)


def test_the_scale_touches_learned_energies_only() -> None:
    model = wavy()
    graph, positions = graph_of(FRAMES)
    output = model.network(graph, positions)
    model.scale.fill_(3.0)
    expected = graph.frames.sum(3.0 * output.energies + output.physics)
    torch.testing.assert_close(model.predict(graph, positions).energies, expected, rtol=0, atol=1e-10)


def test_training_on_forces_alone_can_start() -> None:
    graph, positions = graph_of(FRAMES)
    model = build_model("spookynet", **TINY).double()
    weights = [weight for name, weight in model.named_parameters() if "repulsion" not in name]
    assert _force_gradient(model, graph, positions, weights) > 1e-6
    # The public code's zero start is a point from which no force leads away: see NuclearEmbedding.
    model.network.embedding.nuclear.table.data.zero_()
    model.network.embedding.nuclear.configuration.weight.data.zero_()
    assert _force_gradient(model, graph, positions, weights) == 0.0


def _force_gradient(model: ForceField, graph: AtomGraph, positions: Tensor, weights: list[Any]) -> float:
    neutral = torch.zeros_like(graph.charges)
    graph = AtomGraph(graph.atomic_numbers, graph.frames, graph.first, graph.second, None, neutral, neutral)
    loss = (model.predict(graph, positions, create_graph=True).forces - 1.0).square().sum()
    gradients = torch.autograd.grad(loss, weights, allow_unused=True)
    return max(0.0 if gradient is None else gradient.abs().max().item() for gradient in gradients)


@pytest.mark.parametrize(
    "settings",
    [{}, {"attention": "none"}, {"repulsion": False}, {"electrostatics": False}, {"dispersion": True}, {"width": 6}],
    ids=str,
)
def test_parameters_are_counted_in_closed_form(settings: dict[str, Any]) -> None:
    settings = TINY | settings
    network = build_model("spookynet", **settings).network
    config = SpookyNetConfig.parse(settings)
    tables = network.embedding.nuclear.table.numel() + network.element_bias.numel()
    assert sum(weights.numel() for weights in network.parameters()) == config.n_parameters(embedding=True)
    assert config.n_parameters(embedding=True) - config.n_parameters() == tables


def test_the_original_size_has_its_published_number_of_parameters() -> None:
    config = SpookyNetConfig(width=64, depth=3, dispersion=True)
    assert config.n_parameters(embedding=True) == 498_365  # counted in the public code


def test_flops_are_those_of_the_matrix_products() -> None:
    config = SpookyNetConfig(width=16, depth=1, attention="none", n_basis=8)
    per_atom = 16 * 16 * (3 + 16 + 2 + 3)  # local, projections of 8 components, after, out; views once per element
    per_pair = 16 * (3 * 8 + 2 * (3 + 9))
    assert config.forward_flops(10, 40) == 2.0 * (10 * per_atom + 40 * per_pair)


def test_a_lone_atom_has_its_charge_and_no_force() -> None:
    ion = {"atomic_numbers": [8], "positions": [[1.0, 2.0, 3.0]], "charge": -1, "unpaired": 1}
    prediction = wavy().predict(*graph_of([ion]))
    assert prediction.charges is not None
    assert prediction.charges.item() == pytest.approx(-1.0, abs=1e-12)
    assert torch.isfinite(prediction.energies).all()
    assert (prediction.forces == 0).all()


def test_elements_beyond_radon_are_refused() -> None:
    with pytest.raises(ConfigError, match="92"):
        build_model("spookynet", **(TINY | {"species": (1, 92)}))
    with pytest.raises(ConfigError, match="86"):
        SpookyNetConfig.parse(TINY | {"species": (92,)})


def test_periodic_cells_are_refused_where_energies_reach_beyond_the_cutoff() -> None:
    graph, positions = graph_of(FRAMES[:1])
    shifts = torch.zeros(graph.n_pairs, 3)
    parts = (graph.atomic_numbers, graph.frames, graph.first, graph.second, shifts, graph.charges, graph.unpaired)
    with pytest.raises(DataError, match="electrostatics = false"):
        wavy().predict(AtomGraph(*parts), positions)
    local = wavy(electrostatics=False, attention="none")
    there, here = local.predict(AtomGraph(*parts), positions), local.predict(graph, positions)
    assert torch.equal(there.energies, here.energies)


@pytest.mark.skipif(not native_available(), reason="no C++ compiler")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_native_and_torch_agree_on_energies_forces_and_gradients(dtype: torch.dtype) -> None:
    results = []
    for backend in ("torch", "native"):
        model = wavy(backend=backend).to(dtype)
        graph, positions = graph_of(FRAMES)
        prediction = model.predict(graph, positions.to(dtype), create_graph=True)
        prediction.forces.abs().mean().backward(inputs=list(model.parameters()))
        gradients = torch.cat([weights.grad.flatten() for weights in model.parameters() if weights.grad is not None])
        results.append((prediction.energies.to(dtype), prediction.forces, gradients))
    tolerance = 1e-11 if dtype == torch.float64 else 2e-4
    for by_torch, by_native in zip(*results, strict=True):
        torch.testing.assert_close(by_native, by_torch, rtol=tolerance, atol=tolerance * by_torch.abs().max().item())


def test_weights_of_the_public_code_can_be_loaded() -> None:
    donor, taker = wavy(attention="favor"), wavy(attention="favor")
    public = {}
    for own, part, name in correspondences(donor.network):
        public[name] = part_of(donor.network.state_dict()[own], part).clone()
    for weights in taker.network.parameters():
        weights.data.zero_()
    load_public_weights(taker.network, public)
    own = donor.network.state_dict()
    assert all(torch.equal(tensor, own[name]) for name, tensor in taker.network.state_dict().items())
    del public["module.1.resblock.linear.bias"]
    with pytest.raises(DataError, match=r"module\.1\.resblock\.linear\.bias is missing"):
        load_public_weights(taker.network, public)
    public["module.1.resblock.linear.bias"] = torch.zeros(5)
    with pytest.raises(DataError, match=r"has the shape \(5,\), expected \(4,\)"):
        load_public_weights(taker.network, public)
