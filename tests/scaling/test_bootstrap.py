"""Bootstrap draws: each is a fit to the cells drawn, and the intervals say for what they are good."""

import json
from typing import Any

import numpy as np
import pytest

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.scaling.bootstrap import bootstrap
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.solver.solve import Design, solve


def fit_of(truth: Any, shared_noise: float = 0.0, shared: str | None = None) -> LawFit:
    draw = stream(0, "bootstrap test")
    noise = 0.01 * draw.standard_normal(len(truth.loss))
    if shared_noise:
        labels = np.unique(truth.inputs["data"], return_inverse=True)[1]
        noise += shared_noise * draw.standard_normal(labels.max() + 1)[labels]
    return fit_law(truth.law, truth.inputs, truth.loss * np.exp(noise), shared=shared)


@pytest.fixture
def fit(true_laws: dict[str, Any]) -> LawFit:
    return fit_of(true_laws["additive, valleys"])


def test_a_draw_is_the_fit_to_the_cells_drawn(fit: LawFit) -> None:
    """The weights once more, from the same stream, as copies of cells."""
    draws = bootstrap(fit, 5, seed=3)
    n = fit.n_points
    counts = stream(3, "bootstrap").multinomial(n, np.full(n, 1 / n), size=5)
    for values, count in zip(draws.parameters, counts, strict=True):
        cells = np.repeat(np.arange(n), count)
        design = Design(fit.law, fit.design.x[cells], fit.design.centre)
        found = solve(design, fit.cells.log_loss[cells][None])
        np.testing.assert_allclose(values, fit.law.values(design.natural(found.theta[0])), rtol=1e-5)


def test_errors_agree_with_those_of_the_fit(fit: LawFit) -> None:
    """Noise is normal and alike in every cell: both are right then, and the bootstrap is the noisier of the two."""
    draws = bootstrap(fit, 2000)
    assert len(draws) == 2000 and draws.n_units == fit.n_points == 42
    for name, error in fit.standard_errors.items():
        assert draws.standard_errors[name] == pytest.approx(error, rel=0.35)
        low, high = draws.intervals()[name]
        assert low < fit.parameters[name] < high
    narrow, wide = draws.intervals(0.5), draws.intervals(0.99)
    assert all(wide[name][0] < narrow[name][0] < narrow[name][1] < wide[name][1] for name in narrow)
    assert draws.intervals()["beta"] == pytest.approx(tuple(np.quantile(draws.of("beta"), [0.025, 0.975])))


def test_seeds_repeat_and_differ(fit: LawFit) -> None:
    one, same, other = (bootstrap(fit, 50, seed=seed).parameters for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_whole_subsets_are_drawn_where_they_share_an_error(true_laws: dict[str, Any]) -> None:
    fit = fit_of(true_laws["additive, grid"], shared_noise=0.02, shared="auto")
    assert fit.shared_noise is not None
    draws, cells = bootstrap(fit, 300), bootstrap(fit, 300, shared=None)
    assert (draws.drawn, draws.n_units) == ("data", 6) and (cells.drawn, cells.n_units) == ("cells", 48)
    assert draws.standard_errors["beta"] > 1.3 * cells.standard_errors["beta"]
    assert any("6 subsets of equal data are few" in text for text in draws.warnings)
    assert bootstrap(fit, 20, shared="parameters").n_units == 8


def test_few_cells_are_warned_about_and_fewer_refused(true_laws: dict[str, Any]) -> None:
    truth = true_laws["saturating"]
    fit = fit_of(truth)
    assert any("8 cells are few" in text for text in bootstrap(fit, 20).warnings)
    few = fit_law("saturating", {"r": truth.inputs["resource"][:5]}, truth.loss[:5] * [1, 1.01, 0.99, 1, 1.01])
    with pytest.raises(FitError, match="draws from 5 cells and needs 7"):
        bootstrap(few)


def test_enough_cells_are_not_warned_about(fit: LawFit) -> None:
    assert not bootstrap(fit, 50).warnings


def test_bounds_are_counted(true_laws: dict[str, Any]) -> None:
    draws = bootstrap(fit_of(true_laws["additive, no floor"]), 100)
    assert 0.2 < draws.at_bound <= 1.0
    assert any("ends on a bound" in text for text in draws.warnings)


def test_becomes_json_and_text(fit: LawFit) -> None:
    draws = bootstrap(fit, 100)
    values = json.loads(json.dumps(draws.to_dict(0.9), allow_nan=False))
    assert values["level"] == 0.9 and values["n_draws"] == 100 and values["parameters"] == fit.parameters
    assert set(values["intervals"]) == set(fit.parameters)
    assert str(draws).startswith("100 bootstrap draws of 42 cells")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_draws": 0}, "n_draws: expected a whole number, 2 or more, got 0"),
        ({"n_draws": 10.5}, "n_draws"),
        ({"shared": "tokens"}, "shared: expected \"auto\", None or one of parameters, data, got 'tokens'"),
    ],
)
def test_refuses_wrong_arguments(fit: LawFit, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(FitError, match=message):
        bootstrap(fit, **arguments)


def test_refuses_wrong_names_and_levels(fit: LawFit) -> None:
    draws = bootstrap(fit, 20)
    with pytest.raises(FitError, match="parameter: expected one of E, A, B, alpha, beta, got 'gamma'"):
        draws.of("gamma")
    with pytest.raises(FitError, match="level: expected a number between 0 and 1"):
        draws.intervals(95)
