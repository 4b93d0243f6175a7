"""Laws from the columns of a table: which columns, which rows, groups, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.scaling.table_fit import TableColumns, fit_table

SIZES = np.geomspace(1e5, 1e8, 6)


def grid(noise: float = 0.0) -> pd.DataFrame:
    """An exact additive law on 6 x 5 cells, with compute."""
    n, d = (axis.ravel() for axis in np.meshgrid(SIZES, np.geomspace(1e7, 1e10, 5)))
    loss = 1.8172 + 477.8 / n**0.3473 + 2143 / d**0.3672
    loss = loss * np.exp(noise * stream(0, "table noise").standard_normal(len(n)))
    return pd.DataFrame({"Model Size": n, "tokens": d, "FLOPs": 6 * n * d, "val loss": loss})


@pytest.mark.parametrize(
    "columns",
    [
        TableColumns(parameters="Model Size", data="tokens"),
        TableColumns(parameters="model_size", compute="flops", y="val_loss"),
        TableColumns(data="tokens", compute="FLOPs"),
    ],
)
def test_joint_laws_take_any_two_of_model_data_and_compute(columns: TableColumns) -> None:
    found = fit_table(grid(), columns)
    fit = found.entries[0].fit
    assert fit is not None and found.law == "additive" and found.y == "val loss"
    expected = {"E": 1.8172, "A": 477.8, "B": 2143, "alpha": 0.3473, "beta": 0.3672}
    assert fit.parameters == pytest.approx(expected, rel=1e-6)


def test_the_result_is_json_with_the_documented_keys() -> None:
    columns = TableColumns(parameters="Model Size", data="tokens")
    plain = json.loads(json.dumps(fit_table(grid(0.01), columns).to_dict()))
    keys = {"law", "parameters", "standard_errors", "intervals", "level", "r_squared", "n_points", "left_out"}
    assert keys | {"regimes", "warnings"} <= set(plain)
    assert len(plain["regimes"]) == 30
    assert plain["regimes"][0]["label"] in ("model-limited", "data-limited", "mixed")
    grouped = fit_table(grid(0.01), TableColumns(x="Model Size", group="tokens")).to_dict()
    assert [one["tokens"] for one in grouped["fits"]] == sorted(grid()["tokens"].unique())
    assert all(keys <= set(one) for one in grouped["fits"])


def test_one_law_per_group_and_a_group_that_cannot_be_fitted() -> None:
    table = pd.DataFrame(
        {"n": [*SIZES, 1e5, 1e6], "loss": [*(10 * SIZES**-0.2), 2.0, 1.0], "set": ["a"] * 6 + ["b"] * 2}
    )
    found = fit_table(table, TableColumns(x="n", group="set"))
    first, second = found.entries
    assert first.fit is not None and first.fit.parameters["beta"] == pytest.approx(0.2)
    assert second.fit is None and "at least 3 different sizes" in second.problem
    assert found.to_dict()["fits"][1]["problem"] == second.problem


def test_rows_without_numbers_are_an_error_or_are_named() -> None:
    table = pd.DataFrame({"n": [*SIZES, 1e9], "loss": [*(10 * SIZES**-0.2), np.nan]})
    with pytest.raises(FitError, match="row 7: loss is nan"):
        fit_table(table, TableColumns(x="n"))
    entry = fit_table(table, TableColumns(x="n"), skip_invalid=True).entries[0]
    assert entry.not_used == (("row 7", "loss is nan"),)
    assert entry.to_dict()["left_out"] == [{"row": "row 7", "reason": "loss is nan"}]


def test_rows_that_did_not_finish_are_left_out_by_name() -> None:
    table = pd.DataFrame({"n": SIZES, "loss": 10 * SIZES**-0.2, "status": ["finished"] * 5 + ["diverged"]})
    table["run"] = [f"run-{index}" for index in range(6)]
    entry = fit_table(table, TableColumns(x="n")).entries[0]
    assert entry.not_used == (("run-5", "diverged"),) and entry.n_runs == 5


def test_training_columns_name_what_the_surface_cannot_see() -> None:
    table = grid(0.01)
    table["steps"], table["warmup_steps"] = [50.0] * 10 + [1000.0] * 20, 100.0
    table["epochs"] = [1.0] * 20 + [200.0] * 10
    fit = fit_table(table, TableColumns(parameters="Model Size", data="tokens")).entries[0].fit
    assert fit is not None
    labels = {(one.parameters, one.data): one.label for one in fit.regimes}
    expected = ["step-limited"] * 10 + [""] * 10 + ["repetition-limited"] * 10
    for row, label in zip(table.itertuples(index=False), expected, strict=True):
        seen = next(seen for (n, d), seen in labels.items() if np.isclose(n, row[0]) and np.isclose(d, row[1]))
        assert seen == label if label else "limited" not in seen or seen in ("model-limited", "data-limited")


@pytest.mark.parametrize(
    ("columns", "law", "message"),
    [
        (TableColumns(), None, "say what the loss is fitted against.*Model Size"),
        (TableColumns(x="tokens", data="tokens"), None, "--x is for laws of one resource"),
        (TableColumns(parameters="Model Size"), None, "two of --parameters"),
        (TableColumns(x="token", y="val loss"), None, "did you mean 'tokens'"),
        (TableColumns(x="tokens"), "additive", "takes parameters, data"),
        (TableColumns(x="tokens"), "powr", "did you mean 'power'"),
    ],
)
def test_what_is_refused(columns: TableColumns, law: str | None, message: str) -> None:
    with pytest.raises(FitError, match=message):
        fit_table(grid(), columns, law)


def test_a_table_without_a_known_loss_column_asks_for_one() -> None:
    with pytest.raises(FitError, match="--y: say which column is the loss"):
        fit_table(pd.DataFrame({"n": SIZES, "score": SIZES}), TableColumns(x="n"))


def test_compute_has_seen_repeated_data_for_all_epochs() -> None:
    n, u, e = (axis.ravel() for axis in np.meshgrid(SIZES[::2], [1e7, 1e8, 1e9], [1.0, 4.0, 16.0, 64.0]))
    effective = u * (1 + 15.4 * (1 - np.exp(-(e - 1) / 15.4)))
    loss = 1.8 + 477 / n**0.35 + 800 / effective**0.3
    table = pd.DataFrame({"N": n, "C": 6 * n * u * e, "epochs": e, "loss": loss})
    found = fit_table(table, TableColumns(parameters="N", compute="C", epochs="epochs"))
    fit = found.entries[0].fit
    assert found.law == "repeated" and fit is not None
    assert fit.parameters["R"] == pytest.approx(15.4, rel=1e-5) and fit.parameters["beta"] == pytest.approx(0.3)
    assert found.inputs["data"] == "C / (6 N epochs)"
    with pytest.raises(FitError, match="--epochs is for the law of repeated data"):
        fit_table(table, TableColumns(x="N", epochs="epochs"))


def test_a_status_column_of_another_program_means_nothing_to_us() -> None:
    table = pd.DataFrame({"n": SIZES, "loss": 10 * SIZES**-0.2, "status": "completed"})
    assert fit_table(table, TableColumns(x="n")).entries[0].n_runs == 6
