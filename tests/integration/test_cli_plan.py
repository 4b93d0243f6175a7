"""`chemscale plan` as a user types it: units, refusals, and what it says of its own law."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import chemscale
from chemscale.base.errors import FitError, UserError
from chemscale.base.seeds import stream
from chemscale.scaling import TableColumns, fit_table
from chemscale.verbs import PlanRequest
from chemscale.verbs.budgets import Budget, parse_budget, unit_of_column

Call = Callable[..., tuple[int, str, str]]
N, D = (part.ravel() for part in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 1e11, 6)))
LOSS = (1.8172 + 477.8 / N**0.3473 + 2143.0 / D**0.3672) * np.exp(0.005 * stream(0, "cli plan").standard_normal(36))
JOINT = ("--parameters", "N", "--data", "tokens")
ORDER = TableColumns(parameters="N", data="tokens")


@pytest.fixture
def table() -> pd.DataFrame:
    """A grid of 36 runs with their loss, tokens, FLOPs and seconds."""
    seconds = 1e-15 * 6 * N * D * np.exp(0.05 * stream(1, "cli plan").standard_normal(36))
    return pd.DataFrame({"N": N, "tokens": D, "C": 6 * N * D, "seconds": seconds, "loss": LOSS})


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command_line: Call, table: pd.DataFrame) -> Call:
    """Calls the command line in a folder with `runs.csv`, and a study `study.csv` of a fixed budget of tokens."""
    monkeypatch.chdir(tmp_path)
    table.to_csv("runs.csv", index=False)
    flops = 6 * N * 3e9 * np.exp(1e-4 * stream(2, "cli plan").standard_normal(36))
    names = {"N": "n_parameters", "tokens": "data_points", "loss": "validation_loss"}
    table.rename(columns=names).assign(training_flops=flops).drop(columns="C").to_csv("study.csv", index=False)
    return command_line


def planned(*request: Any, table: pd.DataFrame, **more: Any) -> Any:
    return chemscale.plan(table, ORDER, PlanRequest(*request, **more))


def test_the_warnings_of_the_fit_stand_above_the_plan(call: Call, table: pd.DataFrame) -> None:
    fit = fit_table(table, ORDER).entries[0].fit
    assert fit is not None and fit.warnings
    status, out, err = call("plan", "runs.csv", *JOINT, "--budget", "1e20")
    assert status == 0, err
    head = out.split("BEST SPLIT")[0]
    assert all(f"warning: {text}" in head for text in fit.warnings)
    assert "laws were not compared" in head and "--compare" in head


def test_a_study_of_a_fixed_budget_is_refused_and_says_why(call: Call) -> None:
    status, out, err = call("plan", "study.csv", "--budget", "1e20")
    assert status == 2 and not out and len(err.strip().splitlines()) == 1
    assert "column 'training_flops'" in err and "Their budget was fixed, in tokens or in steps" in err
    status, out, err = call("plan", "study.csv", "--budget", "1e9 molecules", "--json", "p.json")
    assert status == 0, err
    found = json.loads(Path("p.json").read_text())
    assert found["cost"] is None and found["labels"] and "budget was fixed" in found["refused"]["here"]
    assert "read as 1e+09 of the table's data, 'data_points'" in out
    status, _, err = call("plan", "study.csv", "--budget", "1e6", "--cost", "seconds")
    assert status == 0, err


def test_compute_in_place_of_data_works_with_a_measured_cost(call: Call) -> None:
    """The data of such a table are computed, so no column holds them."""
    pairs = [("--parameters", "N", "--data", "tokens"), ("--parameters", "N", "--compute", "C")]
    for number, columns in enumerate([*pairs, ("--data", "tokens", "--compute", "C")]):
        name = f"{number}.json"
        status, _, err = call("plan", "runs.csv", *columns, "--cost", "seconds", "--budget", "1e5", "--json", name)
        assert status == 0, err
    found = [json.loads(Path(f"{number}.json").read_text())["best"]["best"]["parameters"] for number in range(3)]
    assert found[1] == pytest.approx(found[0], rel=1e-6) and found[2] == pytest.approx(found[0], rel=1e-6)


def test_unfinished_runs_do_not_price_the_others(table: pd.DataFrame) -> None:
    whole = planned("1e5", cost="seconds", table=table.assign(status="finished"))
    stopped = table.assign(seconds=1e-3, status="failed")
    mixed = planned("1e5", cost="seconds", table=pd.concat([table.assign(status="finished"), stopped]))
    assert mixed.cost.formula == whole.cost.formula
    assert "36 rows were left out, the first row 37: failed" in str(mixed)


def test_device_hours_are_those_of_all_devices_together(table: pd.DataFrame) -> None:
    one, four = (planned("300 h", device=name, utilisation=0.5, table=table) for name in ("a100", "a100x4"))
    assert one.best.best.budget == four.best.best.budget == pytest.approx(300 * 3600 * 312e12 * 0.5)
    assert "300 device-hours in all, that is 75 h on 4 devices" in str(four) and "in all" not in one.notes[-1]
    flops = planned("1.6848e20", device="a100x4", utilisation=0.5, table=table)
    assert "300 device-hours in all" in str(flops) and "a a100" not in str(flops)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--budget", "300 h", "--device", "a100", "--utilisation", "0"), "0 is no share of a peak"),
        (("--budget", "300 h", "--device", "a100", "--utilisation", "1.5"), "1.5 is no share of a peak"),
        (("--budget", "1e20", "--utilisation", "0.4"), "say of which, for example --device a100"),
        (("--budget", "300 h", "--device", "this"), "the peak of this machine is not known"),
        (("--budget", "300", "--cost", "seconds", "--device", "a100"), "runs are priced in seconds; leave it out"),
        (("--budget", "300 h", "--cost", "seconds", "--device", "a100"), "runs are priced in seconds"),
        (("--budget", "1.2.3"), "--budget: expected a finite number above 0"),
        (("--budget", ""), "--budget: expected a finite number above 0"),
        (("--budget", "1e400"), "--budget: expected a finite number above 0"),
        (("--budget", "5 PFLOPs"), "no unit is called 'PFLOPs'"),
        (("--budget", "1e300"), "1e+300 FLOPs lies 279 decades above"),
        (("--target-loss", "1e-3"), "no cheapest run for the target: target_loss: 0.001 is not above"),
        (("--target-loss", "0"), "target_loss: expected one finite number > 0"),
        (("--budget", "1e300", "--target-loss", "1e-3"), "no best split of the budget and no cheapest run"),
    ],
)
def test_what_cannot_be_planned_is_one_message_and_status_2(
    call: Call, arguments: tuple[str, ...], message: str
) -> None:
    status, out, err = call("plan", "runs.csv", *JOINT, *arguments)
    assert status == 2 and not out
    assert message in err and len(err.strip().splitlines()) == 1


def test_what_is_refused_beside_an_answer_is_told_in_the_plan(call: Call) -> None:
    status, out, err = call("plan", "runs.csv", *JOINT, "--budget", "1e20", "--target-loss", "1e-3")
    assert status == 0, err
    assert "none: target_loss: 0.001 is not above the law's floor" in out


def test_the_level_holds_for_every_part(table: pd.DataFrame) -> None:
    found = planned("1e20", table=table, target_loss=2.5, level=0.8)
    levels = [found.best.frontier.level, found.expected.level, found.here.level, found.target.level]
    assert [*levels, found.next_runs.level, planned("1e9 tokens", table=table, level=0.8).labels.level] == [0.8] * 6
    wide = planned("1e20", table=table).expected
    assert wide.low < found.expected.low and wide.level == 0.95
    assert str(found).count("80 % interval") >= 5


def test_the_largest_of_runs_of_equal_cost_is_the_best_one() -> None:
    compute = np.repeat(np.geomspace(1e17, 1e20, 4), 5)
    parameters = np.sqrt(compute / 120) * np.tile(np.geomspace(0.05, 20, 5), 4)
    data = compute / (6 * parameters) * np.tile([1, 1, 1, 1, 1.000001], 4)
    noise = np.exp(0.002 * stream(3, "cli plan").standard_normal(20))
    loss = (1.8172 + 477.8 / parameters**0.3473 + 2143.0 / data**0.3672) * noise
    found = planned("1e20", table=pd.DataFrame({"N": parameters, "tokens": data, "loss": loss}))
    tried = parameters[-5:]
    best = tried[np.argmin(1.8172 + 477.8 / tried**0.3473 + 2143.0 / data[-5:] ** 0.3672)]
    assert found.here.parameters == pytest.approx(best)


def test_next_runs_know_how_many_data_there_are() -> None:
    parameters, data, epochs = (
        part.ravel() for part in np.meshgrid(np.geomspace(1e6, 1e9, 5), np.geomspace(1e7, 1e9, 3), [1.0, 4.0])
    )
    worth = data * (1 + 15 * (1 - np.exp(-(epochs - 1) / 15)))
    noise = np.exp(0.002 * stream(4, "cli plan").standard_normal(30))
    loss = (1.8172 + 477.8 / parameters**0.3473 + 2143.0 / worth**0.3672) * noise
    table = pd.DataFrame({"N": parameters, "tokens": data, "times": epochs, "loss": loss})
    columns = TableColumns(parameters="N", data="tokens", epochs="times")
    found = chemscale.plan(table, columns, PlanRequest("1e19", max_data=1e8))
    assert found.next_runs and max(run.data for run in found.next_runs.runs) <= 1e8 * 1.001
    assert "1e+08 unique data" in found.next_runs.target


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("1e18", "FLOPs", Budget(1e18, "FLOPs")),
        (" 2.5E3 ", "seconds", Budget(2500.0, "seconds")),
        ("1e18FLOPs", "FLOPs", Budget(1e18, "FLOPs")),
        ("300 h", "FLOPs", Budget(300.0, "device-hours")),
        ("300 GPU hours", "gpu_hours", Budget(300.0, "gpu_hours")),
        ("300 h", "GPU hours", Budget(300.0, "GPU hours")),
        ("7 a100 days", "a100_days", Budget(7.0, "a100_days")),
        ("3 PFLOPs", "PFLOPs", Budget(3.0, "PFLOPs")),
        ("1e6 molecules", "FLOPs", Budget(1e6, "molecules")),
        ("1. tokens", "FLOPs", Budget(1.0, "tokens")),
    ],
)
def test_budgets_are_read(text: str, unit: str, expected: Budget) -> None:
    assert parse_budget(text, unit) == expected


@pytest.mark.parametrize(
    "text", ["", " ", "h", "1.2.3", "1,000", "-1", "+-1", "0", "0 h", "nan", "inf", "1e400", "1e3e3", "3 wishes", "1 2"]
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--budget"):
        parse_budget(text)


@pytest.mark.parametrize(
    ("column", "is_flops"),
    [
        ("flops", True),
        ("FLOP", True),
        ("training_flops", True),
        ("Training FLOP", True),
        ("train-FLOPs", True),
        ("trainFLOPs", True),
        ("compute (FLOPs)", True),
        ("PFLOPs", False),
        ("total PFLOPs", False),
        ("GFLOPs", False),
        ("petaFLOPs", False),
        ("peta_flops", False),
        ("P FLOPs", False),
        ("total exa flops", False),
        ("flops_per_second", False),
        ("floppy", False),
        ("seconds", False),
    ],
)
def test_only_whole_operations_are_flops(column: str, is_flops: bool) -> None:
    assert unit_of_column(column) == ("FLOPs" if is_flops else column)


def test_labels_say_in_which_unit_they_are_read(table: pd.DataFrame) -> None:
    other, same = planned("1e9 molecules", table=table), planned("1e9 tokens", table=table)
    assert "warning: the budget is read as 1e+09 of the table's data, 'tokens'" in str(other)
    assert "given in molecules" in str(other) and "given in" not in str(same)


def test_plan_is_public_and_names_its_errors(table: pd.DataFrame) -> None:
    assert "plan" in chemscale.__all__ and json.dumps(planned("1e20", table=table).to_dict())
    with pytest.raises(FitError, match="no best split of the budget"):
        planned("1e300", table=table)
