"""Log files as columns: separators, blanks, cut-off and broken lines."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import DataError
from chemscale.tpe.log_table import read_log, table_of_frame


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_reads_any_separator_and_keeps_line_numbers(tmp_path: Path, mark: str) -> None:
    text = "\n" + mark.join(["epoch ", " loss"]) + "\n" + mark.join(["0", "1.5"]) + "\n\n" + mark.join(["1", ""]) + "\n"
    table = read_log(write(tmp_path, "log.csv", text))
    assert list(table.columns) == ["epoch", "loss"]
    assert table.lines.tolist() == [3, 5]
    values, present = table.numbers("loss")
    assert present.tolist() == [True, False] and values[0] == 1.5


def test_nan_and_inf_are_numbers_and_blanks_are_not(tmp_path: Path) -> None:
    table = read_log(write(tmp_path, "log.csv", "epoch,loss\n0,nan\n0,-inf\n0,None\n0, \n"))
    values, present = table.numbers("loss")
    assert present.tolist() == [True, True, False, False]
    assert np.isnan(values[0]) and values[1] == -np.inf


def test_reads_json_lines_with_different_keys(tmp_path: Path) -> None:
    text = '{"epoch": 0, "loss": NaN}\n\n{"epoch": 1, "eval_loss": 2, "extra": [1]}\n'
    table = read_log(write(tmp_path, "log.jsonl", text))
    assert table.columns["loss"][1] is None and table.columns["eval_loss"] == [None, 2]
    assert table.columns["extra"] == [None, None]
    assert table.lines.tolist() == [1, 3]


@pytest.mark.parametrize(
    ("name", "text"),
    [("log.csv", "epoch,loss,lr\n0,1.5,1e-3\n0,1."), ("log.jsonl", '{"epoch": 0, "loss": 1.5}\n{"epoch": 0, "lo')],
)
def test_a_last_line_that_was_cut_off_is_left_out_with_a_note(tmp_path: Path, name: str, text: str) -> None:
    table = read_log(write(tmp_path, name, text))
    assert len(table) == 1 and "cut off" in table.notes[0]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "", "empty"),
        ("a.csv", "epoch,loss\n", "no rows"),
        ("a.csv", "epoch,loss\n0,1\n1\n2,3\n", "line 3: 1 fields, the header has 2"),
        ("a.csv", "epoch,loss,loss\n0,1,1\n", "`loss` appears twice"),
        ("a.csv", "0,2.31\n0,2.29\n", "no header"),
        ("a.jsonl", '{"epoch": 0}\nnot json\n{"epoch": 1}\n', "line 2: not a JSON object"),
        ("a.jsonl", "[1, 2]\n", "line 1: expected an object"),
    ],
)
def test_broken_files_name_the_line(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_log(write(tmp_path, name, text))


def test_a_cell_that_is_no_number_is_named(tmp_path: Path) -> None:
    table = read_log(write(tmp_path, "a.csv", "epoch,loss\n0,1\n1,1,5\n".replace("1,1,5", "1,abc")))
    with pytest.raises(DataError, match="line 3: `loss` is 'abc'"):
        table.numbers("loss")
    with pytest.raises(DataError, match="`x` is True"):
        table_of_frame(pd.DataFrame({"x": [True]})).numbers("x")


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_log(tmp_path / "absent.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(DataError, match="not a text file"):
        read_log(tmp_path / "b.csv")


def test_run_names_that_are_whole_numbers_have_no_point() -> None:
    table = table_of_frame(pd.DataFrame({"run": [1.0, 2.0, "b "]}))
    assert table.texts("run") == ["1", "2", "b"]
    with pytest.raises(DataError, match="`run` is empty"):
        table_of_frame(pd.DataFrame({"run": [1.0, None]})).texts("run")
