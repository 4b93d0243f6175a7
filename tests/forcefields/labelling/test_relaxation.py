"""Relaxation on surfaces with known minima."""

import numpy as np
import numpy.typing as npt
import pytest

from chemscale.forcefields.labelling.relaxation import relax

Array = npt.NDArray[np.float64]
MINIMUM = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.1], [1.0, 0.2, 1.3], [1.2, 1.1, 0.4]])
PAIRS = [(0, 1), (1, 2), (2, 3), (0, 2), (0, 3), (1, 3)]
LENGTHS = np.array([np.linalg.norm(MINIMUM[a] - MINIMUM[b]) for a, b in PAIRS])


def network(positions: Array, k: float = 20.0) -> tuple[float, Array]:
    energy, forces = 0.0, np.zeros_like(positions)
    for (a, b), rest in zip(PAIRS, LENGTHS, strict=True):
        bond = positions[b] - positions[a]
        length = float(np.linalg.norm(bond))
        energy += 0.5 * k * (length - rest) ** 2
        push = k * (length - rest) * bond / length
        forces[a] += push
        forces[b] -= push
    return energy, forces


def hessian(stiffness: float) -> Array:
    rows = np.zeros((12, 12))
    for number in range(12):
        shift = np.zeros(12)
        shift[number] = 1e-4
        ahead, behind = network(MINIMUM + shift.reshape(-1, 3))[1], network(MINIMUM - shift.reshape(-1, 3))[1]
        rows[number] = stiffness * (behind - ahead).reshape(-1) / 2e-4
    return rows


@pytest.mark.parametrize("stiffness", [1.0, 0.5, 2.0])
def test_it_finds_the_minimum_of_a_spring_network_also_from_a_wrong_hessian(stiffness: float) -> None:
    start = MINIMUM + 0.05 * np.random.default_rng(0).standard_normal(MINIMUM.shape)
    path, _ = relax(network, start, hessian(stiffness), max_force=1e-4, max_steps=40)
    energies = [energy for _, energy, _ in path]
    assert np.array_equal(path[0][0], start)
    assert energies == sorted(energies, reverse=True)
    assert np.abs(path[-1][2]).max() <= 1e-4
    assert energies[-1] < 1e-9


def test_the_updated_hessian_reproduces_the_last_change_of_the_forces() -> None:
    start = MINIMUM + 0.03 * np.random.default_rng(1).standard_normal(MINIMUM.shape)
    path, updated = relax(network, start, hessian(0.7), max_force=1e-9, max_steps=1)
    step, change = (path[1][0] - path[0][0]).reshape(-1), (path[0][2] - path[1][2]).reshape(-1)
    assert updated @ step == pytest.approx(change, abs=1e-9)


def test_steps_are_limited_and_the_start_is_kept_where_nothing_is_to_do() -> None:
    far = MINIMUM * 1.8
    path, _ = relax(network, far, hessian(1.0), max_force=1e-3, max_steps=1)
    assert np.linalg.norm(path[1][0] - far, axis=1).max() == pytest.approx(0.15)
    path, _ = relax(network, MINIMUM, hessian(1.0), max_force=1e-3, max_steps=5)
    assert len(path) == 1
    assert len(relax(network, far, hessian(1.0), max_force=1e-3, max_steps=0)[0]) == 1
