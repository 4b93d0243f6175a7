"""Tables of molecules: rows, order, other columns, and what is wrong with a file."""

import lzma
from pathlib import Path

import pytest

from chemscale.base.errors import DataError
from chemscale.chem.molecule_files import read_smiles
from chemscale.chem.molecule_table import read_molecule_table


def test_rows_keep_their_order_lines_and_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('name,smiles,y\n"a, b",CCO,1.5\n\nc,CC,\nd,C\n')
    table = read_molecule_table(path)
    assert table.smiles == ("CCO", "CC", "C") and table.lines == (2, 4, 5) and len(table) == 3
    assert list(table.columns.columns) == ["name", "y"]
    assert table.columns["name"].tolist() == ["a, b", "c", "d"]
    assert table.columns["y"].tolist() == ["1.5", "", ""]


def test_rows_can_be_taken_and_limited(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.xz"
    path.write_bytes(lzma.compress(b"smiles\ty\nCCO\t1\nCC\t2\nC\t3\n"))
    taken = read_molecule_table(path).take([2, 0])
    assert taken.smiles == ("C", "CCO") and taken.lines == (4, 2) and taken.columns["y"].tolist() == ["3", "1"]
    assert len(read_molecule_table(path, limit=2)) == 2


def test_a_list_of_molecules_has_numbered_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.smi"
    path.write_text("CCO ethanol\nCC\n")
    table = read_molecule_table(path)
    assert table.smiles == ("CCO", "CC") and table.columns["2"].tolist() == ["ethanol", ""]


def test_a_column_is_found_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("smiles,other\nCCO,C\n")
    table = read_molecule_table(path, column="other")
    assert table.smiles == ("C",) and list(table.columns.columns) == ["smiles"]


def test_wrong_files_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("smiles,y\n")
    with pytest.raises(DataError, match="no rows"):
        read_molecule_table(path)
    with pytest.raises(DataError, match="is a folder"):
        read_molecule_table(tmp_path)
    with pytest.raises(DataError, match="no column 'x'"):
        read_molecule_table(path, column="x")
    path.write_text("smiles,y,y\nCCO,1,2\n")
    with pytest.raises(DataError, match=r"columns 2, 3 are all called 'y'"):
        read_molecule_table(path)


def test_columns_without_a_name_have_their_number(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("smiles,,\nCCO,1,2\n")
    assert list(read_molecule_table(path).columns.columns) == ["2", "3"]


@pytest.mark.parametrize("n_rows", [102, 20_000])
def test_an_open_quote_swallows_no_rows(tmp_path: Path, n_rows: int) -> None:
    path = tmp_path / "a.csv"
    path.write_text("smiles,name\n" + "".join(f"CCO,{'5' + chr(34) if row == 1 else row}\n" for row in range(n_rows)))
    table = read_molecule_table(path)
    assert len(table) == n_rows and list(zip(table.lines, table.smiles, strict=True)) == list(read_smiles(path))


def test_an_open_quote_at_the_start_of_a_cell_swallows_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('smiles,name\nCCO,"open\n' + "CC,name of some length\n" * 20_000)
    table = read_molecule_table(path)
    assert len(table) == 20_001 and list(zip(table.lines, table.smiles, strict=True)) == list(read_smiles(path))
