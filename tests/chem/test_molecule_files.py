"""Molecule files: kinds, compressions, guessed columns, and what is wrong with a file."""

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import pytest

from chemscale.base.errors import DataError
from chemscale.chem.molecule_files import count_lines, file_layout, read_smiles


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("plain.smi", "CCO\nCCN\n", [(1, "CCO"), (2, "CCN")]),
        ("named.smi", "CCO ethanol\nCCN\tamine x\n", [(1, "CCO"), (2, "CCN")]),
        ("blank.smi", "CCO\n\n  \n# a comment\nCCN", [(1, "CCO"), (5, "CCN")]),
        ("header.smi", "smiles id\nCCO 1\n", [(2, "CCO")]),
        ("windows.smi", "CCO\r\nCCN\r\n", [(1, "CCO"), (2, "CCN")]),
        ("mark.csv", b"\xef\xbb\xbfsmiles,id\nCCO,1\n", [(2, "CCO")]),
        ("last.csv", "id,name,SMILES\n1,a,CCO\n", [(2, "CCO")]),
        ("semicolon.csv", "id;Canonical_SMILES\n1;CCO\n", [(2, "CCO")]),
        ("tab.tsv", "id\tmol\n1\tCCO\n", [(2, "CCO")]),
        ("table.txt", "id\tsmiles\n1\tCCO\n", [(2, "CCO")]),
        ("list.txt", "CCO\nCCN\n", [(1, "CCO"), (2, "CCN")]),
        ("guessed.csv", "id,thing\n1,CCO\n2,c1ccccc1\n3,oops\n", [(2, "CCO"), (3, "c1ccccc1"), (4, "oops")]),
        ("bare.csv", "CCO,1\nCCN,2\n", [(1, "CCO"), (2, "CCN")]),
        ("short.csv", "id,smiles\n1,CCO\n2\n", [(2, "CCO"), (3, "")]),
        ("multiline.csv", 'smiles,x\n"CCO\n",1\n"CCN\n",2\n', [(3, "CCO"), (5, "CCN")]),
        ("open.csv", 'smiles,x\n"CCO,1\nCCN,2\nCCC,3\n', [(2, "CCO,1"), (3, "CCN"), (4, "CCC")]),
        ("inch.csv", 'name,smiles\n5" pipe,CCO\nx,CCN\n6" pipe,CCC\n', [(2, "CCO"), (3, "CCN"), (4, "CCC")]),
        ("latin.smi", b"CC\xff\nCCO\n", [(1, "CC\ufffd"), (2, "CCO")]),
    ],
)
def test_molecules_come_with_their_line_numbers(
    tmp_path: Path, name: str, content: str | bytes, expected: list[tuple[int, str]]
) -> None:
    assert list(read_smiles(written(tmp_path, name, content))) == expected


def test_compressed_files_are_known_by_content(tmp_path: Path) -> None:
    text = b"smiles,id\nCCO,1\n"
    for name, content in (
        ("a.csv.gz", gzip.compress(text)),
        ("a.csv.xz", lzma.compress(text)),
        ("a.csv.bz2", bz2.compress(text)),
        ("named_plain.csv", gzip.compress(text)),
    ):
        path = written(tmp_path, name, content)
        assert list(read_smiles(path)) == [(2, "CCO")]
        assert count_lines(path) == 2


def test_a_zip_with_one_file_is_read_and_one_with_two_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("list.txt", "CCO\nCCN\n")
    assert list(read_smiles(path)) == [(1, "CCO"), (2, "CCN")]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.txt", "CCC\n")
    with pytest.raises(DataError, match=r"list\.txt, more\.txt"):
        file_layout(path)


def test_a_column_is_taken_by_name_or_number(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "smiles,product\nCCO,CC=O\n")
    assert list(read_smiles(path, "product")) == list(read_smiles(path, "PRODUCT")) == [(2, "CC=O")]
    assert list(read_smiles(path, "2")) == [(2, "CC=O")]
    bare = written(tmp_path, "b.csv", "1,CCO\n2,CCN\n")
    assert list(read_smiles(bare, "2")) == [(1, "CCO"), (2, "CCN")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "\n\n", "is empty"),
        ("a.csv", "name,value\nx,1\n", r"no column holds SMILES.*'name', 'value'"),
        ("a.smi", b"\x00\x01\x02", "binary"),
        ("a.sdf", "CCO\n", r"kind '\.sdf'.*allowed"),
        ("a.csv", "smiles\nCCO\n".encode("utf-16"), "UTF-16"),
        ("a.csv.gz", gzip.compress(b"smiles\nCCO\n")[:-12], "damaged or cut short"),
        ("a.csv.gz", b"\x1f\x8b not really", "damaged or cut short|cannot be read"),
        ("a.csv.xz", lzma.compress(b"smiles\nCCO\n")[:-10], "damaged or cut short"),
        ("a.csv.zst", b"\x28\xb5\x2f\xfdxxxx", "zstd"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(DataError, match=message) as caught:
        list(read_smiles(path))
    assert name in str(caught.value)


def test_a_missing_column_names_those_seen(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,smiles\n1,CCO\n")
    with pytest.raises(DataError, match=r"no column 'mol'; columns seen: 'id', 'smiles'"):
        read_smiles(path, "mol")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_smiles(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="folder"):
        read_smiles(tmp_path)


def test_damage_in_the_middle_says_after_which_line(tmp_path: Path) -> None:
    whole = gzip.compress("".join(f"{'C' * (i % 50 + 1)}O name{i * 7919}\n" for i in range(60_000)).encode())
    path = written(tmp_path, "a.smi.gz", whole[: len(whole) // 2])
    lines = []
    with pytest.raises(DataError, match=r"damaged or cut short after line [\d,]+"):
        lines.extend(read_smiles(path))
    assert file_layout(path).delimiter is None
