"""The result of a fit: its errors, bands, text and JSON."""

import json
from typing import Any

import numpy as np
import pytest
from scipy import stats

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit


@pytest.fixture
def surface_fit(true_laws: dict[str, Any]) -> LawFit:
    truth = true_laws["additive, grid"]
    loss = truth.loss * np.exp(0.01 * stream(0, "law fit").standard_normal(48))
    return fit_law("additive", truth.inputs, loss, shared=None)


@pytest.fixture
def line_fit(true_laws: dict[str, Any]) -> LawFit:
    truth = true_laws["power"]
    return fit_law("power", truth.inputs, truth.loss * np.exp(0.02 * stream(1, "law fit").standard_normal(6)))


def test_standard_errors_are_those_of_the_written_law(surface_fit: LawFit) -> None:
    """Numerical derivatives of ln L by the values themselves, E, A, B, alpha, beta, at the inputs as they are."""
    names, values = list(surface_fit.parameters), np.array(list(surface_fit.parameters.values()))
    n, d = surface_fit.cells.values.T

    def log_loss(point: np.ndarray) -> np.ndarray:
        e, a, b, alpha, beta = point
        return np.log(e + a * n**-alpha + b * d**-beta)

    columns = [
        (log_loss(values + step) - log_loss(values - step)) / (2 * step.max()) for step in np.diag(1e-6 * values)
    ]
    jacobian = np.column_stack(columns)
    scale = np.sqrt((jacobian**2).sum(axis=0))
    inverse = np.linalg.inv((jacobian / scale).T @ (jacobian / scale)) / np.outer(scale, scale)
    variance = (surface_fit.residuals**2).sum() / 43
    for name, error in zip(names, np.sqrt(np.diag(inverse) * variance), strict=True):
        assert surface_fit.standard_errors[name] == pytest.approx(error, rel=1e-4), name


def test_noise_and_r_squared_are_those_of_the_residuals(surface_fit: LawFit) -> None:
    residuals = surface_fit.cells.log_loss - np.log(surface_fit.predict(*surface_fit.cells.values.T))
    np.testing.assert_allclose(surface_fit.residuals, residuals)
    assert surface_fit.noise == pytest.approx(np.sqrt((residuals**2).sum() / 43))
    total = ((surface_fit.cells.log_loss - surface_fit.cells.log_loss.mean()) ** 2).sum()
    assert surface_fit.r_squared == pytest.approx(1 - (residuals**2).sum() / total)


def test_the_band_of_a_line_is_that_of_the_normal_equations(line_fit: LawFit) -> None:
    logs = line_fit.cells.logs[:, 0]
    columns, at = np.column_stack([np.ones(6), logs]), np.array([1.0, np.log(3e9)])
    leverage = at @ np.linalg.inv(columns.T @ columns) @ at
    t = stats.t.ppf(0.975, 4)
    low, high = line_fit.interval(3e9)
    assert np.log(high / low)[0] == pytest.approx(2 * t * line_fit.noise * np.sqrt(leverage), rel=1e-6)
    low, high = line_fit.interval(3e9, new_point=True)
    assert np.log(high / low)[0] == pytest.approx(2 * t * line_fit.noise * np.sqrt(1 + leverage), rel=1e-6)
    assert low[0] < line_fit.predict(3e9)[0] < high[0]


def test_the_band_around_a_surface_covers_it(true_laws: dict[str, Any]) -> None:
    """40 draws: the Monte Carlo error of 95 % is 3.4 %."""
    truth = true_laws["additive, no grid"]
    places = np.array([1e6, 1e8]), np.array([1e8, 3e9])
    expected = 1.8172 + 477.8 * places[0] ** -0.3473 + 2143 * places[1] ** -0.3672
    hits = []
    for seed in range(40):
        fit = fit_law("additive", truth.inputs, truth.loss * np.exp(0.01 * stream(seed, "band").standard_normal(30)))
        low, high = fit.interval(*places)
        hits.append((low <= expected) & (expected <= high))
    assert (np.mean(hits, axis=0) >= 0.85).all()


def test_a_score_has_its_noise_in_its_own_unit(true_laws: dict[str, Any]) -> None:
    truth = true_laws["increasing"]
    score = truth.loss + 0.01 * stream(0, "score").standard_normal(9)
    fit = fit_law("increasing", truth.inputs, score)
    expected = fit.parameters["a"] * truth.inputs["resource"] ** fit.parameters["b"]
    assert fit.noise == pytest.approx(np.sqrt(((score - expected) ** 2).sum() / 7))
    assert fit.r_squared == pytest.approx(1 - ((score - expected) ** 2).sum() / ((score - score.mean()) ** 2).sum())
    low, high = fit.interval(0.5, new_point=True)
    assert high[0] - low[0] == pytest.approx(2 * stats.t.ppf(0.975, 7) * fit.noise, rel=0.2)


@pytest.mark.parametrize("score", [False, True])
def test_the_band_of_one_run_covers_runs_and_not_means_of_seeds(score: bool) -> None:
    """150 studies of four seeds at six sizes: the Monte Carlo error of 95 % is 1.8 %."""
    sizes, hits, means = np.repeat(np.logspace(3, 5, 6), 4), [], []
    clean = 0.6 * sizes**0.03 if score else 9 * sizes**-0.2
    for seed in range(150):
        errors = 0.02 * stream(seed, "one run", int(score)).standard_normal((2, 24))
        loss, new = clean + errors if score else clean * np.exp(errors)
        fit = fit_law("increasing" if score else "power", {"r": sizes}, loss)
        low, high = fit.interval(sizes, new_point=True)
        hits.append((low <= new) & (new <= high))
        means.append(np.abs(np.log(new / fit.predict(sizes))) < np.sqrt(1.2) * 2.78 * fit.relative_noise)
        assert fit.run_noise**2 == pytest.approx(fit.noise**2 + 0.75 * fit.between_seeds.variance)
    assert 0.92 <= np.mean(hits) <= 0.98
    assert np.mean(means) < 0.85, "the negative control: the noise of a mean of four is half of a run's"


def test_noise_is_told_with_its_parts_and_for_scores_without_percent(true_laws: dict[str, Any]) -> None:
    truth = true_laws["additive, grid"]
    labels = np.unique(truth.inputs["data"], return_inverse=True)[1]
    errors = 0.005 * stream(0, "own").standard_normal(48) + 0.02 * stream(1, "of subsets").standard_normal(6)[labels]
    fit = fit_law("additive", truth.inputs, truth.loss * np.exp(errors))
    assert fit.shared_noise is not None
    assert fit.noise**2 == pytest.approx(fit.shared_noise.own**2 + fit.shared_noise.shared**2)
    own, shared = 100 * fit.shared_noise.own, 100 * fit.shared_noise.shared
    assert f"noise {100 * fit.noise:.2g} % (own {own:.2g} %, shared by runs of equal data {shared:.2g} %)" in str(fit)
    score = fit_law("increasing", {"r": np.logspace(3, 5, 6)}, [0.7, 0.75, 0.78, 0.81, 0.86, 0.9])
    assert (
        f"noise {score.noise:.2g}, converged" in str(score) and "noise" in str(score) and " %, conv" not in str(score)
    )


def test_becomes_json(surface_fit: LawFit) -> None:
    values = json.loads(json.dumps(surface_fit.to_dict(), allow_nan=False))
    wanted = {"law", "parameters", "standard_errors", "intervals", "level", "r_squared", "n_points", "left_out"}
    assert wanted | {"regimes", "warnings", "status", "huber", "shared_noise", "formula", "noise"} <= set(values)
    assert values["law"] == "additive" and values["left_out"] == [] and values["n_points"] == 48
    assert list(values["parameters"]) == ["E", "A", "B", "alpha", "beta"] == list(values["intervals"])
    assert len(values["regimes"]) == 48
    for name, (low, high) in values["intervals"].items():
        assert low < values["parameters"][name] < high


def test_an_open_end_is_none_in_json_and_a_word_in_text() -> None:
    sizes = np.logspace(4, 4.5, 6)
    loss = 30 * sizes**-0.17 * np.exp(0.03 * stream(0, "open").standard_normal(6))
    fit = fit_law("saturating", {"r": sizes}, loss)
    assert np.isposinf(fit.intervals["beta"][1])
    assert json.loads(json.dumps(fit.to_dict(), allow_nan=False))["intervals"]["beta"][1] is None
    assert "open]" in str(fit)


def test_the_text_names_level_noise_and_warnings(surface_fit: LawFit) -> None:
    text = str(surface_fit)
    assert text.startswith(surface_fit.formula)
    assert "95 % interval [" in text and "with Huber's loss" in text and "48 points" in text
    assert all(f"warning: {warning}" in text for warning in surface_fit.warnings)


def test_predictions_elsewhere_are_checked(surface_fit: LawFit) -> None:
    with pytest.raises(FitError, match="take parameters, data: 2 arrays, got 1"):
        surface_fit.predict([1e6])
    with pytest.raises(FitError, match="data: value 1 of 1 is 0"):
        surface_fit.interval([1e6], [0])
    assert surface_fit.predict([1e6, 1e7, 1e8], 1e9).shape == (3,)
