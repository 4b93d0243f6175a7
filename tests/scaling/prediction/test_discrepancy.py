"""The error of a law per e-fold beyond its data."""

import numpy as np
import pytest

from chemscale.scaling.cells import merge_cells
from chemscale.scaling.laws import find_law
from chemscale.scaling.prediction.backtest import BackTest
from chemscale.scaling.prediction.discrepancy import MADE_UP, SLOPE_ERROR, learn_discrepancy

SIZES = np.geomspace(1e3, 1e7, 9)
CELLS = merge_cells({"resource": SIZES}, 5 * SIZES**-0.1)
GROWTH = CELLS.logs[:, 0]


def back_tests(rates: np.ndarray, per_origin: int, noise: float = 1e-9) -> BackTest:
    """Origins whose laws are wrong by a rate per e-fold each."""
    distance = np.tile(np.linspace(0.5, 3, per_origin), len(rates))
    origin = np.repeat(np.arange(len(rates)), per_origin)
    return BackTest(
        law=find_law("power", 1),
        n_trained=np.arange(len(rates)) + 4,
        origin=origin,
        cell=np.zeros(len(origin), int),
        error=rates[origin] * distance,
        distance=distance,
        standard_error=np.full(len(origin), noise),
    )


def test_without_noise_the_rate_is_the_root_mean_square_with_the_made_up_origin() -> None:
    rates = np.array([0.03, -0.02, 0.05, 0.01])
    found = learn_discrepancy(CELLS, GROWTH, back_tests(rates, 5))
    expected = np.sqrt(((rates**2).sum() + MADE_UP * (SLOPE_ERROR * 0.1) ** 2) / (4 + MADE_UP))
    assert found.rate == pytest.approx(expected, rel=0.03)
    assert found.n_origins == 4 and found.freedom == 4 and found.furthest == 3


def test_an_origin_counts_once_however_many_runs_it_predicts() -> None:
    rates = np.array([0.03, -0.02, 0.05, 0.01])
    few, many = (learn_discrepancy(CELLS, GROWTH, back_tests(rates, n)).rate for n in (5, 50))
    assert many == pytest.approx(few, rel=0.03)


def test_errors_within_the_noise_leave_the_made_up_origin() -> None:
    found = learn_discrepancy(CELLS, GROWTH, back_tests(np.full(4, 1e-4), 5, noise=0.1))
    assert 0 < found.rate <= SLOPE_ERROR * 0.1


def test_without_back_tests_it_is_a_share_of_the_slope_of_the_data() -> None:
    found = learn_discrepancy(CELLS, GROWTH, None)
    assert found.rate == pytest.approx(SLOPE_ERROR * 0.1) and found.n_origins == 0 and found.freedom == 2


def test_flat_data_do_not_break_it() -> None:
    flat = merge_cells({"resource": SIZES}, np.full(9, 2.0))
    assert np.isfinite(learn_discrepancy(flat, GROWTH, back_tests(np.full(3, 0.01), 4)).rate)
    assert learn_discrepancy(flat, GROWTH, None).rate < 1e-9
