"""Fits over study tables."""

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import FitError
from chemscale.scaling import fit_by_group, fit_study


def study_table() -> pd.DataFrame:
    """Four model sizes x three data sizes x two seeds of L = 20 N^-0.2 D^-0.1."""
    rows = [
        {"run": f"r{size}-{data}-{seed}", "status": "finished", "seed": seed, "n_parameters": size, "data_points": data}
        for size in (10**4, 10**5, 10**6, 10**7)
        for data in (100, 1000, 10000)
        for seed in (0, 1)
    ]
    table = pd.DataFrame(rows)
    table["validation_loss"] = 20 * table["n_parameters"] ** -0.2 * table["data_points"] ** -0.1
    return table


def test_one_law_per_group_in_order() -> None:
    fits = fit_by_group(study_table(), "n_parameters", "validation_loss", "data_points")
    assert [fit.value for fit in fits] == [100, 1000, 10000]
    for fit in fits:
        assert fit.law is not None and fit.law.beta == pytest.approx(0.2) and fit.n_runs == 8
        assert fit.law.alpha == pytest.approx(20 * fit.value**-0.1)
        assert isinstance(fit.value, int)


def test_a_study_is_fitted_both_ways() -> None:
    fits = fit_study(study_table())
    assert [(fit.x, fit.group) for fit in fits] == [("n_parameters", "data_points")] * 3 + [
        ("data_points", "n_parameters")
    ] * 4
    assert all(fit.law is not None for fit in fits)


def test_one_data_size_gives_one_direction() -> None:
    table = study_table()
    fits = fit_study(table[table["data_points"] == 100])
    assert len(fits) == 1 and fits[0].x == "n_parameters"


def test_failed_and_diverged_runs_are_named_and_not_used() -> None:
    table = study_table()
    table.loc[0, ["status", "validation_loss"]] = ["failed", np.nan]
    table.loc[2, ["status", "validation_loss"]] = ["diverged", 9.0]
    table.loc[4, "validation_loss"] = np.inf
    small, middle, large = fit_by_group(table, "n_parameters", "validation_loss", "data_points")
    assert small.not_used == ("r10000-100-0 (failed)",)
    assert middle.not_used == ("r10000-1000-0 (diverged)",)
    assert large.not_used == ("r10000-10000-0 (no usable validation_loss)",)
    assert all(fit.law is not None and fit.law.beta == pytest.approx(0.2) for fit in (small, middle, large))


def test_a_group_that_cannot_be_fitted_says_why() -> None:
    table = study_table()
    table = table[(table["data_points"] != 100) | (table["n_parameters"] < 10**6)]
    fits = fit_by_group(table, "n_parameters", "validation_loss", "data_points")
    assert fits[0].law is None and "got 2" in fits[0].problem
    assert fits[1].law is not None and fits[1].problem == ""


def test_a_table_made_elsewhere_needs_only_its_two_columns() -> None:
    table = pd.DataFrame({"flops": [1e15, 1e16, 1e17], "loss": ["3.0", "2.0", "1.5"]})
    (fit,) = fit_by_group(table, "flops", "loss")
    assert fit.group is None and fit.law is not None and fit.n_runs == 3


def test_a_missing_column_names_the_nearest() -> None:
    with pytest.raises(FitError, match="no column 'n_paramters'; did you mean 'n_parameters'"):
        fit_by_group(study_table(), "n_paramters", "validation_loss")
