"""`fit_law` from outside: exact laws, seeds, order, units, status, and everything it refuses."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.scaling.cells import cells_of_points
from chemscale.scaling.fitting import fit_cells, fit_law
from chemscale.scaling.power_law import fit_power_law

SIZES = np.logspace(3, 8, 8)
FLOORED = 0.5 + 8 * SIZES**-0.25
MODEL, DATA = (part.ravel() for part in np.meshgrid(np.logspace(5, 9, 6), np.logspace(7, 11, 5), indexing="ij"))
SURFACE = 1.8172 + 477.8 * MODEL**-0.3473 + 2143 * DATA**-0.3672


def noise(n: int, size: float = 0.01, seed: int = 0) -> np.ndarray:
    return np.exp(size * stream(seed, "joint fit").standard_normal(n))


def test_recovers_every_law_and_says_that_it_is_exact(truth: Any) -> None:
    fit = fit_law(truth.law, truth.inputs, truth.loss)
    for name, expected in truth.values.items():
        assert fit.parameters[name] == pytest.approx(expected, rel=1e-6, abs=1e-6 * truth.loss.min()), name
    assert fit.warnings[0].startswith("the points lie exactly on the law")
    assert fit.status == "converged" or fit.status.startswith("at a bound: ")
    np.testing.assert_allclose(fit.predict(*truth.inputs.values()), truth.loss, rtol=1e-9)


def test_the_power_law_is_that_of_the_line() -> None:
    loss = 30 * SIZES**-0.17 * noise(8)
    fit, line = (
        fit_law("power", {"tokens": SIZES}, loss, level=0.9),
        fit_power_law(SIZES, loss, level=0.9, fit_range="all"),
    )
    assert fit.parameters == pytest.approx({"alpha": line.alpha, "beta": line.beta})
    assert fit.standard_errors == pytest.approx(line.standard_errors, rel=1e-6)
    for name, ends in line.intervals.items():
        assert fit.intervals[name] == pytest.approx(ends, rel=1e-6)
    assert fit.r_squared == pytest.approx(line.r_squared)


def test_log_quadratic_has_the_intervals_of_the_normal_equations() -> None:
    loss = FLOORED * noise(8)
    fit = fit_law("log-quadratic", {"r": SIZES}, loss)
    columns = np.vander(np.log(SIZES), 3, increasing=True)
    best, rest, *_ = np.linalg.lstsq(columns, np.log(loss), rcond=None)
    errors = np.sqrt(np.diag(np.linalg.inv(columns.T @ columns)) * rest[0] / 5)
    for name, value, error in zip(fit.parameters, best, errors, strict=True):
        half = stats.t.ppf(0.975, 5) * error
        assert fit.intervals[name] == pytest.approx((value - half, value + half), rel=1e-5)


def test_seeds_make_a_cell_better_and_are_no_further_cells() -> None:
    three = np.repeat(SIZES, 3)
    loss = np.repeat(FLOORED, 3) * noise(24, 0.02)
    fit = fit_law("saturating", {"r": three}, loss)
    means = np.exp(np.log(loss).reshape(8, 3).mean(axis=1))
    merged = fit_law("saturating", {"r": SIZES}, means)
    assert fit.n_points == 8
    assert fit.parameters == pytest.approx(merged.parameters)
    assert fit.intervals["beta"] == pytest.approx(merged.intervals["beta"])


def test_order_duplicates_and_units_of_the_inputs_change_nothing() -> None:
    loss, order = SURFACE * noise(30), stream(1, "order").permutation(30)
    twice = np.concatenate([order, order[:7]])
    one = fit_law("additive", {"n": MODEL, "d": DATA}, loss)
    other = fit_law("additive", {"n": MODEL[twice] * 1e6, "d": DATA[twice] / 512}, loss[twice])
    for name in ("E", "alpha", "beta"):
        assert other.parameters[name] == pytest.approx(one.parameters[name], rel=1e-8, abs=1e-8)
        assert other.intervals[name] == pytest.approx(one.intervals[name], rel=1e-3)
    assert other.parameters["A"] == pytest.approx(one.parameters["A"] * 1e6 ** one.parameters["alpha"], rel=1e-6)
    assert other.parameters["B"] == pytest.approx(one.parameters["B"] / 512 ** one.parameters["beta"], rel=1e-6)


@pytest.mark.parametrize("unit", [0.5, 1e3])
def test_the_unit_of_the_loss_scales_what_is_a_loss(unit: float) -> None:
    loss = SURFACE * noise(30)
    one, other = (fit_law("additive", {"n": MODEL, "d": DATA}, loss * scale) for scale in (1.0, unit))
    for name in ("alpha", "beta"):
        assert other.parameters[name] == pytest.approx(one.parameters[name], rel=1e-8)
    for name in ("E", "A", "B"):
        assert other.parameters[name] == pytest.approx(one.parameters[name] * unit, rel=1e-6)
    assert other.noise == pytest.approx(one.noise, rel=1e-8)


def test_a_floor_of_zero_is_said_to_be_a_bound() -> None:
    fit = fit_law("saturating", {"r": SIZES}, 30 * SIZES**-0.17 * np.exp(0.01 * np.array([1, -1, -1, 1, 1, -1, -1, 1])))
    if fit.parameters["L_inf"] == 0:
        assert fit.status == "at a bound: L_inf = 0"
        assert fit.intervals["L_inf"][0] == 0.0 and fit.standard_errors["L_inf"] == 0.0
    bent_down = fit_law("saturating", {"r": SIZES}, np.exp(2 - 0.01 * np.log(SIZES) ** 2))
    assert bent_down.status == "at a bound: L_inf = 0"
    assert bent_down.intervals["L_inf"][0] == 0.0 and bent_down.standard_errors["L_inf"] == 0.0
    assert any("at a bound" in text for text in bent_down.warnings)


@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_the_unit_of_the_loss_changes_nothing_but_the_unit(truth: Any, unit: float) -> None:
    loss = truth.loss * noise(len(truth.loss), seed=4)
    one, other = (fit_law(truth.law, truth.inputs, values) for values in (loss, loss * unit))
    assert other.status.split(":")[0] == one.status.split(":")[0] and len(other.warnings) == len(one.warnings)
    assert other.relative_noise == pytest.approx(one.relative_noise, rel=1e-8)
    exponents = [
        name for name in one.law.names if name.startswith(("alpha_", "beta", "b")) or name in truth.law.exponents
    ]
    for name in set(exponents):
        assert other.intervals[name] == pytest.approx(one.intervals[name], rel=1e-6, abs=1e-8), name
        assert other.huber[name] == pytest.approx(one.huber[name], rel=1e-5, abs=1e-6), name
    for name in ("E", "L_inf"):
        if name in one.intervals:
            ends = tuple(end * unit for end in one.intervals[name])
            assert other.intervals[name] == pytest.approx(ends, rel=1e-4, abs=1e-6 * unit * loss.min())


@pytest.mark.parametrize(("unit", "word"), [(1e-300, "small"), (1e300, "large")])
def test_losses_whose_squares_are_no_numbers_are_refused(unit: float, word: str) -> None:
    with pytest.raises(FitError, match=f"too {word} to compute with; give the losses in another unit"):
        fit_law("additive", {"n": MODEL, "d": DATA}, SURFACE * unit)


def test_the_points_of_a_power_law_are_fitted_with_their_seeds() -> None:
    sizes = np.repeat(SIZES, 3)
    loss = 30 * sizes**-0.17 * noise(24)
    expected = fit_law("power", {"resource": sizes}, loss)
    found = fit_cells("power", cells_of_points(fit_power_law(sizes, loss, fit_range="all").points))
    assert found.intervals["beta"] == pytest.approx(expected.intervals["beta"])
    assert found.run_noise == pytest.approx(expected.run_noise) and found.run_noise > 1.2 * found.noise
    with pytest.raises(FitError, match="additive takes parameters, data, and 1 inputs"):
        fit_cells("additive", found.cells)


def test_regimes_and_training_reach_every_cell() -> None:
    seeds = np.concatenate([np.arange(30), np.arange(30)])
    inputs = {"n": MODEL[seeds], "d": DATA[seeds]}
    steps = np.where(MODEL[seeds] > 1e8, 100.0, 5000.0)
    training = {"steps": steps, "warmup_steps": np.full(60, 100.0)}
    fit = fit_law("additive", inputs, SURFACE[seeds] * noise(60), training=training)
    assert len(fit.regimes) == fit.n_points == 30
    assert {one.label for one in fit.regimes if one.parameters > 1e8} == {"step-limited"}
    assert "step-limited" not in {one.label for one in fit.regimes if one.parameters < 1e8}
    # Without the training's columns the shares are those of the two fitted terms.
    one = fit_law("additive", inputs, SURFACE[seeds] * noise(60)).regimes[7]
    values = fit.parameters
    model = values["A"] * one.parameters ** -values["alpha"]
    data = values["B"] * one.data ** -values["beta"]
    assert one.model_share == pytest.approx(model / (model + data), rel=1e-9)
    assert fit_law("kaplan", inputs, SURFACE[seeds] * noise(60)).regimes == ()


@pytest.mark.parametrize(
    ("law", "inputs", "loss", "message"),
    [
        ("saturating", {"r": SIZES[:3]}, FLOORED[:3], "needs at least 4"),
        ("broken", {"r": SIZES[:6]}, FLOORED[:6], "has 6 parameters and there are 6 different points"),
        ("additive", {"n": MODEL, "d": np.full(30, 1e9)}, SURFACE, "data: 1 different value"),
        ("additive", {"n": SIZES, "d": 20 * SIZES}, FLOORED, "change together in every run"),
        ("power", {"r": SIZES}, np.where(SIZES > 1e7, np.nan, FLOORED), "loss: value 7 of 8 is nan"),
        ("power", {"r": SIZES}, FLOORED - 1, "loss: value 4 of 8 is -0.08"),
        ("power", {"r": SIZES}, FLOORED * 0, "loss: value 1 of 8 is 0"),
        ("power", {"r": SIZES}, FLOORED[:5], "resource has 8 values and loss has 5"),
        ("powers", {"r": SIZES}, FLOORED, "there is no law 'powers'"),
        ("power", {"n": MODEL, "d": DATA}, SURFACE, "power takes resource, and 2 inputs are given"),
        ("additive", {"r": SIZES}, FLOORED, "additive takes parameters, data, and 1 inputs"),
        ("power", {}, FLOORED, "0 inputs are given"),
        ("power", {"r": []}, [], "no runs"),
    ],
)
def test_refuses_what_cannot_be_fitted(law: str, inputs: dict[str, Any], loss: Any, message: str) -> None:
    with pytest.raises(FitError, match=message):
        fit_law(law, inputs, loss)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": 95}, "level: expected a number between 0 and 1"),
        ({"level": 0}, "level"),
        ({"shared": "dat"}, "shared: expected one of parameters, data, got 'dat'"),
    ],
)
def test_refuses_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(FitError, match=message):
        fit_law("additive", {"n": MODEL, "d": DATA}, SURFACE * noise(30), **arguments)


@pytest.mark.parametrize("law", ["power", "saturating", "log-quadratic"])
@pytest.mark.parametrize("loss", [np.full(8, 2.0), np.linspace(1, 3, 8), np.exp(np.tile([1.0, -1.0], 4))])
def test_losses_that_no_law_describes_still_give_a_fit(law: str, loss: np.ndarray) -> None:
    fit = fit_law(law, {"r": SIZES}, loss)
    assert np.isfinite(list(fit.parameters.values())).all()
    assert fit.warnings
    fit.to_dict(), str(fit)
