"""The budget of an estimate."""

import pytest

from chemscale.base.errors import ConfigError, DataError
from chemscale.tpe import Curve, curve_of_steps
from chemscale.tpe.budget import choose_budget


def of(epochs: float) -> Curve:
    return curve_of_steps(f"r{epochs}", [1.0] * round(10 * epochs), steps_per_epoch=10)


def test_what_all_runs_have_seen_in_whole_epochs() -> None:
    budget = choose_budget([of(10), of(7.4)], None, None, None)
    assert budget.epochs == 7 and budget.total_epochs == 10 and budget.fraction == pytest.approx(0.7)
    assert choose_budget([of(0.4), of(0.6)], None, None, None).epochs == pytest.approx(0.4)


def test_epochs_or_a_fraction_of_the_full_budget() -> None:
    assert choose_budget([of(10)], None, 0.25, None).epochs == 2.5
    assert choose_budget([of(10)], None, 0.2, 50).epochs == 10
    assert choose_budget([of(10)], 4, None, None).fraction == 0.4
    assert choose_budget([of(10)], 10, None, 50).fraction == 0.2


def test_a_diverged_run_does_not_shorten_the_budget() -> None:
    broken = curve_of_steps("x", [1.0, float("nan")], steps_per_epoch=10)
    assert choose_budget([of(8), broken], None, None, None).epochs == 8


def test_bad_budgets_are_named() -> None:
    with pytest.raises(ConfigError, match="give one of them"):
        choose_budget([of(2)], 1, 0.5, None)
    with pytest.raises(ConfigError, match="fraction"):
        choose_budget([of(2)], None, 20, None)
    with pytest.raises(ConfigError, match="epochs"):
        choose_budget([of(2)], 0, None, None)
    with pytest.raises(ConfigError, match="total_epochs"):
        choose_budget([of(2)], None, 0.2, -1)
    with pytest.raises(DataError, match="no curves"):
        choose_budget([], None, None, None)


def test_more_epochs_than_the_budget_are_refused() -> None:
    with pytest.raises(ConfigError, match="more than the full budget of 10"):
        choose_budget([of(10), of(10)], 30, None, None)
    with pytest.raises(ConfigError, match="more than the full budget of 2"):
        choose_budget([of(10), of(10)], 3, None, 2)
