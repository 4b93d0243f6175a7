"""Displaced geometries against closed forms."""

import numpy as np
import pytest

from chemscale.forcefields.labelling.displacements import (
    BOLTZMANN,
    SOFTEST_CURVATURE,
    along_normal_modes,
    at_random,
    nonzero_modes,
    smallest_distance,
)

WATER = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]])
LINE = np.array([[0.0, 0.0, -1.2], [0.0, 0.0, 0.0], [0.0, 0.0, 1.2]])


@pytest.mark.parametrize(("positions", "n_modes"), [(WATER, 3), (LINE, 4), (LINE[:2], 1), (LINE[:1], 0)])
def test_rigid_motions_are_no_modes(positions: np.ndarray, n_modes: int) -> None:
    size = positions.size
    curvatures, modes = nonzero_modes(np.eye(size), positions)
    assert curvatures.shape == (n_modes,) and modes.shape == (size, n_modes)
    assert np.allclose(modes.T @ modes, np.eye(n_modes))
    assert np.allclose(modes.T.reshape(n_modes, len(positions), 3).sum(axis=1), 0.0)
    rotation = np.cross([0.3, -1.0, 0.5], positions - positions.mean(axis=0)).reshape(-1)
    assert np.allclose(modes.T @ rotation, 0.0)


def test_the_mode_of_a_spring_between_two_atoms_has_twice_its_constant() -> None:
    # E = k (|r| - r0)^2 / 2 along z: the Hessian block is k for each atom, -k between them.
    k = 30.0
    hessian = np.zeros((6, 6))
    hessian[2, 2] = hessian[5, 5] = k
    hessian[2, 5] = hessian[5, 2] = -k
    curvatures, modes = nonzero_modes(hessian, LINE[:2])
    assert curvatures == pytest.approx([2 * k])
    assert np.abs(modes[:, 0]) == pytest.approx(np.array([0, 0, 1, 0, 0, 1]) / np.sqrt(2))


def test_amplitudes_follow_equipartition_and_soft_modes_are_capped() -> None:
    # <c_k q_k^2> = k_B T for every mode that is not capped.
    curvatures, modes = np.array([0.01, 5.0, 80.0]), nonzero_modes(np.eye(9), WATER)[1]
    random = np.random.default_rng(0)
    samples = np.array([along_normal_modes(WATER, curvatures, modes, 500.0, random) for _ in range(20_000)])
    amplitudes = (samples - WATER).reshape(len(samples), -1) @ modes
    expected = BOLTZMANN * 500.0 / np.array([SOFTEST_CURVATURE, 5.0, 80.0])
    assert amplitudes.var(axis=0) == pytest.approx(
        expected, rel=0.04
    )  # relative standard error sqrt(2 / 20,000) = 0.01
    assert np.abs(np.corrcoef(amplitudes.T) - np.eye(3)).max() < 0.03


def test_random_displacements_have_the_width_asked_for() -> None:
    random = np.random.default_rng(1)
    moved = np.array([at_random(WATER, 0.05, random) - WATER for _ in range(5_000)])
    assert moved.std() == pytest.approx(0.05, rel=0.02)
    assert np.abs(moved.mean(axis=0)).max() < 0.05 * 5 / np.sqrt(5_000)


def test_smallest_distance_of_a_hand_made_case() -> None:
    assert smallest_distance(np.array([[0.0, 0, 0], [3.0, 4.0, 0], [3.0, 4.0, 1.5]])) == pytest.approx(1.5)
    assert smallest_distance(np.zeros((1, 3))) == float("inf")
