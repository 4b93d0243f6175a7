"""`chemscale fit` and `chemscale plan` as a user types them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chemscale.base.seeds import stream

Call = Callable[..., tuple[int, str, str]]
TRUTH = {"E": 1.8172, "A": 477.8, "B": 2143.0, "alpha": 0.3473, "beta": 0.3672}


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command_line: Call) -> Call:
    """Calls the command line in a folder with tables: `exact.csv` and, with 0.5 % noise, `runs.csv`."""
    monkeypatch.chdir(tmp_path)
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 1e11, 6)))
    loss = TRUTH["E"] + TRUTH["A"] / n ** TRUTH["alpha"] + TRUTH["B"] / d ** TRUTH["beta"]
    noise = np.exp(0.005 * stream(0, "cli laws").standard_normal(len(n)))
    table = pd.DataFrame({"Model size": n, "tokens": d, "GPU hours": 1e-17 * 6 * n * d, "final loss": loss})
    table.to_csv("exact.csv", index=False)
    table.assign(**{"final loss": loss * noise}).to_csv("runs.csv", index=False)
    return command_line


JOINT = ("--parameters", "Model size", "--data", "tokens", "--y", "final loss")


def test_the_additive_law_comes_back_from_its_own_points(call: Call) -> None:
    status, out, _ = call("fit", "exact.csv", *JOINT, "--law", "additive", "--json", "out.json")
    assert status == 0 and "E + A/N^alpha + B/D^beta" in out
    found = json.loads(Path("out.json").read_text())
    assert found["law"] == "additive"
    assert found["parameters"] == pytest.approx(TRUTH, rel=1e-6)


def test_groups_come_as_a_list(call: Call) -> None:
    status, _, _ = call(
        "fit", "runs.csv", "--x", "model_size", "--y", "final_loss", "--group", "tokens", "--json", "o.json"
    )
    found = json.loads(Path("o.json").read_text())
    assert status == 0 and len(found["fits"]) == 6
    assert all(0 < one["parameters"]["beta"] < 0.35 for one in found["fits"])


def test_laws_are_compared_forecast_tested_and_drawn(call: Call) -> None:
    extras = ("--compare", "--at", "1e10,1e12", "--selftest", "--json", "o.json", "--figure", "law.svg")
    status, out, err = call("fit", "runs.csv", *JOINT, *extras)
    assert status == 0, err
    found = json.loads(Path("o.json").read_text())
    assert {"comparison", "forecast", "selftest"} <= set(found)
    assert "pre-training loss only" in out and "kaplan" in out
    assert Path("law.svg").read_text().startswith("<svg")


def test_a_folder_gets_every_figure(call: Call) -> None:
    status, _, err = call("fit", "runs.csv", *JOINT, "--figure", "pictures")
    names = {path.name for path in Path("pictures").iterdir()}
    assert status == 0, err
    assert {"additive-loss_surface.svg", "additive-residuals.svg", "additive-profiles.svg"} <= names


def test_a_budget_is_split_as_the_closed_form_says(call: Call) -> None:
    status, out, err = call("plan", "exact.csv", *JOINT, "--budget", "1e21", "--json", "p.json")
    assert status == 0, err
    a, b = TRUTH["alpha"], TRUTH["beta"]
    best = (a * TRUTH["A"] / (b * TRUTH["B"])) ** (1 / (a + b)) * (1e21 / 6) ** (b / (a + b))
    plan = json.loads(Path("p.json").read_text())
    assert plan["best"]["best"]["parameters"]["value"] == pytest.approx(best, rel=1e-5)
    assert "pre-training loss only" in out


@pytest.mark.parametrize(
    "budget", [("--budget", "300 h", "--device", "a100x8"), ("--budget", "1e9 molecules"), ("--target-loss", "2.1")]
)
def test_budgets_come_in_many_units(call: Call, budget: tuple[str, ...]) -> None:
    status, out, err = call("plan", "runs.csv", *JOINT, *budget)
    assert status == 0, err
    assert "pre-training loss only" in out


def test_a_measured_cost_takes_the_place_of_six_n_d(call: Call) -> None:
    status, _, err = call("plan", "exact.csv", *JOINT, "--cost", "gpu hours", "--budget", "1e4", "--json", "p.json")
    assert status == 0, err
    measured = json.loads(Path("p.json").read_text())["best"]["best"]["parameters"]["value"]
    call("plan", "exact.csv", *JOINT, "--budget", "1e21", "--json", "q.json")
    counted = json.loads(Path("q.json").read_text())["best"]["best"]["parameters"]["value"]
    assert measured == pytest.approx(counted, rel=1e-3)


def test_a_preset_is_priced_before_it_is_run(call: Call) -> None:
    status, out, err = call("plan", "frey2023/chemgpt-paper", "--device", "v100x2", "--json", "p.json")
    assert status == 0, err
    assert "1.21B" in out and "device-hours" in out
    assert json.loads(Path("p.json").read_text())["training_flops"] > 1e19


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit", "none.csv", "--x", "n"), "none.csv: no such file"),
        (("fit", "exact.csv"), "say what the loss is fitted against"),
        (("fit", "exact.csv", *JOINT, "--figure", "a.jpg"), ".jpg"),
        (("fit", "exact.csv", *JOINT, "--at", "a,b"), "--at"),
        (("fit", "exact.csv", *JOINT, "--range", "1,2"), "only the power law"),
        (("plan", "exact.csv", *JOINT), "say what to plan"),
        (("plan", "exact.csv", *JOINT, "--budget", "300 h"), "need --device"),
        (("plan", "exact.csv", *JOINT, "--budget", "many"), "--budget"),
        (("plan", "demo", "--budget", "1e9"), "no table of runs"),
        (("plan", "demo", "--device", "v1000"), "did you mean 'v100'"),
    ],
)
def test_mistakes_are_one_message_and_status_2(call: Call, arguments: tuple[str, ...], message: str) -> None:
    status, _, err = call(*arguments)
    assert status == 2
    assert message in err and len(err.strip().splitlines()) == 1


def test_fitting_a_table_never_loads_torch(tmp_path: Path) -> None:
    pd.DataFrame({"n": [1e5, 1e6, 1e7, 1e8], "loss": [3, 2.5, 2.1, 1.8]}).to_csv(tmp_path / "t.csv", index=False)
    code = (
        "import sys; sys.argv = ['chemscale', 'fit', 't.csv', '--x', 'n']\n"
        "from chemscale.cli import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules or 'altair' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)


def plateau(path: Path) -> None:
    """Eleven sizes, the last four on a floor."""
    n = np.geomspace(1e4, 1e9, 11)
    noise = np.exp(0.003 * stream(0, "plateau").standard_normal(11))
    pd.DataFrame({"n": n, "loss": np.maximum(20 * n**-0.25, 0.42) * noise}).to_csv(path, index=False)


def test_laws_are_compared_on_all_points_and_a_left_out_end_is_not_forecast(call: Call) -> None:
    plateau(Path("plateau.csv"))
    status, out, err = call("fit", "plateau.csv", "--x", "n", "--compare", "--json", "o.json")
    found = json.loads(Path("o.json").read_text())
    assert status == 0, err
    assert found["left_out"] and "power is best" not in out
    ranked = [score["law"] for score in found["comparison"]["scores"]]
    assert ranked[0] != "power"
    status, _, err = call("fit", "plateau.csv", "--x", "n", "--at", "1e10")
    assert status == 2 and "--law saturating" in err


def test_what_cannot_be_written_is_said_before_the_work(call: Call) -> None:
    for place in (".", "exact.csv/out.json"):
        status, out, err = call("fit", "exact.csv", *JOINT, "--json", place)
        assert status == 2 and out == "" and place.split("/")[0] in err


def test_forecasts_take_as_many_sizes_as_the_law(call: Call) -> None:
    status, _, err = call("fit", "runs.csv", *JOINT, "--at", "1e9,1e10", "--at", "1e9")
    assert status == 2 and "parameters,data, 2 numbers; got 1" in err
