"""What a budget is in the figures of a joint law."""

import numpy as np
import pandas as pd

from chemscale.report.budgets import table_budgets
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit

COLUMNS = {"parameters": "n_parameters", "data": "data_points"}


def runs(**more: object) -> pd.DataFrame:
    size, data = (part.reshape(-1) for part in np.meshgrid(np.geomspace(1e3, 1e6, 5), np.geomspace(1e2, 1e5, 4)))
    table = pd.DataFrame({"n_parameters": size, "data_points": data})
    return pd.concat([table, table], ignore_index=True).assign(**more)


def law(table: pd.DataFrame) -> LawFit:
    size, data = table["n_parameters"].to_numpy(), table["data_points"].to_numpy()
    return fit_law("additive", {"N": size, "D": data}, 1.2 + 20 * size**-0.3 + 9 * data**-0.4, shared=None)


def test_measured_flops_in_proportion_are_taken() -> None:
    table = runs(training_flops=lambda frame: 800 * frame["n_parameters"] * frame["data_points"])
    fit = law(table)
    found = table_budgets(table, fit, COLUMNS)
    assert found.refused == "" and found.spent is not None
    np.testing.assert_allclose(found.spent, 800 * fit.cells.values.prod(axis=1))


def test_a_fixed_budget_of_tokens_is_refused() -> None:
    table = runs(training_flops=lambda frame: 2e6 * frame["n_parameters"] ** 0.9)
    found = table_budgets(table, law(table), COLUMNS)
    assert found.refused == "the training FLOPs of these runs go as N^0.9 D^0.0 and not as N D"


def test_examples_are_no_tokens() -> None:
    table = runs()
    fit = law(table)
    for given in (table, None, table.assign(training_flops=np.nan)):
        assert "D counts examples and no tokens" in table_budgets(given, fit, COLUMNS).refused
    tokens = table_budgets(table, fit, {"parameters": "N", "data": "C / (6 N)"})
    assert tokens.refused == "" and tokens.spent is None
