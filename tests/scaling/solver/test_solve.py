"""Fits of every law: exact without noise, the best of 300 random starts with it, and the same in any unit."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from chemscale.base.seeds import stream
from chemscale.scaling.laws import Law
from chemscale.scaling.solver.solve import CHUNK, Design, covariance, make_design, move_matrix, solve


def noisy(truth: Any, n_fits: int = 1, noise: float = 0.01) -> np.ndarray:
    draw = stream(0, "solve", truth.law.name).standard_normal((n_fits, len(truth.loss)))
    return np.log(truth.loss) + noise * draw


def test_recovers_every_law_without_noise(truth: Any) -> None:
    design = make_design(truth.law, truth.logs)
    found = solve(design, np.log(truth.loss)[None])
    values = truth.law.values(design.natural(found.theta[0]))
    for name, value, expected in zip(truth.values, values, truth.values.values(), strict=True):
        assert value == pytest.approx(expected, rel=1e-6, abs=1e-6 * truth.loss.min()), name
    assert found.converged[0]


def test_order_duplicates_and_units_change_nothing(truth: Any) -> None:
    law, log_loss = truth.law, noisy(truth)[0]
    design = make_design(law, truth.logs)
    found = solve(design, log_loss[None])
    order = stream(1, "order").permutation(len(log_loss))
    twice = np.concatenate([order, order])
    units = np.array([0.0 if name == "epochs" else np.log(1e6) - 4 * index for index, name in enumerate(law.inputs)])
    other_design = make_design(law, truth.logs[twice] + units)
    other = solve(other_design, log_loss[twice][None])
    assert other.squares[0] == pytest.approx(2 * found.squares[0], rel=1e-9)
    there = law.move(other_design.natural(other.theta[0]), -units)
    errors = np.sqrt(np.diag(covariance(design, found.theta[0])) * found.squares[0])
    before = design.law.move(there, -design.centre)
    np.testing.assert_allclose(before, found.theta[0], rtol=1e-8, atol=1e-5 * errors.min() + 1e-8)


@pytest.mark.parametrize("unit", [1e-12, 1e-6, 0.01, 1.7, 1e6, 1e12])
def test_the_unit_of_the_loss_changes_no_exponent(truth: Any, unit: float) -> None:
    design, log_loss = make_design(truth.law, truth.logs), noisy(truth)
    one, other = solve(design, log_loss), solve(design, log_loss + np.log(unit))
    assert other.converged[0] and (other.at_bound == one.at_bound).all()
    for index, parameter in enumerate(truth.law.parameters):
        if parameter.scale == "linear" and parameter.name not in ("E", "L_inf", "c0"):
            assert other.theta[0, index] == pytest.approx(one.theta[0, index], rel=1e-8, abs=1e-8), parameter.name
    squared = unit**2 if truth.law.residual == "absolute" else 1.0
    assert other.squares[0] == pytest.approx(squared * one.squares[0], rel=1e-9)


def test_very_many_points_are_solved_from_starts_of_a_part_of_them(true_laws: dict[str, Any]) -> None:
    """Nothing as large as points x points, nor points x grid of exponents, is ever made."""
    law, draw = true_laws["additive, grid"].law, stream(5, "many")
    values = true_laws["additive, grid"].values
    logs = np.log(10) * np.column_stack([draw.uniform(5, 9, 20_000), draw.uniform(7, 11, 20_000)])
    design = make_design(law, logs)
    log_loss = law.evaluate(law.coordinates(np.array(list(values.values())))[None], logs[None])[0][0]
    tracemalloc.start()
    found = solve(design, (log_loss + 0.01 * draw.standard_normal(20_000))[None])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.converged[0] and peak < 200e6
    assert law.values(design.natural(found.theta[0]))[3:] == pytest.approx([0.3473, 0.3672], abs=0.005)


def linear_solution(truth: Any, log_loss: np.ndarray) -> float:
    """The least sum of squares of a law that is linear in its coordinates."""
    columns = truth.law.evaluate(np.zeros((1, len(truth.values))), truth.logs[None])[1][0]
    return float(((log_loss - columns @ np.linalg.lstsq(columns, log_loss, rcond=None)[0]) ** 2).sum())


def random_starts(design: Design, log_loss: np.ndarray, n_starts: int) -> float:
    """The best of MINPACK's ends from random starts, in coordinates that need no bounds: a floor is a square."""
    law, draw = design.law, stream(2, "starts", design.law.name)
    has_floor = law.parameters[0].low == 0.0
    residuals = design.residuals(log_loss[None])

    def inside(free: np.ndarray) -> np.ndarray:
        return np.concatenate([free[:1] ** 2, free[1:]]) if has_floor else free

    def cost(free: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            found = residuals(inside(free)[None], np.zeros(1, int))[0][0]
        return np.nan_to_num(found, nan=1e6, posinf=1e6, neginf=-1e6)

    def slope(free: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            found = residuals(inside(free)[None], np.zeros(1, int))[1][0].copy()
        found[:, 0] *= 2 * free[0] if has_floor else 1.0
        return np.nan_to_num(found)

    best, height = np.inf, log_loss.mean()
    for _ in range(n_starts):
        start = _random(law, height, design.x, draw, has_floor)
        ends = optimize.leastsq(cost, start, Dfun=slope, ftol=1e-14, xtol=1e-12, full_output=True)
        theta = inside(ends[0])
        if ((theta >= design.low) & (theta <= design.high)).all():
            best = min(best, float((cost(ends[0]) ** 2).sum()))
    return best


def _random(law: Law, height: float, x: np.ndarray, draw: np.random.Generator, has_floor: bool) -> np.ndarray:
    start = np.empty(len(law.parameters))
    for index, parameter in enumerate(law.parameters):
        if parameter.name == "R_b":
            start[index] = draw.uniform(x.min(), x.max())
        elif parameter.moves_with is not None:
            start[index] = height + draw.uniform(-3, 1) + (20 if law.name == "kaplan" else 0)
        elif parameter.scale == "log":
            start[index] = draw.uniform(max(parameter.low, -2), min(parameter.high, 4))
        elif index == 0 and has_floor:
            start[index] = np.sqrt(np.exp(height) * draw.uniform(0, 1))
        else:
            start[index] = np.exp(draw.uniform(np.log(0.02), np.log(1.5)))
    return start


@pytest.mark.parametrize(
    "case", ["saturating", "broken", "additive, grid", "additive, exponents 3 to 1, valleys", "kaplan, no grid"]
)
def test_no_random_start_finds_a_better_fit(case: str, true_laws: dict[str, Any]) -> None:
    truth = true_laws[case]
    design, log_loss = make_design(truth.law, truth.logs), noisy(truth, noise=0.02)[0]
    found = solve(design, log_loss[None])
    assert found.squares[0] <= random_starts(design, log_loss, 300) * (1 + 1e-8)


@pytest.mark.parametrize("case", ["power", "log-quadratic", "log-quadratic, joint"])
def test_straight_laws_have_the_least_squares_solution(case: str, true_laws: dict[str, Any]) -> None:
    truth = true_laws[case]
    log_loss = noisy(truth)[0]
    found = solve(make_design(truth.law, truth.logs), log_loss[None])
    assert found.squares[0] == pytest.approx(linear_solution(truth, log_loss), rel=1e-8)


def test_a_score_has_absolute_residuals(true_laws: dict[str, Any]) -> None:
    """scipy's curve_fit, with its own derivatives, is the reference."""
    truth = true_laws["increasing"]
    fraction, score = truth.inputs["resource"], np.exp(noisy(truth)[0])
    expected, spread = optimize.curve_fit(
        lambda r, a, b: a * r**b, fraction, score, p0=(1, 0.1), ftol=1e-14, xtol=1e-14
    )
    design = make_design(truth.law, truth.logs)
    found = solve(design, np.log(score)[None])
    values = truth.law.values(design.natural(found.theta[0]))
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    matrix = move_matrix(truth.law, design.centre)
    errors = np.sqrt(np.diag(matrix @ covariance(design, found.theta[0]) @ matrix.T) * found.squares[0] / 7)
    np.testing.assert_allclose(errors * [values[0], 1.0], np.sqrt(np.diag(spread)), rtol=1e-4)


def test_many_fits_are_the_fits_one_by_one(true_laws: dict[str, Any]) -> None:
    truth = true_laws["saturating"]
    design, losses = make_design(truth.law, truth.logs), noisy(truth, CHUNK + 20)
    start = truth.law.move(truth.theta, -design.centre)[None]
    together = solve(design, losses, start)
    assert len(together.theta) == CHUNK + 20 and together.converged.all()
    for row in (0, 7, CHUNK - 1, CHUNK, CHUNK + 19):
        alone = solve(design, losses[row][None])
        assert together.squares[row] == pytest.approx(alone.squares[0], rel=1e-9)
        np.testing.assert_allclose(together.theta[row], alone.theta[0], rtol=1e-5)


def test_a_weight_is_so_many_copies_of_a_point(true_laws: dict[str, Any]) -> None:
    truth = true_laws["additive, no grid"]
    log_loss, weights = noisy(truth)[0], stream(0, "weights").integers(0, 4, len(truth.loss))
    copies = np.repeat(np.arange(len(weights)), weights)
    design = make_design(truth.law, truth.logs)
    weighted = solve(design, log_loss[None], truth.law.starts(design.x, log_loss), weights[None].astype(float))
    copied = solve(Design(truth.law, design.x[copies], design.centre), log_loss[copies][None])
    np.testing.assert_allclose(weighted.theta, copied.theta, rtol=1e-5)
    assert weighted.squares[0] == pytest.approx(copied.squares[0], rel=1e-9)


def test_covariance_is_that_of_the_jacobian(true_laws: dict[str, Any]) -> None:
    truth = true_laws["additive, grid"]
    design = make_design(truth.law, truth.logs)
    theta = truth.law.move(truth.theta, -design.centre)
    jacobian = truth.law.evaluate(theta[None], design.x[None])[1][0]
    np.testing.assert_allclose(covariance(design, theta), np.linalg.inv(jacobian.T @ jacobian), rtol=1e-8)


def test_a_parameter_on_a_bound_has_no_variance_and_takes_none(true_laws: dict[str, Any]) -> None:
    truth = true_laws["saturating, no floor"]
    design = make_design(truth.law, truth.logs)
    theta = truth.law.move(truth.theta, -design.centre)
    jacobian = truth.law.evaluate(theta[None], design.x[None])[1][0][:, 1:]
    found = covariance(design, theta)
    assert not found[0].any() and not found[:, 0].any()
    np.testing.assert_allclose(found[1:, 1:], np.linalg.inv(jacobian.T @ jacobian), rtol=1e-8, atol=1e-14)


def test_the_move_is_a_matrix(truth: Any) -> None:
    shift = np.array([0.0 if name == "epochs" else 2.5 for name in truth.law.inputs])
    matrix, origin = move_matrix(truth.law, shift), truth.law.move(np.zeros(len(truth.theta)), shift)
    np.testing.assert_allclose(
        matrix @ truth.theta + origin, truth.law.move(truth.theta, shift), rtol=1e-12, atol=1e-12
    )


def test_a_whitener_is_generalised_least_squares(true_laws: dict[str, Any]) -> None:
    truth = true_laws["log-quadratic"]
    log_loss = noisy(truth)[0]
    root = np.tril(stream(3, "whitener").standard_normal((7, 7))) + 4 * np.eye(7)
    design = make_design(truth.law, truth.logs)
    found = solve(Design(truth.law, design.x, design.centre, np.linalg.inv(root)), log_loss[None])
    columns, weight = truth.law.evaluate(np.zeros((1, 3)), design.x[None])[1][0], np.linalg.inv(root @ root.T)
    expected = np.linalg.solve(columns.T @ weight @ columns, columns.T @ weight @ log_loss)
    np.testing.assert_allclose(found.theta[0], expected, rtol=1e-7)
