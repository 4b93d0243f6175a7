"""Laws side by side."""

import dataclasses
import json

import numpy as np
import pytest

from chemscale.base.errors import FitError
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.laws import find_law
from chemscale.scaling.prediction.compare import compare_laws, corrected_aic


def grid(noise: float = 0.003) -> tuple[dict[str, np.ndarray], np.ndarray]:
    model, data = (axis.reshape(-1) for axis in np.meshgrid(np.geomspace(1e6, 1e9, 7), np.geomspace(1e8, 1e11, 7)))
    loss = 1.8 + 400 / model**0.34 + 2000 / data**0.37
    return {"n": model, "d": data}, loss * np.exp(np.random.default_rng(0).normal(0, noise, len(loss)))


def test_the_true_law_is_found() -> None:
    found = compare_laws(None, *grid())
    assert {score.law for score in found.scores} == {"additive", "kaplan", "log-quadratic"}
    assert found.best == "additive" and found.tied == ("additive",)
    assert found.verdict.startswith("additive is best by the error on larger scales")
    errors = [score.held_out_median for score in found.scores]
    assert errors == sorted(errors, key=lambda error: error or 0.0)


def test_aicc_is_that_of_the_fit() -> None:
    inputs, loss = grid()
    found = compare_laws(["kaplan"], inputs, loss).scores[0]
    fit = fit_law("kaplan", inputs, loss, shared=None)
    squares, n, k = float((fit.residuals**2).sum()), 49, 5
    expected = n * np.log(squares / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
    assert found.aicc == pytest.approx(expected, rel=1e-9) and found.n_parameters == 4


def test_aicc_by_hand() -> None:
    """n = 10, S = 0.1, a line: k = 3, 10 ln 0.01 + 6 + 24/6."""
    assert corrected_aic(0.1, 10, 2) == pytest.approx(10 * np.log(0.01) + 6 + 4)
    assert corrected_aic(0.1, 4, 2) is None
    assert np.isfinite(corrected_aic(0.0, 10, 2) or np.nan)


def test_seeds_count_as_one_point() -> None:
    inputs, loss = grid()
    doubled = {name: np.tile(values, 2) for name, values in inputs.items()}
    once, twice = compare_laws(None, inputs, loss), compare_laws(None, doubled, np.tile(loss, 2))
    assert twice.n_points == 49
    for one, other in zip(once.scores, twice.scores, strict=True):
        assert other.aicc == pytest.approx(one.aicc, rel=1e-6)


def test_laws_that_the_runs_cannot_tell_apart_are_tied() -> None:
    sizes = np.geomspace(1e4, 1e7, 10)
    loss = 9 * sizes**-0.15 * np.exp(np.random.default_rng(3).normal(0, 0.02, 10))
    found = compare_laws(["power", "saturating", "log-quadratic"], {"n": sizes}, loss)
    assert len(found.tied) > 1 and found.verdict.startswith("tied: ") and found.best in found.tied


def test_a_floor_is_found_and_the_straight_line_is_not_tied_with_it() -> None:
    sizes = np.geomspace(1e4, 1e8, 12)
    loss = (1 + 20 * sizes**-0.3) * np.exp(np.random.default_rng(3).normal(0, 0.002, 12))
    found = compare_laws(None, {"n": sizes}, loss)
    assert "saturating" in found.tied and "power" not in found.tied
    assert {score.law for score in found.scores} == {"power", "saturating", "broken", "log-quadratic"}


def test_a_law_that_cannot_be_fitted_is_listed_with_the_reason() -> None:
    sizes = np.geomspace(1e4, 1e7, 5)
    found = compare_laws(None, {"n": sizes}, 9 * sizes**-0.15 * np.array([1, 1.01, 0.99, 1.02, 1]))
    broken = found.scores[-1]
    assert broken.law == "broken" and broken.status == "not fitted" and "has 6 parameters" in broken.reason
    assert broken.aicc is None and broken.held_out_median is None and not broken.tied
    assert "has 6 parameters" in str(found)


def test_a_law_with_many_parameters_does_not_take_the_origins_from_the_others() -> None:
    sizes = np.geomspace(1e4, 1e7, 9)
    found = compare_laws(None, {"n": sizes}, 9 * sizes**-0.15 * np.exp(np.sin(np.arange(9)) / 100))
    by_name = {score.law: score for score in found.scores}
    assert found.n_origins >= 3 and by_name["power"].held_out_median is not None
    assert by_name["broken"].held_out_median is None and "too few runs" in by_name["broken"].reason


def test_few_runs_say_so() -> None:
    sizes = np.geomspace(1e4, 1e7, 4)
    found = compare_laws(None, {"n": sizes}, 9 * sizes**-0.15 * np.array([1, 1.01, 0.99, 1.02]))
    assert found.best == "power" and "as the only law" in found.verdict
    three = compare_laws(None, {"n": sizes[:3]}, 9 * sizes[:3] ** -0.15 * np.array([1, 1.01, 0.99]))
    assert three.n_origins == 0 and three.best == "power" and json.dumps(three.to_dict(), allow_nan=False)
    assert "AICc" not in three.verdict


def test_a_comparison_is_frozen_prints_and_turns_into_json() -> None:
    found = compare_laws(["additive", find_law("kaplan", 2)], *grid())
    back = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert back["best"] == "additive" and back["scores"][1]["law"] == "kaplan" and back["n_points"] == 49
    text = str(found)
    assert text.splitlines()[0].split()[0] == "law" and "kaplan" in text and found.verdict in text
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.best = "kaplan"  # type: ignore[misc]


def test_scores_are_compared_only_when_asked() -> None:
    sizes = np.geomspace(1e3, 1e6, 8)
    found = compare_laws(["increasing", "log-quadratic"], {"n": sizes}, 0.5 * sizes**0.03)
    assert {score.law for score in found.scores} == {"increasing", "log-quadratic"}


def test_bad_input_is_refused_with_a_reason() -> None:
    sizes = np.geomspace(1e4, 1e7, 9)
    with pytest.raises(FitError, match="no law 'powr'"):
        compare_laws(["powr"], {"n": sizes}, sizes)
    with pytest.raises(FitError, match="each may be named once"):
        compare_laws(["power", "power"], {"n": sizes}, sizes)
    with pytest.raises(FitError, match="no law to compare"):
        compare_laws([], {"n": sizes}, sizes)
    with pytest.raises(FitError, match="additive takes parameters, data, and 1 inputs are given"):
        compare_laws([find_law("additive", 2)], {"n": sizes}, sizes)
    with pytest.raises(FitError, match="none of the laws can be fitted"):
        compare_laws(None, {"n": sizes[:2]}, sizes[:2])
    with pytest.raises(FitError, match="change together"):
        compare_laws(None, {"n": sizes, "d": 20 * sizes}, 3 / sizes)
