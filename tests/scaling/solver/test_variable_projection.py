"""Starting points: the factors are those of non-negative least squares, and the best exponents come first."""

import numpy as np
import pytest
from scipy import optimize

from chemscale.base.seeds import stream
from chemscale.scaling.solver.variable_projection import SMALLEST_SHARE, exponent_grid, projected_starts

X = np.linspace(-4, 4, 12)


def basis_of(grid: np.ndarray) -> np.ndarray:
    terms = [np.exp(-grid[:, index, None] * X * (-1) ** index) for index in range(grid.shape[1])]
    return np.stack([np.ones_like(terms[0]), *terms], axis=-1)


def test_the_grid_is_even_in_logarithms() -> None:
    grid = exponent_grid(7)
    assert grid[[0, -1]] == pytest.approx([0.01, 2.5])
    assert np.diff(np.log(grid)) == pytest.approx(np.full(6, np.log(250) / 6))


@pytest.mark.parametrize("seed", range(8))
def test_factors_are_those_of_non_negative_least_squares(seed: int) -> None:
    """One place of the grid at a time, so that its factors can be seen."""
    draw = stream(seed, "projection")
    loss = np.exp(draw.standard_normal(len(X)))
    grid = np.exp(draw.uniform(-3, 0, (1, 2)))
    expected, _ = optimize.nnls(basis_of(grid)[0] / loss[:, None], np.ones(len(X)))
    _, factors = projected_starts(grid, basis_of(grid), np.log(loss))
    found = np.array([factor[0] for factor in factors])
    np.testing.assert_allclose(found[expected > 0], expected[expected > 0], rtol=1e-8)
    size = np.sqrt(((basis_of(grid)[0] / loss[:, None]) ** 2).mean(axis=0))
    # A factor of zero starts a little above it, but the constant: a floor of zero is a law of its own.
    lifted = np.where(np.arange(3) == 0, 0.0, SMALLEST_SHARE / size)
    np.testing.assert_allclose(found[expected == 0], lifted[expected == 0], rtol=1e-12)


def test_the_best_place_comes_first_and_none_beside_another() -> None:
    axis = exponent_grid(40)[:, None]
    loss = 0.5 + 2.0 * np.exp(-axis[20, 0] * X)
    found, factors = projected_starts(axis, basis_of(axis), np.log(loss), n_starts=5)
    assert found.shape == (5, 1)
    assert found[0, 0] == axis[20, 0]
    assert [factor[0] for factor in factors] == pytest.approx([0.5, 2.0], rel=1e-8)
    places = [int(np.abs(axis[:, 0] - value).argmin()) for value in found[:, 0]]
    assert all(abs(a - b) > 1 for index, a in enumerate(places) for b in places[:index])


def test_a_law_that_is_linear_in_a_power_of_the_loss() -> None:
    """L^(1/p) = a e^-x + b e^x with p known at the right place of the grid alone."""
    powers = np.array([0.1, 0.3, 0.9])
    columns = np.stack([np.exp(-X), np.exp(X)], axis=-1)
    loss = (columns @ [2.0, 3.0]) ** 0.3
    basis = np.repeat(columns[None], 3, axis=0)
    found, (a, b) = projected_starts(powers[:, None], basis, np.log(loss), power=powers, n_starts=1)
    assert found[0, 0] == 0.3
    assert (a[0], b[0]) == pytest.approx((2.0, 3.0))


def test_places_that_overflow_are_passed_over() -> None:
    grid = np.array([[0.2], [400.0]])
    with np.errstate(over="ignore"):
        basis = basis_of(grid)
    loss = 0.5 + 2.0 * np.exp(-0.2 * X)
    found, _ = projected_starts(grid, basis, np.log(loss), n_starts=1)
    assert found[0, 0] == 0.2
