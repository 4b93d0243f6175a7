"""What a run costs: counted and measured."""

import json

import numpy as np
import pytest

from chemscale.base.errors import FitError
from chemscale.scaling.planning.cost import CostModel, SixND, decades_outside
from chemscale.scaling.planning.cost_fit import fit_cost


def runs(n_sizes: int = 6, n_data: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """A grid of runs: N and D [n_sizes * n_data]."""
    parameters, data = np.meshgrid(np.geomspace(1e4, 1e8, n_sizes), np.geomspace(1e3, 1e6, n_data))
    return parameters.ravel(), data.ravel()


def launches(parameters: np.ndarray, data: np.ndarray) -> np.ndarray:
    """Costs of a device that is idle below a million parameters."""
    return 3e-8 * data**0.95 * (parameters**0.9 + 1e6**0.9)


def check_contract(cost: CostModel) -> None:
    """Elasticities against finite differences, and the data for a budget cost that budget."""
    parameters, data = runs()
    step = 1e-5
    by_size = np.log(cost(parameters * np.exp(step), data) / cost(parameters * np.exp(-step), data)) / (2 * step)
    by_data = np.log(cost(parameters, data * np.exp(step)) / cost(parameters, data * np.exp(-step))) / (2 * step)
    found = cost.elasticities(parameters, data)
    assert np.allclose(found[0], by_size, atol=1e-8) and np.allclose(found[1], by_data, atol=1e-8)
    assert np.allclose(cost.data_for(cost(parameters, data), parameters), data, rtol=1e-10)
    json.dumps(cost.to_dict())


def test_six_operations_per_parameter_and_token() -> None:
    cost = SixND()
    assert cost(1e6, 1e9) == pytest.approx(6e15) and cost.unit == "FLOPs" and str(cost) == "C = 6 N D FLOPs"
    assert SixND(6 * 30.0)(1e6, 1e9) == pytest.approx(1.8e17)
    check_contract(cost)


@pytest.mark.parametrize("factor", [0.0, -6.0, np.nan, np.inf])
def test_a_factor_that_is_none_is_refused(factor: float) -> None:
    with pytest.raises(FitError, match="factor: expected"):
        SixND(factor)


def test_a_power_law_of_the_cost_comes_back() -> None:
    parameters, data = runs()
    cost = fit_cost(parameters, data, 2e-7 * parameters**0.7 * data**1.02, "device-hours")
    assert cost.power_form == pytest.approx((2e-7, 0.7, 1.02), rel=1e-9)
    assert cost.unit == "device-hours" and cost.r_squared == pytest.approx(1) and not cost.warnings
    check_contract(cost)


def test_errors_of_the_exponents_are_those_of_least_squares() -> None:
    parameters, data = runs()
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(data))
    cost = fit_cost(parameters, data, 2e-7 * parameters * data * np.exp(noise))
    columns = np.column_stack([np.ones_like(data), np.log(parameters), np.log(data)])
    measured = np.log(2e-7 * parameters * data) + noise
    found, squares, _, _ = np.linalg.lstsq(columns, measured, rcond=None)
    errors = np.sqrt(np.diag(np.linalg.inv(columns.T @ columns)) * squares[0] / (len(data) - 3))
    assert [np.log(cost.k), cost.a, cost.b] == pytest.approx(found)
    assert list(cost.standard_errors.values()) == pytest.approx(errors)


def test_small_models_that_wait_for_launches_are_seen() -> None:
    parameters, data = runs()
    noise = 0.02 * np.random.default_rng(1).standard_normal(len(data))
    cost = fit_cost(parameters, data, launches(parameters, data) * np.exp(noise))
    assert cost.power_form is None and cost.idle == pytest.approx(1e6, rel=0.3)
    assert cost.a == pytest.approx(0.9, abs=0.05) and cost.b == pytest.approx(0.95, abs=0.01)
    assert cost(1e2, 1e5) == pytest.approx(float(cost(1e3, 1e5)), rel=0.02)
    check_contract(cost)


def test_launches_are_not_seen_in_noise() -> None:
    parameters, data = runs()
    rng = np.random.default_rng(2)
    found = [
        fit_cost(parameters, data, parameters * data * np.exp(0.1 * rng.standard_normal(len(data)))) for _ in range(40)
    ]
    assert sum(cost.idle > 0 for cost in found) <= 2


def test_units_of_the_columns_do_not_matter() -> None:
    parameters, data = runs()
    noise = np.exp(0.02 * np.random.default_rng(3).standard_normal(len(data)))
    seconds = fit_cost(parameters, data, launches(parameters, data) * noise)
    other = fit_cost(parameters * 1e-6, data * 512, launches(parameters, data) * noise / 3600, "hours")
    assert other.a == pytest.approx(seconds.a, rel=1e-5) and other.b == pytest.approx(seconds.b, rel=1e-6)
    assert other(1.0, 512e5) * 3600 == pytest.approx(float(seconds(1e6, 1e5)), rel=1e-5)


def test_moved_models_move_their_own_parameters() -> None:
    parameters, data = runs()
    cost = fit_cost(parameters, data, launches(parameters, data))
    step = np.array([0.1, 0.01, 0.02, -0.3])
    moved = cost.moved(step)
    assert (moved.height, moved.a, moved.b, moved.log_idle) == pytest.approx(
        (cost.height + 0.1, cost.a + 0.01, cost.b + 0.02, cost.log_idle - 0.3)
    )


def test_far_sizes_and_rough_measurements_are_named() -> None:
    parameters, data = runs()
    cost = fit_cost(parameters, data, 1e-9 * parameters * data)
    assert cost.warnings_at(5e8, 1e5) == ()
    (warning,) = cost.warnings_at(np.array([1e6, 1e10]), 1e5)
    assert "parameters from 1e+04 to 1e+08" in warning and "2.0 decades outside" in warning
    rough = np.exp(np.random.default_rng(4).standard_normal(len(data)))
    assert "scatter" in fit_cost(parameters, data, parameters * data * rough).warnings[0]
    assert decades_outside(np.array([0.1, 1.0, 50.0, 1e4]), (1.0, 100.0)) == pytest.approx([-1, 0, 0, 2])


def test_runs_that_cannot_tell_the_cost_are_refused() -> None:
    parameters, data = runs()
    with pytest.raises(FitError, match="at least 4 measured runs, got 3"):
        fit_cost(parameters[:3], data[:3], data[:3])
    with pytest.raises(FitError, match="parameters: one size only"):
        fit_cost(np.full(24, 1e6), data, data)
    with pytest.raises(FitError, match="data: one size only"):
        fit_cost(parameters, np.full(24, 1e6), parameters)
    with pytest.raises(FitError, match="change together"):
        fit_cost(parameters, 20 * parameters, parameters**2)
    with pytest.raises(FitError, match="falls with their parameters"):
        fit_cost(parameters, data, data / parameters)
    with pytest.raises(FitError, match="cost has 23"):
        fit_cost(parameters, data, data[:-1])
    with pytest.raises(FitError, match="cost: value 1 of 24"):
        fit_cost(parameters, data, np.where(np.arange(24) == 0, np.nan, data))


def test_runs_whose_budget_was_fixed_have_no_cost_of_their_data() -> None:
    parameters, data = runs()
    noise = np.exp(1e-4 * np.random.default_rng(0).standard_normal(len(data)))
    with pytest.raises(
        FitError, match=r"hardly depends on their data .* Their budget was fixed, in tokens or in steps"
    ):
        fit_cost(parameters, data, 1e3 * parameters * data**0.0006 * noise)
    with pytest.raises(FitError, match="hardly depends on their parameters"):
        fit_cost(parameters, data, data * noise)
    rough = np.exp(2.0 * np.random.default_rng(0).standard_normal(len(data)))
    with pytest.raises(FitError, match=r"hardly depends on their data .* interval .-"):
        fit_cost(parameters, data, parameters * data**0.15 * rough)
    assert fit_cost(parameters, data, parameters * data**0.15).b == pytest.approx(0.15)


@pytest.mark.filterwarnings("error")
def test_budgets_beyond_any_sense_give_no_numpy_warnings() -> None:
    parameters, data = runs()
    cost = fit_cost(parameters, data, parameters**0.2 * data**0.15)
    assert cost.data_for(1e300, 1e6) == np.inf and cost.data_for(1e-300, 1e6) == 0
    assert cost(1e300, 1e300) > 0
