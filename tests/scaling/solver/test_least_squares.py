"""The batched solver against scipy's, with and without bounds, and near the limits of rounding."""

import numpy as np
import pytest
from scipy import optimize

from chemscale.base.seeds import stream
from chemscale.scaling.solver.least_squares import Minimum, minimise

FREE = np.full(3, -np.inf), np.full(3, np.inf)
TIMES = np.linspace(0, 4, 12)


def decay(target: np.ndarray):  # type: ignore[no-untyped-def]
    """Residuals of c + a exp(-k t) against `target` [n_fits, 12]."""

    def residuals(theta: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        c, a, k = (theta[:, index, None] for index in range(3))
        fall = np.exp(-k * TIMES)
        slopes = [np.ones_like(a * fall), fall, -a * TIMES * fall]
        return c + a * fall - target[rows], np.stack(slopes, axis=-1)

    return residuals


def targets(n_fits: int, noise: float = 0.05) -> np.ndarray:
    truth = 0.5 + 2.0 * np.exp(-0.9 * TIMES)
    return truth + noise * stream(0, "decay").standard_normal((n_fits, len(TIMES)))


def with_scipy(target: np.ndarray, low: np.ndarray, high: np.ndarray) -> optimize.OptimizeResult:
    def cost(theta: np.ndarray) -> np.ndarray:
        return decay(target[None])(theta[None], np.zeros(1, int))[0][0]

    def slope(theta: np.ndarray) -> np.ndarray:
        return decay(target[None])(theta[None], np.zeros(1, int))[1][0]

    tight = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}
    return optimize.least_squares(cost, [0.7, 1.0, 0.5], slope, bounds=(low, high), **tight)


def test_every_fit_of_a_batch_is_that_of_scipy() -> None:
    target = targets(40)
    found = minimise(decay(target), np.tile([0.4, 1.0, 0.5], (40, 1)), *FREE)
    assert found.converged.all() and not found.at_bound.any()
    for row, squares, one in zip(found.theta, found.squares, target, strict=True):
        expected = with_scipy(one, *FREE)
        assert squares == pytest.approx(2 * expected.cost, rel=1e-10)
        np.testing.assert_allclose(row, expected.x, rtol=1e-6)


def test_bounds_hold_and_are_reported() -> None:
    target = targets(20)
    low, high = np.array([0.6, 0.0, 0.0]), np.array([5.0, 1.9, 5.0])
    found = minimise(decay(target), np.tile([1.0, 1.0, 0.5], (20, 1)), low, high)
    assert ((found.theta >= low) & (found.theta <= high)).all()
    assert found.converged.all()
    np.testing.assert_array_equal(found.at_bound, (found.theta == low) | (found.theta == high))
    assert found.at_bound[:, 0].sum() > 0
    for squares, one in zip(found.squares, target, strict=True):
        assert squares <= 2 * with_scipy(one, low, high).cost * (1 + 1e-7)


def test_a_start_outside_is_brought_inside() -> None:
    target = targets(1)
    low, high = np.array([0.0, 0.0, 0.0]), np.array([5.0, 5.0, 5.0])
    inside = minimise(decay(target), np.array([[0.4, 1.0, 0.5]]), low, high)
    outside = minimise(decay(target), np.array([[-3.0, 9.0, 0.5]]), low, high)
    np.testing.assert_allclose(outside.theta, inside.theta, rtol=1e-7)


def test_what_is_fixed_stays_and_the_rest_is_fitted() -> None:
    target = targets(5)
    start = np.tile([0.4, 1.0, 1.3], (5, 1))
    found = minimise(decay(target), start, *FREE, fixed=np.tile([False, False, True], (5, 1)))
    assert (found.theta[:, 2] == 1.3).all() and found.converged.all()
    columns = np.column_stack([np.ones(12), np.exp(-1.3 * TIMES)])
    expected = np.linalg.lstsq(columns, target.T, rcond=None)[0].T
    np.testing.assert_allclose(found.theta[:, :2], expected, rtol=1e-9)


def test_a_narrow_curved_valley_is_followed_to_its_end() -> None:
    """Rosenbrock's function."""

    def residuals(theta: np.ndarray, _: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = theta.T
        slope = np.zeros((len(theta), 2, 2))
        slope[:, 0, 0], slope[:, 0, 1], slope[:, 1, 0] = -20 * x, 10, -1
        return np.stack([10 * (y - x**2), 1 - x], axis=-1), slope

    found = minimise(residuals, np.array([[-1.2, 1.0], [4.0, -3.0]]), np.full(2, -9.0), np.full(2, 9.0))
    np.testing.assert_allclose(found.theta, 1.0, rtol=1e-10)
    assert found.converged.all()


def test_a_parameter_without_effect_does_no_harm() -> None:
    def residuals(theta: np.ndarray, _: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slope = np.zeros((len(theta), 4, 2))
        slope[:, :, 0] = 1.0
        return theta[:, :1] - np.arange(4.0), slope

    found = minimise(residuals, np.array([[7.0, 3.0]]), np.full(2, -np.inf), np.full(2, np.inf))
    assert found.theta[0] == pytest.approx([1.5, 3.0])


@pytest.mark.parametrize("unit", [1e-100, 1e-9, 1e9, 1e100])
def test_the_unit_of_a_parameter_does_not_matter(unit: float) -> None:
    target, scale = targets(10), np.array([1.0, 1.0, unit])

    def residuals(theta: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        residual, slope = decay(target)(theta / scale, rows)
        return residual, slope / scale

    expected = minimise(decay(target), np.tile([0.4, 1.0, 0.5], (10, 1)), *FREE)
    found = minimise(residuals, np.tile([0.4, 1.0, 0.5], (10, 1)) * scale, *FREE)
    assert found.converged.all()
    np.testing.assert_allclose(found.theta / scale, expected.theta, rtol=1e-8)


def test_a_start_without_finite_residuals_has_infinite_squares() -> None:
    target = targets(2)
    found = minimise(decay(target), np.array([[0.4, 1.0, 0.5], [0.4, 1.0, -1e4]]), *FREE)
    assert np.isfinite(found.squares[0]) and found.converged[0]
    assert np.isinf(found.squares[1]) and not found.converged[1]


@pytest.mark.parametrize("noise", [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12])
def test_small_noise_is_no_reason_not_to_converge(noise: float) -> None:
    """Losses that are printed with few digits have such noise; sums of squares then end in rounding."""
    found = minimise(decay(targets(60, noise)), np.tile([0.4, 1.0, 0.5], (60, 1)), *FREE)
    assert found.converged.all()
    np.testing.assert_allclose(found.theta, np.tile([0.5, 2.0, 0.9], (60, 1)), atol=6 * noise)


def test_the_best_of_neighbouring_fits() -> None:
    squares = np.array([3.0, 1.0, 2.0, np.inf, 5.0, 4.0])
    flags = np.array([True, False, True, False, True, True])
    best = Minimum(np.arange(6.0)[:, None], squares, flags, flags[:, None]).best_of(3)
    assert best.theta[:, 0].tolist() == [1.0, 5.0]
    assert best.squares.tolist() == [1.0, 4.0]
    assert best.converged.tolist() == [False, True] and best.at_bound[:, 0].tolist() == [False, True]
