"""Langevin dynamics on springs, where the answer is known."""

from itertools import islice

import numpy as np
import numpy.typing as npt
import pytest

from chemscale.forcefields.labelling.displacements import BOLTZMANN
from chemscale.forcefields.labelling.dynamics import langevin

K = np.array([20.0, 5.0, 40.0])
Array = npt.NDArray[np.float64]


def springs(positions: Array) -> tuple[float, Array]:
    return float((0.5 * K * positions**2).sum()), -K * positions


def test_without_friction_a_spring_swings_with_its_frequency_and_keeps_its_energy() -> None:
    # Without friction the splitting is velocity Verlet, which swings exactly at (2 / dt) arcsin(omega dt / 2) with
    # omega = sqrt(k / m), in 1/fs with 1 amu angstrom^2 / fs^2 = 103.6427 eV.
    start = np.zeros((1, 3))
    mass, step = np.array([4.0]), 0.5
    path = list(
        islice(
            langevin(
                springs, (start, *springs(start)), mass,
                temperature=300.0, time_step=step, friction=0.0, random=np.random.default_rng(0),
            ),
            400,
        )
    )  # fmt: skip
    positions = np.array([entry[0][0] for entry in path])
    times = step * np.arange(1, 401)
    omega = 2 / step * np.arcsin(np.sqrt(K / (4.0 * 103.642696562)) * step / 2)
    for axis in range(3):
        wave = np.sin(omega[axis] * times)
        amplitude = positions[:, axis] @ wave / (wave @ wave)
        assert np.abs(positions[:, axis] - amplitude * wave).max() < 1e-9 * abs(amplitude)


def test_positions_reach_the_classical_distribution_for_any_mass() -> None:
    # <x^2> = k_B T / k
    masses = np.array([4.0, 12.0] * 50)
    start = np.zeros((100, 3))
    trajectory = langevin(
        springs, (start, *springs(start)), masses,
        temperature=600.0, time_step=2.0, friction=0.05, random=np.random.default_rng(1),
    )  # fmt: skip
    samples = np.array([entry[0] for entry in islice(trajectory, 200, 3_000, 20)])
    for group in (samples[:, 0::2], samples[:, 1::2]):
        assert group.reshape(-1, 3).var(axis=0) == pytest.approx(BOLTZMANN * 600.0 / K, rel=0.06)


def test_the_same_random_numbers_give_the_same_path() -> None:
    start = np.full((2, 3), 0.1)

    def last() -> Array:
        trajectory = langevin(
            springs, (start, *springs(start)), np.array([4.0, 16.0]),
            temperature=300.0, time_step=1.0, friction=0.02, random=np.random.default_rng(2),
        )  # fmt: skip
        return list(islice(trajectory, 5))[-1][0]

    assert np.array_equal(last(), last())
