"""Tables from anyone's file: delimiters, decimal commas, readable numbers, and what is refused."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import DataError, FitError
from chemscale.scaling.table_file import find_column, number_column, read_table


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "n,loss\n70000000,2.5\n1400000000,2.25\n"),
        ("a.tsv", "n\tloss\n70000000\t2.5\n1400000000\t2.25\n"),
        ("a.txt", "# made by hand\nn | loss\n70000000 | 2.5\n1400000000 | 2.25\n"),
        ("a.csv", 'n,loss\n"70,000,000",2.5\n"1,400,000,000",2.25\n'),
        ("a.csv", '"n","loss"\n70M,2.5\n1.4B,2.25\n'),
        ("a.csv", "n;loss\n70000000;2,5\n1400000000;2,25\n"),
        ("a.csv", "\ufeffn,loss\n7e7,2.5\n1.4e9,2.25\n"),
        ("a.jsonl", '{"n": 7e7, "loss": 2.5}\n{"n": 1.4e9, "loss": 2.25}\n'),
        ("a.json", '[{"n": "70M", "loss": 2.5}, {"n": "1.4B", "loss": 2.25}]'),
    ],
)
def test_reads_what_people_write(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    table = read_table(tmp_path / name)
    np.testing.assert_allclose(number_column(table, "n"), [7e7, 1.4e9])
    np.testing.assert_allclose(number_column(table, "loss"), [2.5, 2.25])


def test_reads_compressed_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"n,loss\n1,2\n3,4\n"))
    assert read_table(tmp_path / "a.csv.gz")["loss"].tolist() == [2, 4]


@pytest.mark.parametrize("text", ["", "n,loss\n", "only one column\n1\n", "[1, 2]"])
def test_refuses_what_is_no_table(tmp_path: Path, text: str) -> None:
    path = tmp_path / ("a.json" if text.startswith("[") else "a.csv")
    path.write_text(text)
    with pytest.raises(DataError, match=r"a\.(csv|json)"):
        read_table(path)


def test_refuses_folders_missing_and_binary_files(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(bytes(range(128, 256)) * 10)
    for path, reason in (
        (tmp_path, "folder"),
        (tmp_path / "no.csv", "no such file"),
        (tmp_path / "binary.csv", "read"),
    ):
        with pytest.raises(DataError, match=reason):
            read_table(path)


def test_what_is_no_number_is_nan() -> None:
    table = pd.DataFrame({"n": ["12", "about 5", None, "1,2", "3 K"]})
    np.testing.assert_allclose(number_column(table, "n"), [12, np.nan, np.nan, np.nan, 3000])


def test_columns_are_found_as_people_call_them() -> None:
    table = pd.DataFrame(columns=["Model Size", "val_loss", "A b", "a_b"])
    assert find_column(table, "model size", "--x") == "Model Size"
    assert find_column(table, "model_size", "--x") == "Model Size"
    assert find_column(table, "A b", "--x") == "A b"
    with pytest.raises(FitError, match="--x: the table has no column 'ab'"):
        find_column(table, "ab", "--x")  # two columns could be meant
    with pytest.raises(FitError, match="did you mean 'val_loss'"):
        find_column(table, "val_los", "--y")


def test_only_whole_lines_are_comments(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("# a note\nn,colour,loss\n1e5,#faebdd,2.5\n1e6,#f8d1b8,2.25\n")
    table = read_table(tmp_path / "a.csv")
    assert table["loss"].tolist() == [2.5, 2.25] and table["colour"].tolist() == ["#faebdd", "#f8d1b8"]


@pytest.mark.parametrize(
    ("text", "sizes", "losses"),
    [
        ("n\tloss\n100000\t2,513\n1000000\t2,25\n", [1e5, 1e6], [2.513, 2.25]),
        ("n\tloss\n70,000,000\t2.5\n140,000,000\t2.25\n", [7e7, 1.4e8], [2.5, 2.25]),
        ("n, of model\tloss\n1e5\t2.5\n1e6\t2.25\n", [1e5, 1e6], [2.5, 2.25]),
    ],
)
def test_commas_in_tab_files(tmp_path: Path, text: str, sizes: list[float], losses: list[float]) -> None:
    (tmp_path / "a.tsv").write_text(text)
    table = read_table(tmp_path / "a.tsv")
    np.testing.assert_allclose(number_column(table, table.columns[0]), sizes)
    np.testing.assert_allclose(number_column(table, "loss"), losses)


def test_reads_compressed_json_lines(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"n": 1, "loss": 2}\n{"n": 3, "loss": 4}\n'))
    assert read_table(tmp_path / "a.jsonl.gz")["n"].tolist() == [1, 3]
    (tmp_path / "b.csv.gz").write_bytes(b"not packed")
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / "b.csv.gz")
