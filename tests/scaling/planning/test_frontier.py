"""The compute-optimal frontier with its intervals."""

import json
from dataclasses import replace

import numpy as np
import pytest

from chemscale.base.errors import FitError
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.advice import cheapest
from chemscale.scaling.planning.cost import SixND
from chemscale.scaling.planning.cost_fit import fit_cost
from chemscale.scaling.planning.delta_method import propagate
from chemscale.scaling.planning.frontier import frontier
from chemscale.scaling.solver.solve import covariance, solve

E, A, B, ALPHA, BETA = 1.8172, 477.8, 2143.0, 0.3473, 0.3672
PARAMETERS, DATA = (part.ravel() for part in np.meshgrid(np.geomspace(1e6, 3e8, 8), np.geomspace(1e8, 1e10, 6)))
MEAN = E + A / PARAMETERS**ALPHA + B / DATA**BETA


def noisy_fit(law: str = "additive", noise: float = 0.005, seed: int = 0) -> LawFit:
    """A grid of 48 runs of the additive law with independent errors."""
    loss = MEAN * np.exp(noise * np.random.default_rng(seed).standard_normal(48))
    return fit_law(law, {"parameters": PARAMETERS, "data": DATA}, loss, shared=None)


@pytest.fixture(scope="module")
def fit() -> LawFit:
    return noisy_fit()


def test_points_are_the_published_closed_form_of_the_fit(fit: LawFit) -> None:
    line = frontier(fit, SixND(), [1e17, 1e19])
    a, b, alpha, beta = (fit.parameters[name] for name in ("A", "B", "alpha", "beta"))
    for point in line.points:
        factor = (alpha * a / (beta * b)) ** (1 / (alpha + beta))
        assert point.parameters.value == pytest.approx(factor * (point.budget / 6) ** (beta / (alpha + beta)), rel=1e-9)
        assert 6 * point.parameters.value * point.data.value == pytest.approx(point.budget, rel=1e-9)
        assert point.loss.value == pytest.approx(fit.predict(point.parameters.value, point.data.value)[0], rel=1e-10)
        assert point.parameters_exponent.value == pytest.approx(beta / (alpha + beta), abs=1e-9)
        assert point.data_exponent.value == pytest.approx(alpha / (alpha + beta), abs=1e-9)
        assert point.model_share == pytest.approx(beta / (alpha + beta), abs=1e-9)
        assert point.model_share + point.data_share == pytest.approx(1) and point.epochs == 1


def test_interval_of_the_exponent_is_the_delta_method_by_hand(fit: LawFit) -> None:
    point = frontier(fit, SixND(), [1e18]).points[0]
    alpha, beta = fit.parameters["alpha"], fit.parameters["beta"]
    gradient = np.array([0, 0, 0, -beta, alpha]) / (alpha + beta) ** 2
    error = np.sqrt(gradient @ fit.natural_covariance() @ gradient)
    t = 2.0166921941428133  # Student's t of 0.975 with 43 degrees of freedom
    found = point.parameters_exponent
    assert (found.high - found.value) / t == pytest.approx(error, rel=1e-5)
    assert found.value - found.low == pytest.approx(found.high - found.value)


def test_intervals_cover_what_they_say() -> None:
    draws, budget = 200, [1e18, 1e20]
    truth = noisy_fit(noise=1e-6)
    order = truth.cells.values
    mean = np.log(E + A / order[:, 0] ** ALPHA + B / order[:, 1] ** BETA)
    losses = mean + 0.01 * np.random.default_rng(5).standard_normal((draws, 48))
    found = solve(truth.design, losses, truth.theta[None])
    wanted = frontier(truth, SixND(), budget).points
    names = ("parameters", "data", "loss", "parameters_exponent")
    inside = np.zeros((2, 4))
    for theta, squares in zip(found.theta, found.squares, strict=True):
        variance = squares / 43
        drawn = replace(truth, theta=theta, spread=covariance(truth.design, theta) * variance)
        for i, (got, want) in enumerate(zip(frontier(drawn, SixND(), budget).points, wanted, strict=True)):
            ends = [(getattr(got, name), getattr(want, name).value) for name in names]
            inside[i] += [one.low <= value <= one.high for one, value in ends]
    assert (inside / draws > 0.90).all() and (inside / draws < 0.995).all()


def test_measured_cost_moves_the_split_and_widens_it(fit: LawFit) -> None:
    noise = np.exp(0.15 * np.random.default_rng(1).standard_normal(48))
    seconds = 1e-9 * PARAMETERS**0.6 * DATA
    exact, rough = fit_cost(PARAMETERS, DATA, seconds), fit_cost(PARAMETERS, DATA, seconds * noise)
    budget = float(exact(3e7, 1e9))
    sharp, wide = (frontier(fit, cost, budget).points[0] for cost in (exact, rough))
    assert sharp.parameters_exponent.value / sharp.data_exponent.value == pytest.approx(
        fit.parameters["beta"] / fit.parameters["alpha"], rel=1e-6
    )
    assert 0.6 * sharp.parameters_exponent.value + sharp.data_exponent.value == pytest.approx(1, abs=1e-8)
    assert wide.parameters.high / wide.parameters.low > 1.05 * sharp.parameters.high / sharp.parameters.low
    # A model that costs less per parameter should be larger.
    plain = frontier(fit, SixND(), 6 * sharp.parameters.value * sharp.data.value).points[0]
    assert sharp.parameters.value > plain.parameters.value


def test_errors_of_the_cost_enter_as_their_own_variance(fit: LawFit) -> None:
    noise = np.exp(0.15 * np.random.default_rng(1).standard_normal(48))
    cost = fit_cost(PARAMETERS, DATA, 1e-9 * PARAMETERS**0.6 * DATA * noise)
    found = propagate(fit, cost, lambda theta, priced: np.log(np.full((len(theta), 1), priced(1e8, 1e9))))
    place = np.array([1.0, np.log(1e8) - cost.centre[0], np.log(1e9) - cost.centre[1]])
    assert found.error[0] == pytest.approx(np.sqrt(place @ cost.spread @ place), rel=1e-6)
    assert found.t[0] == pytest.approx(2.0141, abs=1e-3)  # 45 degrees of freedom


@pytest.mark.parametrize("law", ["kaplan", "log-quadratic"])
def test_other_laws_have_a_frontier_without_shares(law: str) -> None:
    found = noisy_fit(law)
    point = frontier(found, SixND(), 1e18).points[0]
    assert point.model_share is None
    nearby = point.parameters.value * np.array([0.8, 1.25])
    assert (found.predict(nearby, 1e18 / 6 / nearby) > point.loss.value).all()
    assert point.parameters_exponent.value + point.data_exponent.value == pytest.approx(1, abs=1e-6)


def test_limited_data_are_seen_again() -> None:
    epochs = np.array([1.0, 4.0, 20.0])
    parameters, data, seen = (part.ravel() for part in np.meshgrid(np.geomspace(1e6, 3e8, 6), [1e7, 1e8, 1e9], epochs))
    worth = data * (1 + 15 * (1 - np.exp(-(seen - 1) / 15)))
    mean = E + A / parameters**ALPHA + B / worth**BETA
    loss = mean * np.exp(0.002 * np.random.default_rng(0).standard_normal(len(mean)))
    found = fit_law("repeated", {"parameters": parameters, "data": data, "epochs": seen}, loss, shared=None)
    line = frontier(found, SixND(), [1e15, 1e18, 1e20], max_data=1e8)
    small, middle, large = line.points
    assert small.epochs == 1 and small.data.value < 1e8
    assert middle.epochs == pytest.approx(middle.data.value / 1e8) and 1 < middle.epochs < 20
    assert large.epochs > 20 and "no fitted run had more than 20" in str(line)
    target = cheapest(found, SixND(), middle.loss.value, max_data=1e8)
    assert target.cost.value == pytest.approx(1e18, rel=1e-6) and target.epochs == pytest.approx(
        middle.epochs, rel=1e-6
    )
    assert "no fitted run had more than 20" in str(cheapest(found, SixND(), large.loss.value, max_data=1e8))
    with pytest.raises(FitError, match="no budget reaches"):
        cheapest(found, SixND(), 2.5, max_data=1e8)
    with pytest.raises(FitError, match="does not know what repeated data are worth"):
        frontier(noisy_fit(), SixND(), 1e18, max_data=1e8)


def test_splits_outside_of_the_data_are_named(fit: LawFit) -> None:
    assert frontier(fit, SixND(), [1e17, 1e18]).warnings == ()
    near = frontier(fit, SixND(), [1e18, 3e19])
    assert "carried on beyond its data" in near.warnings[0] and near.points[1].parameters_outside > 0
    far = frontier(fit, SixND(), [1e18, 1e23])
    assert all("no more" in warning and "above" in warning for warning in far.warnings) and len(far.warnings) == 2
    assert far.points[1].parameters_outside == pytest.approx(np.log10(far.points[1].parameters.value / 3e8))
    assert frontier(fit, SixND(), 1e10).points[0].data_outside < 0


def test_outliers_that_decide_are_named(fit: LawFit) -> None:
    point = frontier(fit, SixND(), 1e18).points[0]
    a, b, alpha, beta = (fit.huber[name] for name in ("A", "B", "alpha", "beta"))
    factor = (alpha * a / (beta * b)) ** (1 / (alpha + beta))
    assert point.parameters_huber == pytest.approx(factor * (1e18 / 6) ** (beta / (alpha + beta)), rel=1e-8)
    moved = {**fit.huber, "alpha": fit.huber["alpha"] * 1.05}
    assert any("Huber" in warning for warning in frontier(replace(fit, huber=moved), SixND(), 1e18).warnings)


def test_a_floor_at_zero_is_taken_as_given() -> None:
    mean = 477.8 / PARAMETERS**ALPHA + B / DATA**BETA
    found = [
        fit_law(
            "additive",
            {"parameters": PARAMETERS, "data": DATA},
            mean * np.exp(0.01 * np.random.default_rng(seed).standard_normal(48)),
            shared=None,
        )
        for seed in range(8)
    ]
    at_zero = [one for one in found if one.status.startswith("at a bound")]
    assert at_zero
    line = frontier(at_zero[0], SixND(), 1e18)
    assert "at a bound: E = 0" in line.warnings[-1] and line.points[0].loss.low < line.points[0].loss.value


def test_an_exponent_that_may_be_zero_is_refused() -> None:
    loss = MEAN * np.exp(0.6 * np.random.default_rng(3).standard_normal(48))
    found = fit_law("additive", {"parameters": PARAMETERS, "data": DATA}, loss, shared=None)
    assert min(found.intervals["alpha"][0], found.intervals["beta"][0]) <= 0
    with pytest.raises(FitError, match="touches zero"):
        frontier(found, SixND(), 1e18)


def test_fits_that_allow_no_plan_are_refused(fit: LawFit) -> None:
    alone = fit_law(
        "power", {"parameters": np.geomspace(1e3, 1e6, 6)}, np.geomspace(9, 4, 6) * [1, 1.01, 1, 1, 0.99, 1]
    )
    with pytest.raises(FitError, match="needs a law of parameters and data"):
        frontier(alone, SixND(), 1e18)
    with pytest.raises(FitError, match="did not come to rest"):
        frontier(replace(fit, status="not converged"), SixND(), 1e18)


@pytest.mark.parametrize("budgets", [[], [1e18, -1.0], [np.nan], ["much"], 0.0, None])
def test_bad_budgets_are_refused(fit: LawFit, budgets: object) -> None:
    with pytest.raises(FitError, match="budgets"):
        frontier(fit, SixND(), budgets)


def test_a_frontier_prints_and_turns_into_json(fit: LawFit) -> None:
    line = frontier(fit, SixND(), [1e17, 1e18])
    plain = json.loads(json.dumps(line.to_dict()))
    assert plain["points"][0]["parameters"]["low"] < plain["points"][0]["parameters"]["value"]
    assert plain["unit"] == "FLOPs" and plain["level"] == 0.95 and "pre-training loss only" in plain["about"]
    text = str(line)
    assert text.count("pre-training loss only") == 1 and "C = 6 N D (FLOPs), 95 % intervals" in text


def test_a_robust_fit_without_a_best_split_is_named() -> None:
    found = noisy_fit("log-quadratic")
    line = frontier(replace(found, huber={**found.huber, "cNN": -1.0}), SixND(), 1e18)
    assert line.points[0].parameters_huber is None and "is nowhere" in line.warnings[0]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("law", ["additive", "kaplan", "log-quadratic"])
def test_budgets_that_no_law_speaks_of_are_refused_as_such(law: str) -> None:
    fit = noisy_fit(law)
    measured = fit_cost(PARAMETERS, DATA, 1e-9 * (PARAMETERS**0.8 + 1e7**0.8) * DATA**0.9)
    for cost in (SixND(), measured):
        for budget in (1e-300, 1e60, 1e300, 1.7e308):
            with pytest.raises(
                FitError, match=rf"budget: .* {cost.unit} lies [0-9]+ decades .*Ask for a budget nearer"
            ):
                frontier(fit, cost, [budget])


@pytest.mark.filterwarnings("error")
def test_a_cost_that_hardly_rises_puts_the_best_sizes_out_of_reach(fit: LawFit) -> None:
    flat = fit_cost(PARAMETERS, DATA, PARAMETERS**0.12 * DATA**0.12)
    with pytest.raises(FitError, match=r"the best parameters of 1e.15 lie [0-9]+ decades outside"):
        frontier(fit, flat, [1e15])


def test_a_loss_at_its_floor_to_the_last_digit_is_no_rising_one(fit: LawFit) -> None:
    steep = noisy_fit("additive")
    law = replace(steep, theta=steep.theta + np.array([0, 0, 0, 2.0, 2.0]))
    with pytest.raises(FitError, match="too large to be split"):
        frontier(law, SixND(), [1e30])
