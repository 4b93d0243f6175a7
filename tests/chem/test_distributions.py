"""Spreads and distances of samples."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from chemscale.chem.distributions import spread_of, wasserstein_distance

SAMPLES = st.lists(st.floats(-100, 100), min_size=1, max_size=20).map(np.array)


@given(SAMPLES, SAMPLES)
def test_the_distance_is_scipys(first: np.ndarray, second: np.ndarray) -> None:
    assert wasserstein_distance(first, second) == pytest.approx(stats.wasserstein_distance(first, second), abs=1e-9)


def test_a_shift_is_its_own_distance() -> None:
    values = np.array([0.0, 1.0, 5.0])
    assert wasserstein_distance(values, values + 3) == pytest.approx(3)
    assert wasserstein_distance(values, values[::-1]) == 0
    assert math.isnan(wasserstein_distance(values, np.array([])))


def test_spread_of_five_numbers() -> None:
    assert spread_of(np.array([5.0, 1.0, 2.0, 3.0, 9.0])) == (4.0, 3.0, 2.0, 5.0)
    assert all(map(math.isnan, spread_of(np.array([]))))
