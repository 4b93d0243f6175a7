"""IsoFLOP valleys against the closed form of the best split."""

import numpy as np
import pytest

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.report.valleys import budget_label, budget_scale, find_valleys
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit

E, A, B, ALPHA, BETA = 1.8172, 477.8, 2143.0, 0.3473, 0.3672


def loss_of(size: np.ndarray, data: np.ndarray) -> np.ndarray:
    return E + A * size**-ALPHA + B * data**-BETA


def valley_fit(budgets: tuple[float, ...] = (1e18, 1e19, 1e20), noise: float = 0.0, n: int = 9) -> LawFit:
    """Runs along lines of equal compute, evenly around the best split in ln N."""
    sizes = [best_of(budget) * np.geomspace(0.1, 10, n) for budget in budgets]
    size = np.concatenate(sizes)
    data = np.repeat(budgets, n) / (6 * size)
    scatter = np.exp(noise * stream(3, "valleys").standard_normal(len(size)))
    return fit_law("additive", {"N": size, "D": data}, loss_of(size, data) * scatter, shared=None)


def best_of(budget: float, factor: float = 6.0) -> float:
    """hoffmann2022, Eq. 4."""
    gain = (ALPHA * A / (BETA * B)) ** (1 / (ALPHA + BETA))
    return float(gain * (budget / factor) ** (BETA / (ALPHA + BETA)))


def test_budgets_are_found_and_the_direct_optimum_is_the_closed_form() -> None:
    valleys, scale = find_valleys(valley_fit())
    assert [valley.budget for valley in valleys] == pytest.approx([1e18, 1e19, 1e20])
    assert scale.factor == 6
    for valley in valleys:
        assert len(valley.size) == 9
        assert valley.best == pytest.approx(best_of(valley.budget), rel=1e-6)
        best_data = valley.budget / (6 * valley.best)
        assert valley.best_loss == pytest.approx(float(loss_of(np.array(valley.best), np.array(best_data))), rel=1e-7)


def test_the_parabola_of_a_lopsided_valley_is_off_even_without_noise() -> None:
    valleys, _ = find_valleys(valley_fit())
    for valley in valleys:
        # By hand: the vertex of the least-squares parabola through the true losses.
        curve = np.polyfit(np.log(valley.size), valley.loss, 2)
        assert valley.vertex == pytest.approx(np.exp(-curve[1] / (2 * curve[0])))
        assert valley.difference == pytest.approx(np.log(valley.vertex / valley.best))
        assert 0.005 < abs(valley.difference) < 0.2


def test_runs_are_moved_along_the_law_to_their_budget() -> None:
    size = np.tile(np.geomspace(1e7, 1e9, 8), 2)
    jitter = np.exp(0.1 * stream(4, "jitter").standard_normal(16))
    data = np.repeat([1e18, 1e20], 8) * jitter / (6 * size)
    fit = fit_law("additive", {"N": size, "D": data}, loss_of(size, data), shared=None)
    valleys, _ = find_valleys(fit, levels=[1e18, 1e20])
    assert [len(valley.size) for valley in valleys] == [8, 8]
    for valley in valleys:
        exact = loss_of(valley.size, valley.budget / (6 * valley.size))
        np.testing.assert_allclose(valley.loss, exact, rtol=1e-7)


def test_measured_compute_replaces_six_n_d() -> None:
    fit = valley_fit()
    per_run = 240.0 * fit.cells.values.prod(axis=1)[fit.cells.rows]
    scale, spent = budget_scale(fit, per_run)
    assert scale.factor == pytest.approx(240)
    np.testing.assert_allclose(spent, 240 * fit.cells.values.prod(axis=1))
    valleys, _ = find_valleys(fit, per_run)
    assert valleys[0].budget == pytest.approx(4e19)
    assert valleys[0].best == pytest.approx(best_of(4e19, 240.0), rel=1e-6)


def test_a_grid_has_valleys_too() -> None:
    size, data = (part.reshape(-1) for part in np.meshgrid(np.geomspace(1e6, 3e9, 8), np.geomspace(1e8, 3e10, 6)))
    fit = fit_law("additive", {"N": size, "D": data}, loss_of(size, data))
    valleys, _ = find_valleys(fit)
    assert 3 <= len(valleys) <= 7
    assert [valley.budget for valley in valleys] == sorted(valley.budget for valley in valleys)


def test_a_slope_has_no_vertex() -> None:
    size = np.tile(np.geomspace(1e5, 1e6, 5), 2)  # far too small models: the loss only falls with N
    data = np.repeat([1e18, 1e19], 5) / (6 * size)
    fit = fit_law("additive", {"N": size, "D": data}, loss_of(size, data), shared=None)
    valleys, _ = find_valleys(fit, levels=[1e18])
    assert np.isnan(valleys[0].vertex) and np.isnan(valleys[0].difference)
    assert np.isnan(valleys[0].curve).all()


def test_too_few_runs_at_a_budget_are_no_valley() -> None:
    valleys, _ = find_valleys(valley_fit(), levels=[1e15])
    assert valleys == []


def test_wrong_laws_and_wrong_compute_are_refused() -> None:
    fit = valley_fit()
    with pytest.raises(FitError, match="3 values for 27 runs"):
        budget_scale(fit, [1.0, 2.0, 3.0])
    with pytest.raises(FitError, match="compute"):
        budget_scale(fit, np.full(27, -1.0))
    sizes = np.geomspace(1e4, 1e8, 6)
    line = fit_law("power", {"n": sizes}, 5 * sizes**-0.1)
    with pytest.raises(FitError, match="model size and data size, got 'power'"):
        find_valleys(line)


def test_budgets_are_short_and_plain() -> None:
    assert [budget_label(value) for value in (1e19, 2.96e20, 6.1e8, 1.0)] == ["1e19", "3e20", "6.1e8", "1e0"]
    assert budget_label(2.96e20, 3) == "2.96e20"
