"""Rank correlations: hand-worked values, ties, exact p-values, and the interval's coverage by simulation."""

import math

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.scaling.rank_correlation import correlations_by_group, rank_correlation


def test_rho_is_one_minus_six_squares_where_there_are_no_ties() -> None:
    x, y = [1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5]  # six rank differences of 1
    assert rank_correlation(x, y).rho == pytest.approx(1 - 6 * 6 / (6 * 35))


def test_ties_share_their_mean_rank() -> None:
    # ranks of x: 1.5, 1.5, 3, 4, 5; of y: 1..5; sums of squares 9.5 and 10, product 9.5
    assert rank_correlation([1, 1, 2, 3, 4], [1, 2, 3, 4, 5]).rho == pytest.approx(9.5 / math.sqrt(9.5 * 10))


def test_a_perfect_order_of_five_has_two_of_120_orders_and_an_interval_that_is_no_point() -> None:
    found = rank_correlation([1, 2, 3, 4, 5], [5, 4, 3, 2, 1])
    assert found.rho == pytest.approx(-1)
    assert found.p == pytest.approx(2 / 120)
    assert found.interval[0] == -1 and -0.5 < found.interval[1] < 0


def test_the_exact_p_value_joins_that_of_student_for_more_points() -> None:
    random = stream(0, "ranks")
    for n in (9, 10):
        x = np.arange(n)
        y = x + 4 * random.standard_normal(n)
        found = rank_correlation(x, y)
        t = found.rho * math.sqrt((n - 2) / (1 - found.rho**2))
        from_student = 2 * (1 - _student_cdf(abs(t), n - 2))
        assert found.p == pytest.approx(from_student, rel=0.25)


def _student_cdf(t: float, freedom: int) -> float:
    grid = np.linspace(-60, t, 200_001)
    density = (1 + grid**2 / freedom) ** (-(freedom + 1) / 2)
    scale = math.gamma((freedom + 1) / 2) / (math.sqrt(freedom * math.pi) * math.gamma(freedom / 2))
    return float(scale * np.trapezoid(density, grid))


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_the_interval_holds_the_truth_as_often_as_it_says(correlation: float) -> None:
    random, n_draws, hits = stream(1, "coverage"), 800, 0
    truth = 6 / math.pi * math.asin(correlation / 2)  # Spearman's rho of a bivariate normal
    for _ in range(n_draws):
        x, noise = random.standard_normal((2, 7))
        low, high = rank_correlation(x, correlation * x + math.sqrt(1 - correlation**2) * noise).interval
        hits += low <= truth <= high
    assert 0.93 <= hits / n_draws <= 0.995


def test_too_few_models_and_equal_losses_are_said_so() -> None:
    few, equal = rank_correlation([1, 2, 3, 4], [1, 2, 3, 4]), rank_correlation([1, 2, 3, 4, 5], [1] * 5)
    assert math.isnan(few.rho) and few.problem == "too few: 4 of at least 5"
    assert math.isnan(equal.rho) and "equal" in equal.problem


def test_values_that_are_not_finite_or_not_as_many_are_refused() -> None:
    with pytest.raises(FitError, match="as many finite"):
        rank_correlation([1, 2, math.nan, 4, 5], [1, 2, 3, 4, 5])
    with pytest.raises(FitError, match="as many finite"):
        rank_correlation([1, 2, 3], [1, 2])


def test_seeds_of_a_model_are_one_point_and_groups_stay_apart() -> None:
    rows = []
    for family, sign in (("a", 1), ("b", -1)):
        for size in (10, 20, 40, 80, 160):
            for seed in (-1, 1):
                loss = size ** (-0.1 * sign) * math.exp(0.5 * seed)  # seeds swamp the trend, their mean does not
                rows.append({"family": family, "data": 7, "n_parameters": size, "capacity": size, "loss": loss})
    rows.append({"family": "a", "data": 7, "n_parameters": 320, "capacity": 320, "loss": math.nan})
    found = correlations_by_group(pd.DataFrame(rows), "capacity", "loss", ["family", "data"])
    assert found["rho"].tolist() == pytest.approx([-1, 1])
    assert found["n_models"].tolist() == [5, 5]
