"""Configurations known from textbooks, and the sums that any of them must have."""

import numpy as np
import pytest

from chemscale.forcefields.physics.electron_configurations import (
    LAST_ELEMENT,
    N_DESCRIPTORS,
    descriptors,
    electron_configuration,
)


@pytest.mark.parametrize("atomic_number", range(LAST_ELEMENT + 1))
def test_every_electron_has_a_place(atomic_number: int) -> None:
    occupied = electron_configuration(atomic_number)
    assert sum(occupied.values()) == atomic_number
    assert all(0 <= count <= {"s": 2, "p": 6, "d": 10, "f": 14}[name[-1]] for name, count in occupied.items())


@pytest.mark.parametrize(
    ("atomic_number", "expected"),
    [
        (6, {"1s": 2, "2s": 2, "2p": 2}),
        (24, {"4s": 1, "3d": 5}),
        (26, {"4s": 2, "3d": 6}),
        (46, {"5s": 0, "4d": 10}),
        (58, {"6s": 2, "4f": 1, "5d": 1}),
        (79, {"6s": 1, "4f": 14, "5d": 10}),
    ],
)
def test_known_configurations(atomic_number: int, expected: dict[str, int]) -> None:
    occupied = electron_configuration(atomic_number)
    assert {name: occupied[name] for name in expected} == expected


def test_descriptors_are_relative_to_the_largest() -> None:
    table = descriptors()
    assert table.shape == (LAST_ELEMENT + 1, N_DESCRIPTORS)
    assert not table[0].any()
    np.testing.assert_array_equal(table.max(axis=0), 1.0)
    np.testing.assert_allclose(table[8, [0, 1, 2, 3, -4, -3, -2, -1]], [8 / 86, 1, 1, 4 / 6, 1, 4 / 6, 0, 0])
    np.testing.assert_allclose(table[35, -4:], [1, 5 / 6, 1, 0])  # bromine: 4s2 3d10 4p5 beyond argon
