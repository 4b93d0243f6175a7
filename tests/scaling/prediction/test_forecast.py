"""Forecasts: three sources of error, decades, refusals, and coverage."""

import json

import numpy as np
import pytest
from scipy import stats

from chemscale.base.errors import FitError
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.prediction.forecast import Forecast, forecast

BUDGETS = np.repeat(np.geomspace(6e18, 1e21, 7), 7)
SIZES = np.sqrt(BUDGETS / 120) * np.tile(np.geomspace(0.25, 4, 7), 7)
DATA = BUDGETS / 6 / SIZES


def additive(sizes: np.ndarray, data: np.ndarray) -> np.ndarray:
    return 1.8 + 480 / sizes**0.35 + 2100 / data**0.37


def interacting(sizes: np.ndarray, data: np.ndarray) -> np.ndarray:
    """No law of the package: the two terms have a product."""
    model, rest = 480 / sizes**0.35, 2100 / data**0.37
    return 1.8 + model + rest + 0.5 * np.sqrt(model * rest)


def fit_to(loss: np.ndarray, law: str = "additive") -> LawFit:
    return fit_law(law, {"parameters": SIZES, "data": DATA}, loss, level=0.9)


def noisy(loss: np.ndarray, seed: int = 0, noise: float = 0.005) -> np.ndarray:
    return loss * np.exp(np.random.default_rng(seed).normal(0, noise, loss.shape))


@pytest.fixture(scope="module")
def fit() -> LawFit:
    return fit_to(noisy(additive(SIZES, DATA)))


@pytest.fixture(scope="module")
def found(fit: LawFit) -> Forecast:
    return forecast(fit, [1e9, 1e11, 1e9], [2e10, 1e12, 1e13])


def test_the_interval_is_made_of_its_three_parts(fit: LawFit, found: Forecast) -> None:
    assert found.value == pytest.approx(fit.predict([1e9, 1e11, 1e9], [2e10, 1e12, 1e13]))
    _, error = fit.log_error(np.log([[1e9, 2e10], [1e11, 1e12], [1e9, 1e13]]))
    assert found.parameters == pytest.approx(error**2)
    assert found.noise == pytest.approx(np.full(3, fit.noise**2))
    fitted, total = found.parameters + found.noise, found.parameters + found.noise + found.discrepancy
    freedom = total**2 / (fitted**2 / fit.freedom.min() + found.discrepancy**2 / found.learnt.freedom)
    assert found.freedom == pytest.approx(freedom)
    half = stats.t.ppf(0.95, freedom) * np.sqrt(total)
    assert found.high == pytest.approx(found.value * np.exp(half))
    assert found.low == pytest.approx(found.value * np.exp(-half))


def test_inside_the_data_the_law_adds_nothing_and_beyond_it_grows_with_the_distance(fit: LawFit) -> None:
    sizes = np.array([1e9, 1e10, 1e11, 1e12])
    found = forecast(fit, sizes, 20 * sizes)
    assert found.discrepancy[0] == 0 and found.freedom[0] == pytest.approx(fit.freedom.min())
    assert (np.diff(found.high / found.low) > 0).all()
    beyond = np.log(20 * sizes[1:] ** 2) - np.log((SIZES * DATA).max())
    assert found.discrepancy[1:] == pytest.approx((found.learnt.rate * beyond) ** 2)


def test_decades_are_counted_along_every_input_and_compute(found: Forecast) -> None:
    assert list(found.decades) == ["parameters", "data", "compute"]
    assert found.decades["compute"][1] == pytest.approx(np.log10(1e23 / (SIZES * DATA).max()))
    assert found.decades["data"] == pytest.approx([0, np.log10(1e12 / DATA.max()), np.log10(1e13 / DATA.max())])
    small = forecast(fit_to(noisy(additive(SIZES, DATA))), 1e6, 1e9)
    assert small.decades["parameters"][0] == pytest.approx(np.log10(SIZES.min() / 1e6)) and small.discrepancy[0] > 0


def test_a_forecast_says_what_it_is_about_and_turns_into_json(found: Forecast) -> None:
    text = str(found)
    assert text.count("pre-training loss only") == 1 and "decades beyond the data: parameters" in text
    assert "inside the data" in text and "90 % interval" in text
    back = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert back["level"] == 0.9 and len(back["value"]) == 3 and back["backtest"]["n_origins"] >= 3
    assert "downstream" in back["about"]


def test_an_exponent_that_may_be_zero_is_refused_unless_forced() -> None:
    sizes = np.geomspace(1e3, 1e6, 6)
    fit = fit_law("power", {"resource": sizes}, noisy(2 * sizes**-0.001, noise=0.05))
    with pytest.raises(FitError, match=r"interval \[-.* of beta at level 0.95 touches zero"):
        forecast(fit, 1e7)
    forced = forecast(fit, 1e7, force=True)
    assert np.isfinite(forced.value).all() and any("forced" in text for text in forced.warnings)
    rising = fit_law("power", {"resource": sizes}, sizes**0.1 * noisy(np.ones(6), noise=1e-3))
    with pytest.raises(FitError, match=r"of beta at level 0\.95 lies below zero: the loss rises along it"):
        forecast(rising, 1e7)


def test_few_runs_and_far_forecasts_are_warned_about(fit: LawFit) -> None:
    sizes = np.geomspace(1e4, 1e6, 4)
    small = forecast(fit_law("power", {"resource": sizes}, noisy(9 * sizes**-0.2, noise=0.002)), 1e8)
    assert any("only 1 back-test fit into these runs" in text for text in small.warnings)
    three = forecast(fit_law("power", {"resource": sizes[:3]}, noisy(9 * sizes[:3] ** -0.2, noise=0.001)), 1e8)
    assert three.backtest is None and three.discrepancy[0] > 0 and any("only 0" in text for text in three.warnings)
    assert three.to_dict()["backtest"] is None
    far = forecast(fit, 1e14, 1e16)
    assert any("is itself an extrapolation" in text for text in far.warnings)


@pytest.mark.parametrize(("law", "truth"), [("saturating", 1.0), ("log-quadratic", 0.0), ("power", 0.0)])
def test_laws_of_one_input_are_forecast_too(law: str, truth: float) -> None:
    sizes = np.geomspace(1e4, 1e8, 12)
    fit = fit_law(law, {"resource": sizes}, noisy(truth + 20 * sizes**-0.2, noise=0.003))
    found = forecast(fit, [1e9, 1e10])
    expected = truth + 20 * np.array([1e9, 1e10]) ** -0.2
    assert list(found.decades) == ["resource"] and found.decades["resource"] == pytest.approx([1, 2])
    assert ((found.low < expected) & (expected < found.high)).all()


def test_scores_and_repeated_data_are_forecast_in_their_own_terms() -> None:
    sizes = np.geomspace(1e3, 1e6, 8)
    score = 0.5 * sizes**0.03 + np.random.default_rng(0).normal(0, 0.004, 8)
    found = forecast(fit_law("increasing", {"resource": sizes}, score), 1e7)
    assert found.low[0] < 0.5 * 1e7**0.03 < found.high[0]
    model, data, epochs = (
        axis.reshape(-1) for axis in np.meshgrid(np.geomspace(1e6, 1e9, 5), np.geomspace(1e7, 1e10, 5), [1.0, 4, 16])
    )
    seen = 1 + 15 * (1 - np.exp(-(epochs - 1) / 15))
    loss = noisy(additive(model, data * seen), noise=0.002)
    repeated = forecast(fit_law("repeated", {"n": model, "d": data, "e": epochs}, loss), 1e10, 1e11, 4)
    worth = 1 + 15 * (1 - np.exp(-3 / 15))
    assert list(repeated.decades) == ["parameters", "data", "epochs", "compute"]
    assert repeated.low[0] < additive(np.array([1e10]), 1e11 * worth)[0] < repeated.high[0]


def test_points_exactly_on_a_law_are_forecast_exactly() -> None:
    found = forecast(fit_to(additive(SIZES, DATA)), 1e10, 1e12)
    assert found.value[0] == pytest.approx(additive(np.array([1e10]), np.array([1e12]))[0], rel=1e-6)
    assert found.low[0] < found.value[0] < found.high[0] < 1.06 * found.low[0]


def test_a_wrong_law_covers_only_with_the_discrepancy() -> None:
    """Fits of the smaller budgets, forecasts of those 4 and more times larger; naive bands are the negative control."""
    inside: list[np.ndarray] = []
    trained = BUDGETS < 2e20
    held = 4 * BUDGETS[trained].max() < BUDGETS
    for seed in range(25):
        loss = noisy(interacting(SIZES, DATA), seed, 0.003)
        fit = fit_law("additive", {"n": SIZES[trained], "d": DATA[trained]}, loss[trained], level=0.9)
        found = forecast(fit, SIZES[held], DATA[held], force=True)
        naive_low, naive_high = fit.interval(SIZES[held], DATA[held], new_point=True)
        seen = loss[held]
        inside.append(np.array([(naive_low < seen) & (seen < naive_high), (found.low < seen) & (seen < found.high)]))
    naive, with_discrepancy = np.mean(inside, axis=(0, 2))
    assert naive < 0.7 and with_discrepancy > 0.9


def test_bad_questions_are_refused_with_a_reason(fit: LawFit) -> None:
    with pytest.raises(FitError, match="take parameters, data: 2 arrays, got 1"):
        forecast(fit, 1e9)
    with pytest.raises(FitError, match="data: value 1 of 1 is -1"):
        forecast(fit, 1e9, -1.0)
    with pytest.raises(FitError, match="level"):
        forecast(fit, 1e9, 1e10, level=90)
    with pytest.raises(FitError, match="no place to forecast"):
        forecast(fit, [], [])


def test_a_forecast_is_of_one_run_where_cells_are_means_of_seeds() -> None:
    """Four seeds at eight sizes, forecasts of single runs inside: the noise of means alone covers 60 % at 90 %."""
    sizes, hits = np.repeat(np.geomspace(1e4, 1e6, 8), 4), []
    for seed in range(60):
        loss, new = (noisy(9 * sizes**-0.2, seed + side, 0.02) for side in (0, 1000))
        fit = fit_law("power", {"resource": sizes}, loss)
        found = forecast(fit, sizes)
        hits.append((found.low <= new) & (new <= found.high))
        assert found.noise == pytest.approx(np.full(32, fit.run_noise**2))
    assert 0.86 <= np.mean(hits) <= 0.95
