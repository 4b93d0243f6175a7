"""Back-tests with a rolling origin."""

import json

import numpy as np
import pytest

from chemscale.base.errors import FitError
from chemscale.scaling.cells import merge_cells
from chemscale.scaling.laws import find_law
from chemscale.scaling.prediction.backtest import backtest, backtest_cells, distance_beyond, growth_of, origin_masks
from chemscale.scaling.straight_line import fit_line


def noisy_line(n: int = 8, seed: int = 0, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    sizes = np.geomspace(1e3, 1e7, n)
    return sizes, 5 * sizes**-0.1 * np.exp(np.random.default_rng(seed).normal(0, noise, n))


def grid(noise: float, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    model, data = (axis.reshape(-1) for axis in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 1e11, 6)))
    loss = 1.8 + 400 / model**0.34 + 2000 / data**0.37
    return {"parameters": model, "data": data}, loss * np.exp(np.random.default_rng(seed).normal(0, noise, len(loss)))


def test_every_error_is_that_of_a_line_fitted_to_the_smaller_sizes() -> None:
    sizes, loss = noisy_line()
    found = backtest("power", {"resource": sizes}, loss)
    assert list(found.n_trained) == [4, 5, 6]
    x, y = np.log(sizes), np.log(loss)
    for index, n in enumerate(found.n_trained):
        line, rows = fit_line(x[:n], y[:n]), found.origin == index
        assert list(found.cell[rows]) == list(range(n, 8))
        assert found.error[rows] == pytest.approx(y[n:] - line.at(x[n:]), abs=1e-10)
        assert found.standard_error[rows] == pytest.approx(line.error_at(x[n:], new_point=True), rel=1e-6)
        assert found.distance[rows] == pytest.approx(x[n:] - x[n - 1])
    per_origin = [np.median(np.abs(found.error[found.origin == index])) for index in range(3)]
    assert found.median_error == pytest.approx(np.mean(per_origin))
    assert found.rms_error == pytest.approx(np.sqrt(np.mean(found.error**2)))


def test_cells_of_fewer_seeds_are_expected_to_scatter_more() -> None:
    sizes, _ = noisy_line(10)
    n_seeds = np.where(np.arange(10) < 8, 4, 1)
    x = np.repeat(sizes, n_seeds)
    loss = 5 * x**-0.1 * np.exp(np.random.default_rng(1).normal(0, 0.02, len(x)))
    found, cells = backtest("power", {"resource": x}, loss), merge_cells({"resource": x}, loss)
    between = np.average(cells.log_spread[:8] ** 2)
    last = found.origin == found.n_origins - 1
    n = found.n_trained[-1]
    line = fit_line(cells.logs[:n, 0], cells.log_loss[:n])
    logs = cells.logs[found.cell[last], 0]
    more = between * (1 / n_seeds[found.cell[last]] - 1 / 4)
    own = np.maximum(line.noise**2 + more, between / n_seeds[found.cell[last]])
    assert found.standard_error[last] == pytest.approx(np.sqrt(line.error_at(logs) ** 2 + own), rel=1e-6)


def test_batched_origins_equal_fits_of_the_smaller_scales_alone() -> None:
    inputs, loss = grid(0.01)
    law = find_law("additive", 2)
    cells = merge_cells(inputs, loss)
    growth = growth_of(cells)
    origins = origin_masks(cells, law, growth)
    together = backtest_cells(law, cells, origins, growth)
    assert together.n_origins >= 3
    for index, mask in enumerate(origins):
        assert growth[mask].max() < growth[~mask].min()
        alone = backtest_cells(law, cells, mask[None], growth)
        assert together.error[together.origin == index] == pytest.approx(alone.error, abs=1e-8)


def test_a_true_law_without_noise_has_no_error_and_a_wrong_one_has() -> None:
    inputs, loss = grid(0.0)
    assert np.abs(backtest("additive", inputs, loss).error).max() < 1e-6
    assert backtest("kaplan", inputs, loss).median_error > 0.01


def test_errors_have_the_sign_of_measured_over_predicted() -> None:
    sizes = np.geomspace(1e3, 1e7, 9)
    floored = backtest("power", {"resource": sizes}, 1 + 30 * sizes**-0.4)
    assert (floored.error > 0).all()
    assert floored.bias == pytest.approx(floored.error.mean())


def test_units_and_order_do_not_matter() -> None:
    inputs, loss = grid(0.01)
    one = backtest("additive", inputs, loss)
    order = np.random.default_rng(1).permutation(len(loss))
    scaled = {"parameters": inputs["parameters"][order] * 1e-6, "data": inputs["data"][order] * 37}
    other = backtest("additive", scaled, loss[order] * 3)
    assert np.sort(other.error) == pytest.approx(np.sort(one.error), abs=1e-7)
    assert np.sort(other.distance) == pytest.approx(np.sort(one.distance), abs=1e-9)


def test_a_given_scale_replaces_the_product_of_the_inputs() -> None:
    inputs, loss = grid(0.01)
    found = backtest("additive", inputs, loss, scale=inputs["data"])
    cells = merge_cells(inputs, loss)
    assert set(found.n_trained) <= {12, 18, 24, 30}
    for index, n in enumerate(found.n_trained):
        held = cells.values[found.cell[found.origin == index], 1]
        assert held.min() > np.sort(inputs["data"])[n - 1]


def test_one_scale_is_never_cut_in_two() -> None:
    """Budgets whose runs differ by a per cent are one scale; the cuts lie between the budgets."""
    budget = np.repeat(np.geomspace(1e18, 1e21, 7), 6)
    generator = np.random.default_rng(2)
    sizes = np.tile(np.geomspace(1e7, 1e9, 6), 7)
    data = budget / sizes * generator.uniform(0.99, 1.01, len(budget))
    cells = merge_cells({"parameters": sizes, "data": data}, 1.8 + 400 / sizes**0.34 + 2000 / data**0.37)
    origins = origin_masks(cells, find_law("additive", 2), growth_of(cells))
    assert [int(mask.sum()) % 6 for mask in origins] == [0] * len(origins)
    assert len(origins) >= 3


def test_origins_are_limited_and_leave_cells_that_the_law_can_be_fitted_to() -> None:
    sizes, loss = noisy_line(60)
    assert backtest("power", {"resource": sizes}, loss).n_origins <= 8
    assert backtest("power", {"resource": sizes}, loss, max_origins=2).n_origins == 2
    assert backtest("power", {"resource": sizes[:4]}, loss[:4]).n_trained.tolist() == [3]


def test_distance_is_that_of_the_axis_furthest_out() -> None:
    trained = np.log([[1.0, 1.0], [10.0, 10.0]])
    asked = np.log([[5.0, 5.0], [100.0, 1.0], [1.0, 0.01], [100.0, 100.0]])
    found = distance_beyond(asked, trained, asked.sum(axis=1), trained.sum(axis=1)) / np.log(10)
    assert found == pytest.approx([0, 1, 2, 2])


def test_it_prints_and_turns_into_json() -> None:
    found = backtest("power", {"resource": noisy_line()[0]}, noisy_line()[1])
    assert "3 back-tests on 4 to 6 cells" in str(found)
    back = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert back["n_origins"] == 3 and back["n_trained"] == [4, 5, 6]


def test_bad_input_is_refused_with_a_reason() -> None:
    sizes, loss = noisy_line()
    with pytest.raises(FitError, match="too few to fit the smaller scales"):
        backtest("power", {"resource": sizes[:3]}, loss[:3])
    with pytest.raises(FitError, match="too few to fit the smaller scales"):
        backtest("saturating", {"resource": np.repeat(sizes[:3], 4)}, np.repeat(loss[:3], 4))
    with pytest.raises(FitError, match="scale has 2 values"):
        backtest("power", {"resource": sizes}, loss, scale=[1.0, 2.0])
    with pytest.raises(FitError, match="scale: value 1 of 8 is -1"):
        backtest("power", {"resource": sizes}, loss, scale=-np.ones(8))
    with pytest.raises(FitError, match="shares"):
        backtest("power", {"resource": sizes}, loss, shares=(0.9, 0.4))
    with pytest.raises(FitError, match="loss: value 3"):
        backtest("power", {"resource": sizes}, np.where(np.arange(8) == 2, np.nan, loss))
    with pytest.raises(FitError, match="takes parameters, data"):
        backtest("additive", {"resource": sizes}, loss)
    with pytest.raises(FitError, match="too few"):
        backtest("power", {"resource": sizes}, loss, scale=np.ones(8))
