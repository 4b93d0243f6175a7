"""The difference of two exponents."""

import json

import numpy as np
import pytest
from scipy import stats

from chemscale.base.errors import FitError
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.power_law import fit_power_law
from chemscale.scaling.prediction.exponent_difference import Estimate, compare_exponents
from chemscale.scaling.straight_line import fit_line


def runs(beta: float, seed: int, n: int = 8, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    sizes = np.geomspace(1e3, 1e6, n)
    return sizes, 5 * sizes**-beta * np.exp(np.random.default_rng(seed).normal(0, noise, n))


def test_it_is_the_test_of_welch() -> None:
    """A mean of n numbers is an estimate with n - 1 degrees of freedom; scipy has the test for two of them."""
    generator = np.random.default_rng(0)
    a, b = generator.normal(1, 1, 6), generator.normal(0, 3, 9)
    expected = stats.ttest_ind(a, b, equal_var=False)
    first, second = (Estimate(x.mean(), x.std(ddof=1) / np.sqrt(len(x)), len(x) - 1) for x in (a, b))
    found = compare_exponents(first, second, "mean", level=0.9)
    assert found.p == pytest.approx(expected.pvalue) and found.freedom == pytest.approx(expected.df)
    assert found.interval == pytest.approx(tuple(expected.confidence_interval(0.9)))
    assert found.difference == pytest.approx(a.mean() - b.mean())


def test_both_kinds_of_fits_give_the_same() -> None:
    (x, y), (u, v) = runs(0.2, 1), runs(0.3, 2, n=6)
    lines = compare_exponents(fit_power_law(x, y, fit_range="all"), fit_power_law(u, v, fit_range="all"), "beta")
    laws = compare_exponents(fit_law("power", {"n": x}, y), fit_law("power", {"n": u}, v), "beta")
    assert laws.interval == pytest.approx(lines.interval, rel=1e-6) and laws.p == pytest.approx(lines.p, rel=1e-6)
    assert lines.interval[1] < 0 and lines.p < 0.01
    mixed = compare_exponents(fit_power_law(x, y, fit_range="all"), fit_law("power", {"n": u}, v), "beta")
    assert mixed.difference == pytest.approx(lines.difference)


def test_equal_exponents_are_told_apart_as_rarely_as_stated() -> None:
    """3,000 pairs of 5 and 7 points with unlike noise: 5 % +- 1.5 %."""

    def exponent(seed: int, n: int, noise: float) -> Estimate:
        line = fit_line(*np.log(runs(0.2, seed, n, noise)))
        return Estimate(-line.slope, line.slope_error, line.freedom)

    missed = 0
    for seed in range(0, 6000, 2):
        missed += compare_exponents(exponent(seed, 5, 0.05), exponent(seed + 1, 7, 0.01), "beta").p < 0.05
    assert 0.035 <= missed / 3000 <= 0.065


def test_it_prints_and_turns_into_json() -> None:
    found = compare_exponents(Estimate(0.3, 0.01, 10), Estimate(0.2, 0.02, 5), "alpha")
    assert str(found).startswith("alpha: 0.3 - 0.2 = 0.1, 95 % interval [")
    assert json.loads(json.dumps(found.to_dict()))["interval"] == list(found.interval)


def test_numbers_that_cannot_be_compared_are_refused_with_a_reason() -> None:
    x, y = runs(0.2, 1)
    power, bent = fit_power_law(x, y, fit_range="all"), fit_law("log-quadratic", {"n": x}, y)
    with pytest.raises(FitError, match="the first fit has no exponent 'alpha'; its exponents: beta"):
        compare_exponents(power, power, "alpha")
    with pytest.raises(FitError, match="'log-quadratic' of the second fit has no exponent 'beta'; it has none"):
        compare_exponents(power, bent, "beta")
    with pytest.raises(FitError, match="lies on a bound"):
        compare_exponents(power, Estimate(0.2, 0.0, 5), "beta")
    with pytest.raises(FitError, match="level"):
        compare_exponents(power, power, "beta", level=95)
    coefficient = fit_law("power", {"n": x}, y)
    with pytest.raises(FitError, match="no exponent 'alpha'"):
        compare_exponents(coefficient, coefficient, "alpha")
