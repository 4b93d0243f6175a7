"""The power law: exact recovery, agreement with scipy, coverage, and what it refuses."""

import json

import numpy as np
import pytest
from scipy import stats

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.scaling import PowerLaw, fit_power_law

SIZES = np.logspace(4, 7, 7)


def noisy(n: int, noise: float, seed: int = 0, n_seeds: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A law 30 R^-0.17 with relative normal noise."""
    x = np.repeat(np.logspace(4, 7, n), n_seeds)
    return x, 30 * x**-0.17 * np.exp(noise * stream(seed, "test noise").standard_normal(len(x)))


@pytest.mark.parametrize(("alpha", "beta"), [(30.0, 0.17), (1e-3, 0.8), (5.0, 0.01), (2e4, 1.5)])
@pytest.mark.parametrize("fit_range", ["auto", "all"])
def test_recovers_an_exact_law(alpha: float, beta: float, fit_range: str) -> None:
    law = fit_power_law(SIZES, alpha * SIZES**-beta, fit_range=fit_range)  # type: ignore[arg-type]
    assert law.alpha == pytest.approx(alpha, rel=1e-9)
    assert law.beta == pytest.approx(beta, abs=1e-10)
    assert law.r_squared == pytest.approx(1)
    assert law.n_points == 7 and not law.left_out
    assert law.predict([1e9])[0] == pytest.approx(alpha * 1e9**-beta, rel=1e-8)


def test_agrees_with_scipy() -> None:
    x, y = noisy(6, 0.05)
    law = fit_power_law(x, y, level=0.9, fit_range="all")
    reference = stats.linregress(np.log(x), np.log(y))
    width = stats.t.ppf(0.95, 4)
    assert law.beta == pytest.approx(-reference.slope)
    assert law.alpha == pytest.approx(np.exp(reference.intercept))
    assert law.standard_errors["beta"] == pytest.approx(reference.stderr)
    assert law.standard_errors["alpha"] == pytest.approx(law.alpha * reference.intercept_stderr)
    assert law.r_squared == pytest.approx(reference.rvalue**2)
    assert law.intervals["beta"] == pytest.approx(
        (-reference.slope - width * reference.stderr, -reference.slope + width * reference.stderr)
    )
    low, high = law.intervals["alpha"]
    assert np.log(high / low) == pytest.approx(2 * width * reference.intercept_stderr)


def test_band_is_that_of_the_normal_equations() -> None:
    x, y = noisy(6, 0.05)
    law = fit_power_law(x, y, fit_range="all")
    design = np.stack([np.ones(6), np.log(x)], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    at = np.array([1.0, np.log(3e8)])
    error = law.line.noise * np.sqrt(at @ inverse @ at)
    low, high = law.interval(3e8)
    assert np.log(high / low)[0] == pytest.approx(2 * stats.t.ppf(0.975, 4) * error)
    wider_low, wider_high = law.interval(3e8, new_point=True)
    assert wider_low[0] < low[0] < law.predict(3e8) < high[0] < wider_high[0]


@pytest.mark.parametrize("n", [4, 5, 8])
def test_intervals_cover_at_their_level(n: int) -> None:
    """600 repeats: the Monte Carlo error of 95 % is 0.9 %, three of them are allowed."""
    laws = [fit_power_law(*noisy(n, 0.02, seed), fit_range="all") for seed in range(600)]
    covered = np.mean([law.intervals["beta"][0] <= 0.17 <= law.intervals["beta"][1] for law in laws])
    assert 0.923 <= covered <= 0.977
    band = np.mean([low[0] <= 30 * 1e8**-0.17 <= high[0] for low, high in (law.interval(1e8) for law in laws)])
    assert 0.923 <= band <= 0.977


def test_seeds_make_a_point_better_and_are_no_further_points() -> None:
    x, y = noisy(5, 0.02, n_seeds=3)
    law = fit_power_law(x, y, fit_range="all")
    means = np.exp(np.log(y).reshape(5, 3).mean(axis=1))
    merged = fit_power_law(x[::3], means, fit_range="all")
    assert law.n_points == 5
    assert law.points[0].n_seeds == 3 and law.points[0].log_spread > 0
    assert law.beta == pytest.approx(merged.beta)
    assert law.intervals["beta"] == pytest.approx(merged.intervals["beta"])


def test_the_band_of_one_run_covers_runs_and_not_means_of_seeds() -> None:
    """200 studies of four seeds at six sizes: the Monte Carlo error of 95 % is 1.5 %."""
    hits = []
    for seed in range(200):
        x, y = noisy(6, 0.02, seed, n_seeds=4)
        law = fit_power_law(x, y, fit_range="all")
        low, high = law.interval(x, new_point=True)
        new = noisy(6, 0.02, seed + 1000, n_seeds=4)[1]
        hits.append((low <= new) & (new <= high))
    assert 0.92 <= np.mean(hits) <= 0.98


def test_equal_losses_are_called_equal_and_rising_ones_rising() -> None:
    sizes = np.logspace(3, 6, 6)
    flat = fit_power_law(sizes, np.full(6, 2.3))
    assert flat.warnings[0].startswith("all losses are equal") and flat.to_dict()["r_squared"] is None
    assert "nan" not in str(flat) and "-0" not in str(flat).replace("R^-0", "")
    json.dumps(flat.to_dict(), allow_nan=False)
    rising = fit_power_law(sizes, 0.3 * sizes**0.05 * np.exp(0.003 * stream(0, "rise").standard_normal(6)))
    assert rising.warnings[0].startswith("the loss rises with R") and "'increasing'" in rising.warnings[0]
    assert not any("reaches zero" in text for text in rising.warnings)


def test_order_and_units_change_nothing() -> None:
    x, y = noisy(8, 0.02, n_seeds=2)
    law, order = fit_power_law(x, y), stream(3, "order").permutation(16)
    other = fit_power_law(x[order] * 1e6, y[order] * 0.01)
    assert other.beta == pytest.approx(law.beta, rel=1e-9)
    assert other.standard_errors["beta"] == pytest.approx(law.standard_errors["beta"], rel=1e-6)
    assert other.n_points == law.n_points


def test_a_range_that_is_given_is_used_and_its_outside_named() -> None:
    x, y = noisy(7, 0.01)
    law = fit_power_law(x, y, fit_range=(x[1], x[5]))
    assert law.range == pytest.approx((x[1], x[5]))
    assert [out.point.resource for out in law.left_out] == pytest.approx([x[0], x[6]])
    assert all(out.reason.startswith("outside the range asked for") for out in law.left_out)
    assert any("does not count that choice" in text for text in law.warnings)


def test_becomes_json_and_text() -> None:
    law = fit_power_law(*noisy(7, 0.01))
    values = json.loads(json.dumps(law.to_dict()))
    assert set(values) == {
        "law", "parameters", "standard_errors", "intervals", "level",
        "r_squared", "n_points", "left_out", "range", "verdict", "warnings", "formula", "huber", "regimes",
    }  # fmt: skip
    assert values["parameters"] == {"alpha": law.alpha, "beta": law.beta}
    assert "beta = 0.1" in str(law) and "95 % interval" in str(law)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([], [], "at least 3 different sizes, got 0"),
        ([1, 2], [2, 1], "got 2 \\(1, 2\\)"),
        ([5, 5, 5, 7], [2, 2, 2, 1], "got 2 \\(5, 7\\)"),
        ([1, 2, 3], [2, 1], "resource has 3 values and loss has 2"),
        ([1, 2, 3], [2, float("nan"), 1], "loss: value 2 of 3 is nan"),
        ([1, 2, 3], [2, float("inf"), 1], "loss: value 2 of 3 is inf"),
        ([1, 2, 3], [2, 0.0, -1], "loss: value 2 of 3 is 0.*2 such values"),
        ([0, 2, 3], [3, 2, 1], "resource: value 1 of 3 is 0"),
        (["a", 2, 3], [3, 2, 1], "resource: expected numbers"),
        ([[1, 2, 3]], [[3, 2, 1]], "shape \\[1, 3\\]"),
    ],
)
def test_refuses_what_cannot_be_fitted(x: list[object], y: list[object], message: str) -> None:
    with pytest.raises(FitError, match=message):
        fit_power_law(x, y)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": 95}, "level: expected a number between 0 and 1"),
        ({"false_alarm": 0}, "false_alarm"),
        ({"fit_range": "best"}, 'expected "auto", "all"'),
        ({"fit_range": (1e20, 1e21)}, "0 sizes lie in"),
        ({"fit_range": ("low", 3)}, "fit_range"),
    ],
)
def test_refuses_wrong_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(FitError, match=message):
        fit_power_law(*noisy(7, 0.01), **arguments)  # type: ignore[arg-type]


def test_refuses_to_predict_at_no_size() -> None:
    law: PowerLaw = fit_power_law(*noisy(5, 0.01))
    with pytest.raises(FitError, match="finite R > 0"):
        law.predict([1.0, 0.0])


def test_constant_losses_are_fitted_and_said_to_show_no_scaling() -> None:
    law = fit_power_law(SIZES, np.full(7, 2.0))
    assert law.beta == pytest.approx(0, abs=1e-12)
    assert law.warnings[0].startswith("all losses are equal")


def test_three_points_give_the_wide_interval_of_one_degree_of_freedom() -> None:
    x, y = noisy(3, 0.01)
    law = fit_power_law(x, y)
    low, high = law.intervals["beta"]
    assert (high - low) / 2 == pytest.approx(12.706 * law.standard_errors["beta"], rel=1e-4)
    assert any("only 3 points" in text for text in law.warnings)


def test_short_spans_and_single_seeds_are_warned_of() -> None:
    law = fit_power_law([100, 150, 200, 300, 400], [3, 2.8, 2.65, 2.46, 2.33])
    assert any("decades" in text for text in law.warnings)
    assert any("one seed per size" in text for text in law.warnings)


def test_a_loss_that_falls_and_then_flattens_is_bent_and_not_without_scaling() -> None:
    sizes = np.repeat([100.0, 400.0, 1600.0, 6400.0], 2)
    losses = np.array([1.80, 1.79, 1.40, 1.41, 1.37, 1.36, 1.35, 1.36])
    law = fit_power_law(sizes, losses)
    assert law.verdict == "bent"
    assert law.intervals["beta"][0] < 0
    assert not any("no scaling" in text for text in law.warnings)
    assert any("bend away" in text for text in law.warnings)
