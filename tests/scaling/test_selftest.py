"""The self-test: right intervals pass at their level, wrong ones are told, every law and design goes through it."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.power_law import fit_power_law
from chemscale.scaling.selftest import SelfTest, selftest


def fit_of(truth: Any, noise: float = 0.01, **arguments: Any) -> LawFit:
    draw = stream(0, "selftest test", truth.law.name)
    return fit_law(
        truth.law, truth.inputs, truth.loss * np.exp(noise * draw.standard_normal(len(truth.loss))), **arguments
    )


@pytest.mark.parametrize(
    "case", ["power", "saturating", "log-quadratic", "increasing", "additive, no grid", "kaplan, grid"]
)
def test_intervals_of_every_law_hold(case: str, true_laws: dict[str, Any]) -> None:
    """400 draws: one standard error of 95 % is 1.1 %."""
    fit = fit_of(true_laws[case], 0.005, shared=None)
    test = selftest(fit)
    assert list(test.parameters) == list(fit.parameters) and test.n_draws == 400 and test.n_points == fit.n_points
    assert all(0.91 <= share <= 0.985 for share in test.coverage.values()), test.coverage
    assert test.warnings == ()
    for name, one in test.parameters.items():
        assert one.truth == fit.parameters[name]
        assert one.coverage + one.too_high + one.too_low == pytest.approx(1.0)
        assert one.monte_carlo_error == pytest.approx(np.sqrt(one.coverage * (1 - one.coverage) / 400), rel=0.1)
        low, high = fit.intervals[name]
        assert one.median_width == pytest.approx(high - low, rel=0.6)
        assert abs(one.bias) < 0.25 * one.median_width


def test_another_level_is_tested_at_that_level(true_laws: dict[str, Any]) -> None:
    test = selftest(fit_of(true_laws["saturating"], level=0.5))
    assert test.level == 0.5
    assert all(0.42 <= share <= 0.58 for share in test.coverage.values()), test.coverage


def test_shared_errors_are_simulated_and_fitted(true_laws: dict[str, Any]) -> None:
    truth = true_laws["additive, grid"]
    labels = np.unique(truth.inputs["data"], return_inverse=True)[1]
    shared = 0.02 * stream(4, "shared").standard_normal(6)[labels]
    fit = fit_law("additive", truth.inputs, truth.loss * np.exp(shared + 0.005 * stream(0, "own").standard_normal(48)))
    assert fit.shared_noise is not None
    test = selftest(fit, n_draws=50)
    assert test.shared_noise == fit.shared_noise.shared and test.n_draws == 50
    assert all(share >= 0.82 for share in test.coverage.values()), test.coverage


@pytest.mark.parametrize("fit_range", ["auto", "all"])
def test_a_plain_power_law(fit_range: Any, true_laws: dict[str, Any]) -> None:
    truth = true_laws["power"]
    loss = truth.loss * np.exp(0.01 * stream(0, "plain").standard_normal(6))
    law = fit_power_law(truth.inputs["resource"], loss, fit_range=fit_range)
    test = selftest(law, n_draws=200)
    assert test.law == "power" and test.noise == law.line.noise
    assert all(0.89 <= share <= 0.99 for share in test.coverage.values()), test.coverage


def test_a_design_that_says_too_little_is_told() -> None:
    sizes = np.logspace(4, 4.4, 5)
    fit = fit_law("saturating", {"r": sizes}, 30 * sizes**-0.17 * np.exp(0.02 * stream(2, "open").standard_normal(5)))
    test = selftest(fit, n_draws=100)
    assert np.isinf(test.parameters["beta"].median_width)
    assert any("open end" in text and "beta" in text for text in test.warnings)
    assert "median width open" in str(test)
    assert json.loads(json.dumps(test.to_dict(), allow_nan=False))["parameters"]["beta"]["median_width"] is None


def test_becomes_json_and_text(true_laws: dict[str, Any]) -> None:
    test = selftest(fit_of(true_laws["saturating"]), n_draws=100, seed=3)
    values = json.loads(json.dumps(test.to_dict(), allow_nan=False))
    assert values["law"] == "saturating" and values["n_draws"] == 100
    assert values["parameters"]["beta"]["coverage"] == test.coverage["beta"]
    assert "100 simulated studies of 8 cells" in str(test) and "95 % intervals hold the truth in:" in str(test)
    assert selftest(fit_of(true_laws["saturating"]), n_draws=100, seed=3) == test
    assert selftest(fit_of(true_laws["saturating"]), n_draws=100, seed=4) != test


def test_refuses_what_cannot_be_simulated(true_laws: dict[str, Any]) -> None:
    truth = true_laws["saturating"]
    with pytest.raises(FitError, match="no noise to simulate"):
        selftest(fit_law("saturating", truth.inputs, truth.loss))
    with pytest.raises(FitError, match="n_draws: expected a whole number, 20 or more, got 5"):
        selftest(fit_of(truth), n_draws=5)
    with pytest.raises(FitError, match="did not converge"):
        selftest(dataclasses.replace(fit_of(truth), status="not converged"))


def test_noise_is_told_in_parts_and_for_scores_without_percent(true_laws: dict[str, Any]) -> None:
    truth = true_laws["increasing"]
    score = fit_law("increasing", truth.inputs, truth.loss + 0.01 * stream(0, "score").standard_normal(9))
    assert f"noise {score.noise:.2g}\n" in str(selftest(score, n_draws=20))
    test = SelfTest("additive", 0.95, 20, 48, 0.05, 0.03, {}, ())
    assert "noise 5 % (own 4 %, shared by subsets of data 3 %)" in str(test)
