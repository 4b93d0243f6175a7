"""The contract of a force field family: what every one of them must do, run over the registry.

A new family needs a tiny configuration in `TINY`, what makes it local in `LOCAL` if it is not, and nothing else here.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ase
import numpy as np
import pytest
import torch
from torch import Tensor

from chemscale.base.errors import ConfigError, DataError
from chemscale.forcefields.families import FAMILIES, build_model
from chemscale.forcefields.force_field import ForceField, Prediction
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.native import library
from chemscale.forcefields.pairs import graph_of
from chemscale.forcefields.structure_batches import joined, predict_batch

CUTOFF = 3.0
SPECIES = (1, 6, 8)
BACKENDS = ("torch", "native")
TINY: dict[str, dict[str, Any]] = {
    "schnet": {"width": 8, "depth": 2},
    "painn": {"width": 8, "depth": 2},
    "allegro": {"width": 4, "depth": 2},
    "spookynet": {"width": 8, "depth": 2},
}
# What leaves a family nothing that reaches beyond the cutoff.
LOCAL: dict[str, dict[str, Any]] = {"spookynet": {"attention": "none", "electrostatics": False}}

Structure = tuple[Sequence[int], Tensor]  # atomic numbers, positions in angstrom [n_atoms, 3], float64


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Both backends, where the machine has them."""
    if request.param == "native" and not library.native_available():
        pytest.skip(f"native operators: {library.why_not()}")
    return str(request.param)


def make_model(family: str, backend: str = "torch", seed: int = 0, **settings: Any) -> ForceField:
    """A tiny model in float64 whose biases and zero-initialised weights are moved, so that every part has an effect."""
    if family not in TINY:
        pytest.fail(f"the family {family!r} has no tiny configuration: add one to TINY in {Path(__file__).name}")
    settings = {**TINY[family], "cutoff": CUTOFF, "backend": backend, **settings}
    model = build_model(family, species=SPECIES, seed=seed, **settings).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    return model


def molecule(n_atoms: int, seed: int = 0) -> Structure:
    """Atoms at random, none closer than 0.8 angstrom to another."""
    random = np.random.default_rng(seed)
    places: list[Any] = []
    while len(places) < n_atoms:
        place = random.normal(0, 0.9 * n_atoms ** (1 / 3), 3)
        if all(np.linalg.norm(place - other) > 0.8 for other in places):
            places.append(place)
    return random.choice(SPECIES, n_atoms).tolist(), torch.tensor(np.array(places))


def graph_at(numbers: Sequence[int], positions: Tensor) -> AtomGraph:
    return graph_of(numbers, positions.numpy(), CUTOFF)


def predict(model: ForceField, numbers: Sequence[int], positions: Tensor) -> Prediction:
    return model.predict(graph_at(numbers, positions), positions)


def energy(model: ForceField, numbers: Sequence[int], positions: Tensor) -> float:
    return float(predict(model, numbers, positions).energies)


def rotation(seed: int = 0, reflect: bool = False) -> Tensor:
    """A random orthogonal matrix of determinant 1, or -1."""
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    matrix *= np.sign(np.linalg.det(matrix)) * (-1 if reflect else 1)
    return torch.tensor(matrix)


@pytest.mark.parametrize("reflect", [False, True])
def test_turned_and_moved_molecules_have_the_same_energy_and_turned_forces(
    family: str, backend: str, reflect: bool
) -> None:
    model, (numbers, positions) = make_model(family, backend), molecule(9)
    turn = rotation(1, reflect)
    before = predict(model, numbers, positions)
    after = predict(model, numbers, positions @ turn.T + torch.tensor([3.0, -50.0, 0.7]))
    torch.testing.assert_close(after.energies, before.energies, rtol=0, atol=1e-9)
    torch.testing.assert_close(after.forces, before.forces @ turn.T, rtol=0, atol=1e-9)
    assert before.forces.abs().max() > 1e-3
    if before.charges is not None:
        torch.testing.assert_close(after.charges, before.charges, rtol=0, atol=1e-9)


def test_the_order_of_atoms_does_not_matter(family: str, backend: str) -> None:
    model, (numbers, positions) = make_model(family, backend), molecule(9)
    order = np.random.default_rng(3).permutation(9)
    before = predict(model, numbers, positions)
    after = predict(model, [numbers[i] for i in order], positions[order])
    torch.testing.assert_close(after.energies, before.energies, rtol=0, atol=1e-10)
    torch.testing.assert_close(after.forces, before.forces[order], rtol=0, atol=1e-10)


def test_forces_are_minus_the_slope_of_the_energy(family: str, backend: str) -> None:
    model, (numbers, positions) = make_model(family, backend), molecule(5)
    graph, step = graph_at(numbers, positions), 2e-4

    def energy_at(moved: Tensor) -> float:
        return float(model.predict(graph, moved).energies)

    slopes = torch.zeros_like(positions)
    for at in np.ndindex(*positions.shape):
        one = torch.zeros_like(positions)
        one[at] = step
        near = energy_at(positions + one) - energy_at(positions - one)
        far = energy_at(positions + 2 * one) - energy_at(positions - 2 * one)
        slopes[at] = (8 * near - far) / (12 * step)  # fourth order
    forces = model.predict(graph, positions).forces
    torch.testing.assert_close(forces, -slopes, rtol=1e-6, atol=1e-7)


def test_the_gradient_of_a_force_loss_is_its_slope(family: str, backend: str) -> None:
    model, structures = make_model(family, backend), [molecule(4, 1), molecule(3, 2)]
    graph = joined([graph_at(*each) for each in structures])
    positions = torch.cat([each[1] for each in structures])
    wanted = torch.randn(positions.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def loss() -> Tensor:
        prediction = model.predict(graph, positions, create_graph=True)
        return (prediction.forces - wanted).square().mean() + prediction.energies.square().mean()

    gradients = torch.autograd.grad(loss(), parameters, allow_unused=True, materialize_grads=True)
    generator, step = torch.Generator().manual_seed(1), 1e-5
    directions = [torch.randn(p.shape, generator=generator, dtype=p.dtype) for p in parameters]

    def loss_along(distance: float) -> float:
        with torch.no_grad():
            for parameter, direction in zip(parameters, directions, strict=True):
                parameter += distance * direction
        value = float(loss().detach())
        with torch.no_grad():
            for parameter, direction in zip(parameters, directions, strict=True):
                parameter -= distance * direction
        return value

    expected = (loss_along(step) - loss_along(-step)) / (2 * step)
    along = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
    assert along == pytest.approx(expected, rel=1e-6)


def test_energy_and_forces_are_smooth_at_the_cutoff(family: str, backend: str) -> None:
    model = make_model(family, backend, **LOCAL.get(family, {}))
    numbers, positions = molecule(4)
    towards = torch.tensor([1.0, 0.2, -0.1], dtype=torch.float64)
    towards /= towards.norm()

    def at(distance: float) -> Prediction:
        """With one more atom so far from atom 0 that it is that atom's neighbour only, or nobody's."""
        last = positions[0] + distance * towards
        others = positions - (positions - positions[0]) @ towards[:, None] * towards * 2  # mirrored away from it
        behind = torch.where(((positions - positions[0]) @ towards > 0)[:, None], others, positions)
        return predict(model, [*numbers, 8], torch.cat([behind, last[None]]))

    inside, outside = at(CUTOFF - 1e-4), at(CUTOFF + 1e-4)
    assert float((inside.energies - outside.energies).abs()) < 1e-6
    assert float((inside.forces - outside.forces).abs().max()) < 2e-3
    assert float(outside.forces[-1].abs().max()) < 1e-12
    near = at(0.6 * CUTOFF)
    assert float((near.energies - outside.energies).abs()) > 1e-4
    assert float(near.forces[-1].abs().max()) > 1e-3


def test_fragments_far_apart_add_up(family: str, backend: str) -> None:
    model = make_model(family, backend, **LOCAL.get(family, {}))
    (numbers, positions), (others, places) = molecule(5, 1), molecule(4, 2)
    away = places + torch.tensor([40.0, 0.0, 0.0])
    together = predict(model, [*numbers, *others], torch.cat([positions, away]))
    apart = [predict(model, numbers, positions), predict(model, others, places)]
    assert float(together.energies) == pytest.approx(sum(float(each.energies) for each in apart), abs=1e-10)
    torch.testing.assert_close(together.forces, torch.cat([each.forces for each in apart]), rtol=0, atol=1e-10)


def test_a_batch_is_the_same_as_a_loop(family: str, backend: str) -> None:
    model = make_model(family, backend)
    structures = [molecule(5, 1), molecule(1, 2), molecule(8, 3), molecule(2, 4)]
    graphs = [graph_at(*each) for each in structures]
    batch = model.predict(joined(graphs), torch.cat([each[1] for each in structures]))
    loop = [predict(model, *each) for each in structures]
    torch.testing.assert_close(batch.energies, torch.cat([each.energies for each in loop]), rtol=0, atol=1e-10)
    torch.testing.assert_close(batch.forces, torch.cat([each.forces for each in loop]), rtol=0, atol=1e-10)
    if batch.charges is not None:
        charges = [each.charges for each in loop if each.charges is not None]
        torch.testing.assert_close(batch.charges, torch.cat(charges), rtol=0, atol=1e-10)


def test_an_atom_alone_has_an_energy_and_no_force(family: str, backend: str) -> None:
    model = make_model(family, backend)
    alone = predict(model, [6], torch.tensor([[0.3, 0.0, -1.0]], dtype=torch.float64))
    assert torch.isfinite(alone.energies).all() and torch.equal(alone.forces, torch.zeros(1, 3, dtype=torch.float64))
    assert float(alone.energies) == energy(model, [6], torch.zeros(1, 3, dtype=torch.float64))


def test_float32_is_float64_rounded(family: str, backend: str) -> None:
    model, (numbers, positions) = make_model(family, backend), molecule(9)
    exact = predict(model, numbers, positions)
    rounded = model.float().predict(graph_at(numbers, positions), positions.float())
    assert rounded.forces.dtype == torch.float32 and rounded.energies.dtype == torch.float64
    scale = float(exact.forces.abs().max())
    assert float((rounded.forces - exact.forces).abs().max()) < 1e-4 * scale
    assert float((rounded.energies - exact.energies).abs()) < 1e-4 * (1 + float(exact.energies.abs()))


def test_both_backends_agree(family: str) -> None:
    if not library.native_available():
        pytest.skip(f"native operators: {library.why_not()}")
    structure = molecule(9)
    plain, native = (predict(make_model(family, backend), *structure) for backend in BACKENDS)
    torch.testing.assert_close(native.energies, plain.energies, rtol=0, atol=1e-11)
    torch.testing.assert_close(native.forces, plain.forces, rtol=0, atol=1e-11)


def test_what_a_compiler_reads_is_the_same_function(family: str) -> None:
    model, (numbers, positions) = make_model(family), molecule(6)
    graph = graph_at(numbers, positions)
    traced, eager = model._predict_traced(graph, positions), model.predict(graph, positions)
    torch.testing.assert_close(traced.energies, eager.energies, rtol=0, atol=1e-11)
    torch.testing.assert_close(traced.forces, eager.forces, rtol=0, atol=1e-11)


def test_one_seed_is_one_set_of_weights(family: str) -> None:
    def weights(seed: int) -> dict[str, Tensor]:
        return build_model(family, species=SPECIES, seed=seed, cutoff=CUTOFF, **TINY[family]).state_dict()

    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = weights(0), weights(0), weights(1)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_weights_that_are_loaded_give_the_same_numbers(family: str) -> None:
    structure, model, other = molecule(6), make_model(family), make_model(family, seed=1)
    assert energy(other, *structure) != energy(model, *structure)
    other.load_state_dict(model.state_dict())
    assert energy(other, *structure) == energy(model, *structure)


def test_the_closed_form_counts_the_parameters(family: str) -> None:
    for settings in ({}, {"width": 12, "depth": 3}):
        model = build_model(family, species=SPECIES, **{**TINY[family], **settings})
        config = FAMILIES[family].config.parse({**TINY[family], **settings, "species": SPECIES})
        count = sum(parameter.numel() for parameter in model.parameters())
        assert config.n_parameters(embedding=True) == count
        assert 0 < config.n_parameters() <= count


def test_work_grows_with_atoms_pairs_width_and_depth(family: str) -> None:
    parse = FAMILIES[family].config.parse
    small, wide, deep = (parse({**TINY[family], **more}) for more in ({}, {"width": 16}, {"depth": 4}))
    assert wide.forward_flops(13, 80) > small.forward_flops(13, 80) > 0
    assert deep.forward_flops(13, 80) > small.forward_flops(13, 80)
    assert small.forward_flops(13, 90) > small.forward_flops(13, 80)
    assert small.forward_flops(26, 160) == pytest.approx(2 * small.forward_flops(13, 80), rel=0.2)


def test_predictions_keep_no_graph_unless_asked(family: str) -> None:
    model, (numbers, positions) = make_model(family), molecule(4)
    plain = predict(model, numbers, positions)
    kept = model.predict(graph_at(numbers, positions), positions, create_graph=True)
    assert not plain.energies.requires_grad and not plain.forces.requires_grad
    assert kept.energies.requires_grad and kept.forces.requires_grad


BAD_STRUCTURES: dict[str, tuple[Callable[[], ase.Atoms], str]] = {
    "same place": (lambda: ase.Atoms("CHO", [[0, 0, 0], [1, 0, 0], [1, 0, 0]]), "finite|same place|apart"),
    "unknown element": (lambda: ase.Atoms("CAu", [[0, 0, 0], [2, 0, 0]]), "atomic number 79"),
    "no number": (lambda: ase.Atoms("CO", [[0, 0, 0], [float("nan"), 0, 0]]), "finite"),
    "no atoms": (ase.Atoms, "without atoms"),
}


@pytest.mark.parametrize("case", BAD_STRUCTURES)
def test_structures_that_cannot_be_predicted_are_named(family: str, case: str) -> None:
    make, reason = BAD_STRUCTURES[case]
    good = ase.Atoms("CO", [[0, 0, 0], [1.1, 0, 0]])
    result, other = predict_batch(make_model(family), [make(), good])
    assert isinstance(result, DataError)
    with pytest.raises(DataError, match=reason):
        raise result
    assert not isinstance(other, DataError) and np.isfinite(other.forces).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widht": 8}, "widht.*width"),
        ({"width": 0}, "width"),
        ({"width": 8, "depth": 0}, "depth"),
        ({"width": 8, "cutoff": -1.0}, "cutoff"),
        ({"width": 8, "backend": "gpu"}, "backend"),
        ({"width": 8, "species": [0]}, "species"),
    ],
)
def test_settings_that_are_not_allowed_are_named(family: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        FAMILIES[family].config.parse(settings)
