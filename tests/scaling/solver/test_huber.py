"""Huber's loss: against scipy's own, the mean and the median as its limits, and outliers."""

from typing import Any

import numpy as np
import pytest
from scipy import optimize

from chemscale.base.seeds import stream
from chemscale.scaling.solver.huber import DELTA, fit_huber
from chemscale.scaling.solver.solve import Design, make_design, solve


def losses(truth: Any, seed: int = 0, noise: float = 0.01) -> np.ndarray:
    draw = stream(seed, "huber")
    return np.log(truth.loss) + noise * draw.standard_t(3, len(truth.loss))


def cost(design: Design, theta: np.ndarray, log_loss: np.ndarray, delta: float = DELTA) -> float:
    size = np.abs(design.residuals(log_loss[None])(theta[None], np.zeros(1, int))[0][0])
    return float(np.where(size <= delta, size**2 / 2, delta * (size - delta / 2)).sum())


def fitted(truth: Any, log_loss: np.ndarray, delta: float = DELTA) -> tuple[Design, np.ndarray, float]:
    design = make_design(truth.law, truth.logs)
    starts = truth.law.starts(design.x, log_loss)
    least_squares = solve(design, log_loss[None], starts).theta
    return design, *fit_huber(design, log_loss, np.concatenate([least_squares, starts[:3]]), delta)


@pytest.mark.parametrize(
    "case", ["power", "saturating", "broken", "additive, grid", "additive, valleys", "kaplan, grid"]
)
def test_no_better_point_is_near(case: str, true_laws: dict[str, Any]) -> None:
    """Nelder-Mead, which needs no derivatives, finds nothing better around the fit."""
    truth = true_laws[case]
    log_loss = losses(truth)
    design, theta, found = fitted(truth, log_loss)
    assert found == pytest.approx(cost(design, theta, log_loss), rel=1e-9)
    simplex = theta + np.vstack([np.zeros(len(theta)), 1e-3 * np.eye(len(theta))])
    options = {"initial_simplex": simplex, "xatol": 1e-10, "fatol": 1e-16, "maxiter": 4000, "maxfev": 4000}

    def inside(point: np.ndarray) -> float:
        return cost(design, np.clip(point, design.low, design.high), log_loss)

    assert optimize.minimize(inside, theta, method="Nelder-Mead", options=options).fun >= found * (1 - 1e-5)


def test_a_wide_delta_is_least_squares(truth: Any) -> None:
    log_loss = losses(truth)
    design, _, found = fitted(truth, log_loss, delta=10.0)
    squares = solve(design, log_loss[None]).squares[0]
    assert found == pytest.approx(squares / 2, rel=1e-6)


def test_a_narrow_delta_is_the_least_sum_of_absolute_residuals(true_laws: dict[str, Any]) -> None:
    truth = true_laws["log-quadratic"]
    log_loss = losses(truth)
    design, _, found = fitted(truth, log_loss, delta=1e-6)
    columns = truth.law.evaluate(np.zeros((1, 3)), design.x[None])[1][0]
    n = len(log_loss)
    # The same as a linear programme.
    price = np.concatenate([np.zeros(3), np.ones(2 * n)])
    equal = np.hstack([columns, np.eye(n), -np.eye(n)])
    free = [(None, None)] * 3 + [(0, None)] * 2 * n
    expected = optimize.linprog(price, A_eq=equal, b_eq=log_loss, bounds=free)
    assert found / 1e-6 == pytest.approx(expected.fun, rel=1e-3)


def test_an_outlier_moves_it_little(true_laws: dict[str, Any]) -> None:
    truth = true_laws["additive, grid"]
    log_loss = np.log(truth.loss) + 1e-3 * stream(0, "clean").standard_normal(48)
    spoiled = log_loss.copy()
    spoiled[40] += 0.5
    index = truth.law.names.index("beta")
    before, after = (fitted(truth, values)[1][index] for values in (log_loss, spoiled))
    design = make_design(truth.law, truth.logs)
    squares = [solve(design, values[None]).theta[0, index] for values in (log_loss, spoiled)]
    assert abs(after - before) < 0.1 * abs(squares[1] - squares[0])


def test_bounds_hold(true_laws: dict[str, Any]) -> None:
    truth = true_laws["additive, no floor"]
    for seed in range(4):
        design, theta, _ = fitted(truth, losses(truth, seed))
        assert (theta >= design.low).all() and (theta <= design.high).all()
