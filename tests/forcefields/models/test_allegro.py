import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from chemscale.base.errors import ConfigError
from chemscale.forcefields.equivariant.tensor_product import tensor_product
from chemscale.forcefields.families import build_force_field, build_model
from chemscale.forcefields.force_field import ForceField, Prediction
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.models import allegro
from chemscale.forcefields.models.allegro import AllegroConfig
from chemscale.forcefields.native.library import native_available
from chemscale.forcefields.segments import Segments

GOLDEN = Path(__file__).parents[2] / "golden" / "forcefields"
BACKENDS = ["torch", pytest.param("native", marks=pytest.mark.skipif(not native_available(), reason="no C++ compiler"))]
Molecule = tuple[Sequence[int], np.ndarray]


def graph_of(molecules: Sequence[Molecule], cutoff: float = 5.0) -> tuple[AtomGraph, Tensor]:
    counts = [len(numbers) for numbers, _ in molecules]
    frame = np.repeat(np.arange(len(molecules)), counts)
    positions = np.concatenate([places for _, places in molecules])
    near = np.linalg.norm(positions[:, None] - positions, axis=-1) < cutoff
    first, second = np.nonzero(np.triu(near & (frame[:, None] == frame), 1))
    n_atoms, zeros = len(frame), torch.zeros(len(molecules))
    numbers = torch.tensor([number for numbers, _ in molecules for number in numbers])
    ends = [Segments.of(torch.from_numpy(end), n_atoms) for end in (first, second)]
    frames = Segments.of(torch.from_numpy(frame), len(molecules))
    return AtomGraph(numbers, frames, *ends, None, zeros, zeros), torch.from_numpy(positions)


def predict(model: ForceField, molecules: Sequence[Molecule]) -> Prediction:
    return model.predict(*graph_of(molecules))


def small_model(**settings: Any) -> ForceField:
    chosen = {"width": 8, "tensor_features": 4, "depth": 3, "backend": "torch", **settings}
    return build_model("allegro", species=[1, 6, 8], **chosen).double()


@pytest.fixture
def molecules(make_molecules: Any) -> list[Molecule]:
    return make_molecules((6, 9, 4))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["l1", "l2", "so3"])
def test_energies_and_forces_are_those_of_the_authors_package(name: str, backend: str) -> None:
    golden = json.loads((GOLDEN / f"allegro_package_{name}.json").read_text())
    config = AllegroConfig.parse({**golden["settings"], "backend": backend})
    model = build_force_field(config, golden["species"], 0).double()
    weights = {name: torch.tensor(value, dtype=torch.float64) for name, value in golden["weights"].items()}
    model.network.load_state_dict(weights)
    found = predict(model, [(frame["numbers"], np.array(frame["positions"])) for frame in golden["frames"]])
    assert found.energies.tolist() == pytest.approx(golden["energies"], abs=1e-10)
    np.testing.assert_allclose(found.forces.numpy(), golden["forces"], rtol=0, atol=1e-10)
    assert np.abs(golden["forces"]).max() > 0.1


@pytest.mark.parametrize("l_max", [1, 2])
@pytest.mark.parametrize("parity", ["o3_full", "o3_restricted", "so3"])
def test_forces_turn_with_the_molecule(l_max: int, parity: str, molecules: list[Molecule]) -> None:
    model = small_model(l_max=l_max, parity=parity)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    if parity != "so3":
        turn = -turn  # with an inversion
    before = predict(model, molecules)
    after = predict(model, [(numbers, places @ turn.T + 1.5) for numbers, places in molecules])
    torch.testing.assert_close(after.energies, before.energies)
    torch.testing.assert_close(after.forces, before.forces @ torch.from_numpy(turn).T)


def test_only_so3_tells_a_molecule_from_its_mirror_image(molecules: list[Molecule]) -> None:
    mirrored = [(numbers, places * [-1.0, 1.0, 1.0]) for numbers, places in molecules[:2]]
    for parity, same in (("o3_full", True), ("o3_restricted", True), ("so3", False)):
        model = small_model(parity=parity)
        difference = (predict(model, mirrored).energies - predict(model, molecules[:2]).energies).abs().max()
        assert bool(difference < 1e-10) is same


def test_features_within_the_network_turn_with_the_molecule(
    molecules: list[Molecule], monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    seen: list[Tensor] = []

    def watched(*args: Any) -> tuple[Tensor, Tensor]:
        product, scalars = tensor_product(*args)
        seen.append(product.detach())
        return product, scalars

    monkeypatch.setattr(allegro, "tensor_product", watched)
    model = small_model(l_max=1, depth=3)
    numbers, places = molecules[0]
    for positions in (places, places @ turn.T):
        predict(model, [(numbers, positions)])
    before, after = seen[0], seen[3]  # 0e, 1e and 1o behind the first product
    torch.testing.assert_close(after[:, :1], before[:, :1])
    for vector in (slice(1, 4), slice(4, 7)):
        turned = torch.einsum("xy,eyu->exu", torch.from_numpy(turn), before[:, vector])
        torch.testing.assert_close(after[:, vector], turned)
        assert before[:, vector].abs().max() > 0.01


@pytest.mark.parametrize("backend", BACKENDS)
def test_forces_are_minus_the_slope_of_the_energy(backend: str, molecules: list[Molecule]) -> None:
    model = small_model(backend=backend)
    numbers, places = molecules[1]
    forces = predict(model, [(numbers, places)]).forces.numpy()
    for atom, axis in ((0, 0), (4, 2), (8, 1)):
        step = np.zeros_like(places)
        step[atom, axis] = 1e-4
        up, down = (predict(model, [(numbers, places + sign * step)]).energies.item() for sign in (1, -1))
        assert -(up - down) / 2e-4 == pytest.approx(forces[atom, axis], rel=1e-5, abs=1e-7)


def test_both_backends_give_the_same_gradients_of_a_loss_on_forces(molecules: list[Molecule]) -> None:
    if not native_available():
        pytest.skip("no C++ compiler")
    gradients = []
    for backend in ("torch", "native"):
        model = small_model(backend=backend)
        graph, positions = graph_of(molecules)
        loss = model.predict(graph, positions, create_graph=True).forces.abs().mean()
        parameters = list(model.parameters())
        gradients.append(torch.autograd.grad(loss, parameters))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_the_gradient_of_a_loss_on_forces_is_its_slope_along_the_weights(molecules: list[Molecule]) -> None:
    model = small_model(depth=2)
    graph, positions = graph_of(molecules[:1])

    def loss() -> Tensor:
        return model.predict(graph, positions, create_graph=True).forces.square().mean()

    for name, parameter in model.named_parameters():
        direction = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        (gradient,) = torch.autograd.grad(loss(), parameter)
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.add_(direction, alpha=sign * 1e-5)
            values.append(loss().item())
            with torch.no_grad():
                parameter.add_(direction, alpha=-sign * 1e-5)
        slope = (values[0] - values[1]) / 2e-5
        assert slope == pytest.approx((gradient * direction).sum().item(), rel=1e-4, abs=1e-8), name


def test_a_batch_is_its_frames_one_by_one_and_a_lone_atom_has_no_force(molecules: list[Molecule]) -> None:
    model = small_model()
    lone: Molecule = ([8], np.zeros((1, 3)))
    everything = [molecules[0], lone, molecules[2]]
    together = predict(model, everything)
    apart = [predict(model, [molecule]) for molecule in everything]
    torch.testing.assert_close(together.energies, torch.cat([single.energies for single in apart]))
    torch.testing.assert_close(together.forces, torch.cat([single.forces for single in apart]))
    assert not apart[1].forces.any() and apart[1].energies.item() == 0


def test_energy_and_forces_fade_to_nothing_at_the_cutoff() -> None:
    model = small_model()
    for gap, most in ((1e-3, 1e-8), (1e-5, 1e-13)):
        pair: Molecule = ([6, 8], np.array([[0.0, 0, 0], [0, 0, 5.0 - gap]]))
        found = predict(model, [pair])
        assert found.energies.abs().item() < most and found.forces.abs().max().item() < most / gap


@pytest.mark.parametrize(
    "settings",
    [
        {"width": 16, "depth": 4, "l_max": 1},
        {"width": 16, "depth": 4, "l_max": 2},
        {"width": 8, "depth": 1, "l_max": 2, "tensor_features": 3, "n_basis": 5},
        {"width": 4, "depth": 3, "l_max": 2, "parity": "so3"},
    ],
)
def test_the_number_of_parameters_is_known_beforehand(settings: dict[str, Any]) -> None:
    config = AllegroConfig.parse({**settings, "species": [1, 6, 7, 8]})
    network = build_force_field(config, [1, 6, 7, 8], 0).network
    tables = sum(parameter.numel() for name, parameter in network.named_parameters() if "table" in name)
    everything = sum(parameter.numel() for parameter in network.parameters())
    assert config.n_parameters(embedding=True) == everything
    assert config.n_parameters() == everything - tables


def test_parameters_and_work_of_a_case_counted_by_hand() -> None:
    # the package's own count at width 64, depth 3, l_max 1 is 112,192 with four species
    config = AllegroConfig.parse({"width": 64, "depth": 3, "l_max": 1, "species": [1, 6, 7, 8]})
    assert config.n_parameters(embedding=True) == 112_192 and config.capacity() == 192
    # width 2, one channel, depth 1, l_max 1, one basis function: per edge 2 (basis) + 4 (first activations)
    # + 8 (weights of V_0 and env) + 4 + 2 (A) + 8 (R_1) + 2 (R_2) + 8 (harmonics) + 4 (product) = 42 multiply-adds;
    # per atom 4 coefficients, once with the weight and once with the environment
    tiny = AllegroConfig.parse({"width": 2, "tensor_features": 1, "depth": 1, "l_max": 1, "n_basis": 1})
    assert tiny.forward_flops(n_atoms=0, n_pairs=1) == 2 * 2 * 42
    assert tiny.forward_flops(n_atoms=1, n_pairs=0) == 2 * 8


def test_the_mean_number_of_neighbours_comes_from_the_data_unless_given() -> None:
    config = AllegroConfig.parse({"width": 8})
    assert config.fitted_to(species=[1, 6], mean_neighbours=9.5).mean_neighbours == 9.5
    given = AllegroConfig.parse({"width": 8, "mean_neighbours": 4.0})
    fitted = given.fitted_to(species=[1, 6], mean_neighbours=9.5)
    assert fitted.mean_neighbours == 4.0 and fitted.species == (1, 6)


def test_forces_keep_their_size_with_depth_before_training(molecules: list[Molecule]) -> None:
    sizes = [predict(small_model(depth=depth, width=16), molecules).forces.std().item() for depth in (2, 4)]
    assert sizes[1] < 5 * sizes[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 7}, "width.*multiple of 2"),
        ({"width": 8, "l_max": 3}, "l_max.*less than or equal to 2"),
        ({"width": 8, "parity": "o3"}, "parity.*'o3_full', 'o3_restricted' or 'so3'"),
        ({"width": 8, "tensor_feature": 4}, "tensor_feature.*did you mean 'tensor_features'"),
        ({"width": 8, "mean_neighbours": 0.0}, "mean_neighbours.*greater than 0"),
    ],
)
def test_settings_that_cannot_be_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model("allegro", species=[1, 6], **settings)


def test_the_operators_in_use_are_known_beforehand() -> None:
    cpu = torch.device("cpu")
    assert AllegroConfig.parse({"width": 8, "backend": "torch"}).kernels(cpu) == "torch"
    assert AllegroConfig.parse({"width": 8}).kernels(cpu) == ("native" if native_available() else "torch")
