"""Every law of the registry: its formula, its derivatives, its shifts, and how it is found by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.scaling.laws import LAWS, Law, find_law

# The formulas once more, written over values and inputs as a reader of the paper would.
FORMULAS: dict[tuple[str, int], Callable[..., Any]] = {
    ("power", 1): lambda r, alpha, beta: alpha * r**-beta,
    ("saturating", 1): lambda r, limit, alpha, beta: limit + alpha * r**-beta,
    ("broken", 1): lambda r, limit, a, below, above, at, f: (
        limit + a * r**-below * (1 + (r / at) ** (1 / f)) ** (-(above - below) * f)
    ),
    ("log-quadratic", 1): lambda r, c0, c1, c2: np.exp(c0 + c1 * np.log(r) + c2 * np.log(r) ** 2),
    ("increasing", 1): lambda r, a, b: a * r**b,
    ("additive", 2): lambda n, d, e, a, b, alpha, beta: e + a / n**alpha + b / d**beta,
    ("kaplan", 2): lambda n, d, nc, dc, of_n, of_d: ((nc / n) ** (of_n / of_d) + dc / d) ** of_d,
    ("repeated", 3): lambda n, u, epochs, e, a, b, alpha, beta, worth: (
        e + a / n**alpha + b / (u * (1 + worth * (1 - np.exp(-(epochs - 1) / worth)))) ** beta
    ),
    ("log-quadratic", 2): lambda n, d, c0, cn, cd, cnn, cnd, cdd: np.exp(
        c0 + cn * np.log(n) + cd * np.log(d) + cnn * np.log(n) ** 2 + cnd * np.log(n) * np.log(d) + cdd * np.log(d) ** 2
    ),
}


def evaluate(law: Law, theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    return law.evaluate(theta[None], x[None])[0][0]


def test_the_formula_is_the_one_that_is_written(truth: Any) -> None:
    formula = FORMULAS[truth.law.name, len(truth.law.inputs)]
    expected = formula(*truth.inputs.values(), *truth.values.values())
    np.testing.assert_allclose(truth.loss, expected, rtol=1e-12)


def test_every_law_is_tested_at_some_design(true_laws: dict[str, Any]) -> None:
    tested = {(truth.law.name, len(truth.law.inputs)) for truth in true_laws.values()}
    assert tested == {(law.name, len(law.inputs)) for law in LAWS} == set(FORMULAS)


def test_derivatives_are_those_of_finite_differences(truth: Any) -> None:
    law, x = truth.law, truth.logs - truth.logs.mean(axis=0) * [name != "epochs" for name in truth.law.inputs]
    start = law.move(truth.theta, -(x - truth.logs)[0])
    theta = start + 0.01 * stream(0, "derivatives", law.name).standard_normal(len(start))
    _, slope = law.evaluate(theta[None], x[None])
    for index in range(len(theta)):
        step = 1e-4 * np.eye(len(theta))[index]
        near, far = (evaluate(law, theta + k * step, x) - evaluate(law, theta - k * step, x) for k in (1, 2))
        numeric = (8 * near - far) / 12e-4
        np.testing.assert_allclose(slope[0, :, index], numeric, rtol=1e-7, atol=1e-8, err_msg=law.names[index])


def test_a_shift_of_the_inputs_keeps_the_curve(truth: Any) -> None:
    law = truth.law
    shift = np.array([0.0 if name == "epochs" else 3.7 - 2.1 * index for index, name in enumerate(law.inputs)])
    moved = law.move(truth.theta, shift)
    np.testing.assert_allclose(evaluate(law, moved, truth.logs + shift), np.log(truth.loss), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(law.move(moved, -shift), truth.theta, rtol=1e-12, atol=1e-12)
    many = law.move(np.stack([truth.theta, moved]), np.stack([shift, np.zeros_like(shift)]))
    np.testing.assert_array_equal(many, np.stack([moved, moved]))


def test_a_batch_is_the_fits_one_by_one(truth: Any) -> None:
    theta = truth.theta + 0.01 * np.arange(4)[:, None]
    values, slopes = truth.law.evaluate(theta, truth.logs[None])
    for row, value, slope in zip(theta, values, slopes, strict=True):
        one_value, one_slope = truth.law.evaluate(row[None], truth.logs[None])
        np.testing.assert_allclose(value, one_value[0], rtol=1e-12)
        np.testing.assert_allclose(slope, one_slope[0], rtol=1e-12)


def test_values_and_coordinates_are_each_other(truth: Any) -> None:
    law, values = truth.law, np.array(list(truth.values.values()))
    np.testing.assert_allclose(law.values(law.coordinates(values)), values, rtol=1e-14)
    assert law.names == tuple(truth.values)
    assert set(law.exponents) <= set(law.names)


def test_starts_are_finite_and_the_first_is_near(truth: Any) -> None:
    x = truth.logs - truth.logs.mean(axis=0) * [name != "epochs" for name in truth.law.inputs]
    starts = truth.law.starts(x, np.log(truth.loss))
    assert np.isfinite(starts).all()
    assert starts.shape[1] == len(truth.law.parameters)
    error = evaluate(truth.law, starts[0], x) - np.log(truth.loss)
    assert np.median(np.abs(error)) < 0.2


def test_kaplan_is_a_power_law_of_the_model_where_data_abound() -> None:
    law, theta = find_law("kaplan", 2), np.log([8.8e13, 5.4e13, 1, 1])
    theta[2:] = 0.076, 0.095
    x = np.log(np.array([[1e8, 1e40], [1e10, 1e40]]))
    np.testing.assert_allclose(np.exp(evaluate(law, theta, x)), (8.8e13 / np.array([1e8, 1e10])) ** 0.076, rtol=1e-9)


def test_data_seen_once_are_fresh_and_nothing_lasts_for_ever() -> None:
    additive, repeated = find_law("additive", 2), find_law("repeated", 3)
    theta = np.array([1.8, np.log(500.0), np.log(2000.0), 0.35, 0.37])
    sizes = np.log(np.array([[1e7, 1e8], [1e8, 1e9]]))
    once = np.column_stack([sizes, np.zeros(2)])
    with_worth = np.append(theta, np.log(15.4))
    np.testing.assert_allclose(evaluate(repeated, with_worth, once), evaluate(additive, theta, sizes), rtol=1e-14)
    # For ever so many epochs the data are worth 1 + R epochs of fresh ones.
    ever = np.column_stack([sizes, np.full(2, np.log(1e6))])
    worth = sizes + np.array([0.0, np.log(16.4)])
    np.testing.assert_allclose(evaluate(repeated, with_worth, ever), evaluate(additive, theta, worth), rtol=1e-12)


def test_broken_has_one_exponent_on_each_side() -> None:
    law = find_law("broken", 1)
    theta = law.coordinates(np.array([0.0, 20.0, 0.1, 0.4, 1e6, 0.3]))
    below, above = (np.log(np.array([[r], [10 * r]])) for r in (1e1, 1e10))
    for x, exponent in ((below, 0.1), (above, 0.4)):
        low, high = evaluate(law, theta, x)
        assert (low - high) / np.log(10) == pytest.approx(exponent, rel=1e-6)


def test_names_find_laws() -> None:
    assert len({(law.name, len(law.inputs)) for law in LAWS}) == len(LAWS)
    for law in LAWS:
        assert find_law(law.name, len(law.inputs)) is law
        assert law.formula and law.reference


@pytest.mark.parametrize(
    ("name", "n_inputs", "message"),
    [
        ("powr", 1, "there is no law 'powr'.*power"),
        ("additive", 1, "additive takes parameters, data, and 1 inputs are given. Laws of 1: .*power"),
        ("power", 2, "power takes resource.*Laws of 2: additive, kaplan"),
        ("log-quadratic", 3, "log-quadratic takes resource or parameters, data.*Laws of 3: repeated"),
        ("", 1, "there is no law ''"),
    ],
)
def test_a_wrong_name_is_answered_with_what_there_is(name: str, n_inputs: int, message: str) -> None:
    with pytest.raises(FitError, match=message):
        find_law(name, n_inputs)
