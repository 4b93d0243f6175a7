"""Ranks, rho and regret against scipy and by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.tpe.ranking import normalised_regret, r_squared, ranks, regret, rho_in_best, spearman_rho


def test_ranks_share_ties_and_put_infinity_last() -> None:
    values = [3.0, 1.0, math.inf, 1.0, math.inf]
    assert ranks(values).tolist() == [3, 1.5, 4.5, 1.5, 4.5]
    with pytest.raises(FitError, match="value 2 of 2 is NaN"):
        ranks([1.0, math.nan])


def test_rho_agrees_with_scipy_with_and_without_ties() -> None:
    generator = stream(1, "test ranks")
    for _ in range(50):
        x, y = generator.integers(0, 6, 12), generator.standard_normal(12).round(1)
        assert ranks(x) == pytest.approx(stats.rankdata(x))
        assert spearman_rho(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)


def test_rho_where_it_is_not_defined() -> None:
    assert math.isnan(spearman_rho([1, 2], [1, 2])) and math.isnan(spearman_rho([1, 1, 1], [1, 2, 3]))
    with pytest.raises(FitError, match="3 and 2"):
        spearman_rho([1, 2, 3], [1, 2])


def test_rho_inside_the_best_third_is_not_inflated_by_poor_runs() -> None:
    final = np.arange(12.0)
    scores = np.array([3, 2, 1, 0, 4, 5, 6, 7, 8, 9, 10, 11.0])
    assert spearman_rho(scores, final) > 0.9
    assert rho_in_best(scores, final) == pytest.approx(-1)


def test_regret() -> None:
    final = np.array([1.0, 2.0, 3.0, math.inf])
    assert regret(2.0, final) == 1 and normalised_regret(2.0, final) == 1
    assert normalised_regret(1.0, final) == 0 and regret(math.inf, final) == math.inf
    assert normalised_regret(1.0, np.array([1.0, 1.0])) == 0


def test_r_squared_leaves_out_what_diverged() -> None:
    x, y = np.array([1, 2, 3, 4.0, math.inf]), np.array([2, 3, 5, 4.0, 1])
    assert r_squared(x, y) == pytest.approx(stats.linregress(x[:4], y[:4]).rvalue ** 2)
    assert math.isnan(r_squared(x[:2], y[:2]))
