"""Curves of any program: columns, epochs from 0, 1 or as fractions, resumed logs, folders, divergence."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import DataError
from chemscale.tpe import curves_from_table, read_curves


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_table_with_a_run_column(tmp_path: Path) -> None:
    path = write(tmp_path, "c.csv", "run,epoch,train_loss\nb,0,3\na,0,5\nb,0,2\nb,1,1\na,0,4\na,1,2\n")
    curves = read_curves(path)
    assert [curve.run for curve in curves] == ["b", "a"]
    assert curves[0].losses.tolist() == [3, 2, 1] and curves[1].epochs.tolist() == [0, 0, 1]


def test_the_log_of_a_program_that_writes_blank_cells(tmp_path: Path) -> None:
    text = (
        "train_loss_step,epoch,step,val_loss,train_loss_epoch\n"
        "4,0,0,,\n3,0,1,,\n,0,1,2.5,\n,0,1,,3.5\n2,1,2,,\n1,1,3,,\n,1,3,1.5,\n,1,3,,1.5\n"
    )
    (curve,) = read_curves(write(tmp_path, "metrics.csv", text))
    assert curve.run == "metrics" and curve.losses.tolist() == [4, 3, 2, 1] and not curve.diverged
    assert curve.validation_progress.tolist() == [1, 2] and curve.validation_losses.tolist() == [2.5, 1.5]
    assert not curve.notes


def test_json_lines_with_the_completed_fraction_as_epoch(tmp_path: Path) -> None:
    text = (
        '{"loss": 4, "epoch": 0.5, "step": 5}\n{"loss": 3, "epoch": 1.0, "step": 10}\n'
        '{"eval_loss": 3.1, "epoch": 1.0, "step": 10}\n{"loss": 2, "epoch": 1.5, "step": 15}\n'
    )
    (curve,) = read_curves(write(tmp_path, "log.jsonl", text))
    assert curve.epochs.tolist() == [0, 0, 1] and curve.progress.tolist() == [0.5, 1, 1.5]
    assert curve.validation_progress.tolist() == [1] and curve.seen == 1.5


def test_a_fraction_that_begins_at_zero_is_where_the_step_began() -> None:
    table = pd.DataFrame({"epoch": [0.0, 0.5, 1.0, 1.5], "loss": [4, 3, 2, 1]})
    (curve,) = curves_from_table(table)
    assert curve.epochs.tolist() == [0, 0, 1, 1] and curve.progress.tolist() == [0.5, 1, 1.5, 2]


def test_epochs_from_one_are_counted_from_zero_for_all_runs_together() -> None:
    table = pd.DataFrame({"run": ["a", "a", "b", "b"], "epoch": [1, 2, 1, 2], "loss": [4, 3, 2, 1]})
    assert all(curve.epochs.tolist() == [0, 1] for curve in curves_from_table(table))
    table["epoch"] = [0, 1, 1, 2]
    with pytest.raises(DataError, match="run b: the log begins with epoch 1"):
        curves_from_table(table)


def test_holes_are_refused() -> None:
    with pytest.raises(DataError, match="no losses of epoch 1"):
        curves_from_table(pd.DataFrame({"epoch": [0, 2], "loss": [2, 1]}))


@pytest.mark.parametrize("with_step", [True, False])
def test_a_resumed_log_counts_its_later_rows(with_step: bool) -> None:
    table = pd.DataFrame(
        {
            "epoch": [0, 0, 1, 1, 2, 1, 1, 2],
            "step": [0, 1, 2, 3, 4, 2, 3, 4],
            "loss": [9, 8, 70, 60, 50, 7, 6, 5],
            "val_loss": [None, 8.5, None, 65, None, None, 6.5, None],
        }
    )
    (curve,) = curves_from_table(table if with_step else table.drop(columns="step"))
    assert curve.losses.tolist() == [9, 8, 7, 6, 5] and curve.epochs.tolist() == [0, 0, 1, 1, 2]
    assert curve.validation_losses.tolist() == [8.5, 6.5] and curve.validation_progress.tolist() == [1, 2]
    assert "3 logged steps were replaced" in curve.notes[0]


def test_a_resumed_log_drops_what_the_second_attempt_has_not_reached_yet() -> None:
    table = pd.DataFrame(
        {"epoch": [0, 0, 1, 1, 2, 2, 1], "step": [0, 1, 2, 3, 4, 5, 2], "loss": [6, 5, 40, 30, 20, 10, 4]}
    )
    (curve,) = curves_from_table(table)
    assert curve.losses.tolist() == [6, 5, 4]


def test_a_step_that_is_counted_anew_in_every_epoch() -> None:
    table = pd.DataFrame({"epoch": [0, 0, 1, 1, 1], "batch": [0, 1, 0, 0, 1], "loss": [4, 3, 20, 2, 1]})
    (curve,) = curves_from_table(table)
    assert curve.losses.tolist() == [4, 3, 2, 1]


def test_rows_in_another_order_are_sorted_by_step() -> None:
    table = pd.DataFrame({"epoch": [1, 1, 0, 0], "step": [3, 2, 1, 0], "loss": [1, 2, 3, 4]})
    assert curves_from_table(table)[0].losses.tolist() == [4, 3, 2, 1]
    table = pd.DataFrame({"epoch": list(range(9, -1, -1)), "loss": range(10)})
    with pytest.raises(DataError, match="not in the order of training"):
        curves_from_table(table)


def test_nan_and_inf_mean_divergence_and_so_do_blanks_that_end_a_log(tmp_path: Path) -> None:
    text = "run,epoch,loss\na,0,2\na,1,nan\nb,0,2\nb,1,inf\nc,0,2\nc,1,\nc,2,\nd,0,2\nd,1,\nd,2,1\n"
    curves = {
        curve.run: curve for curve in read_curves(write(tmp_path, "c.csv", text.replace("d,1,\n", "d,1,3\nd,1,\n")))
    }
    assert curves["a"].diverged_at == curves["b"].diverged_at == 2
    assert curves["c"].diverged_at == 2 and "blank" in curves["c"].notes[0]
    assert not curves["d"].diverged and curves["d"].losses.tolist() == [2, 3, 1]


def test_a_folder_with_one_run_a_file(tmp_path: Path) -> None:
    write(tmp_path, "x.csv", "epoch,loss\n0,2\n")
    write(tmp_path, "y.tsv", "epoch\tloss\n0\t3\n")
    write(tmp_path, "notes.txt", "not a log")
    assert [curve.run for curve in read_curves(tmp_path)] == ["x", "y"]
    for name in ("p", "q"):
        write(tmp_path / "lightning", f"{name}/metrics.csv", "epoch,loss\n0,2\n")
    assert [curve.run for curve in read_curves(tmp_path / "lightning")] == ["p", "q"]


def test_settings_are_the_columns_that_never_change_within_a_run() -> None:
    table = pd.DataFrame(
        {
            "run": ["a", "a", "b", "b"],
            "epoch": [0, 1, 0, 1],
            "loss": [2, 1, 4, 3],
            "lr": [0.1, 0.1, 0.2, 0.2],
            "seed": [0, 0, 1, 1],
            "seconds": [1.0, 2.0, 1.0, 2.0],
        }
    )
    first, second = curves_from_table(table)
    assert first.settings == {"lr": "0.1", "seed": "0"} and second.settings == {"lr": "0.2", "seed": "1"}


def test_a_per_step_loss_is_taken_before_a_per_epoch_one_and_names_can_be_given() -> None:
    table = pd.DataFrame(
        {"Epoch": [0], "train/loss_epoch": [5.0], "train/loss_step": [4.0], "my": [3.0], "run_id": [7]}
    )
    (curve,) = curves_from_table(table)
    assert curve.losses.tolist() == [4] and curve.run == "7"
    (curve,) = curves_from_table(table, loss="my", validation="train/loss_epoch")
    assert curve.losses.tolist() == [3] and curve.validation_losses.tolist() == [5]


@pytest.mark.parametrize(
    ("text", "named", "words"),
    [
        ("epoch,accuracy\n0,1\n", {}, "no training loss column found among `epoch`, `accuracy`"),
        ("step,loss\n0,1\n", {}, "no epoch column found"),
        ("epoch,loss\n0,1\n", {"loss": "nll"}, "no column `nll` for loss"),
        ("epoch,loss\n,1\n", {}, "line 2: `epoch` is empty"),
        ("epoch,loss\n-1,1\n", {}, "line 2: `epoch` is -1"),
        ("run,epoch,loss,val_loss\na,0,1,\nb,0,,2\n", {}, "run `b` has no training loss"),
        ("run,epoch,loss\n,0,1\n", {}, "line 2: `run` is empty"),
    ],
)
def test_bad_logs_say_what_is_wrong(tmp_path: Path, text: str, named: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_curves(write(tmp_path, "c.csv", text), **named)


def test_nothing_to_read_and_one_name_twice(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_curves(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="no curves"):
        read_curves(tmp_path)
    one = write(tmp_path, "1/c.csv", "run,epoch,loss\na,0,1\n")
    two = write(tmp_path, "2/c.csv", "run,epoch,loss\na,0,1\n")
    with pytest.raises(DataError, match="run `a` is in more than one file"):
        read_curves([one, two])
    with pytest.raises(DataError, match="no rows"):
        curves_from_table(pd.DataFrame({"epoch": [], "loss": []}))


def test_many_runs_of_many_steps_keep_their_own_rows() -> None:
    runs, epochs = np.meshgrid(np.arange(20), np.arange(5), indexing="ij")
    table = pd.DataFrame({"run": runs.ravel(), "epoch": epochs.ravel(), "loss": runs.ravel() * 10 + epochs.ravel()})
    curves = curves_from_table(table.sample(frac=1, random_state=0).sort_values("epoch", kind="stable"))
    assert {curve.run: curve.losses[2] for curve in curves} == {str(run): run * 10 + 2 for run in range(20)}
