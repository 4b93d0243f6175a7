"""Tables of runs from anyone's file: read, and their columns found and turned into numbers."""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
from pathlib import Path

import numpy as np
import pandas as pd

from chemscale.base.config import nearest
from chemscale.base.errors import DataError, FitError

DELIMITERS = (",", "\t", ";", "|")
SNIFFED = 50  # lines that show the delimiter and the decimal sign
_UNPACK = {".gz": gzip.decompress, ".xz": lzma.decompress, ".bz2": bz2.decompress}
_FACTORS = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
_NUMBER = re.compile(r"^\s*([+-]?[0-9.]+(?:e[+-]?[0-9]+)?)\s*([kmbgt])?\s*$", re.IGNORECASE)

_THOUSANDS = re.compile(r"^\s*[0-9]{1,3}(,[0-9]{3})+\s*$")


def read_table(path: Path) -> pd.DataFrame:
    """Read a table with one row per run: .csv, .tsv, .txt (any common delimiter), .json, .jsonl; also .gz, .xz, .bz2.

    Raises:
        DataError: the file is missing, empty or no table.
    """
    if path.is_dir():
        raise DataError(f"{path}: is a folder, expected a table (.csv, .tsv, .jsonl) or the folder of a study")
    if not path.exists():
        raise DataError(f"{path}: no such file")
    kind = "".join(path.suffixes[-2:]).lower()
    try:
        text = _text(path)
        table = _read_json(text) if ".json" in kind else _read_delimited(text)
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: the file is empty, expected a header line and one line per run") from None
    except (
        pd.errors.ParserError,
        UnicodeDecodeError,
        ValueError,
        OSError,
        EOFError,
        lzma.LZMAError,
        csv.Error,
    ) as error:
        raise DataError(f"{path}: cannot be read as a table: {str(error).strip()}") from None
    table.columns = [str(name).strip() for name in table.columns]
    if not len(table):
        raise DataError(f"{path}: has a header ({', '.join(map(str, table.columns))}) and no rows")
    return table


def find_column(table: pd.DataFrame, name: str, flag: str) -> str:
    """The column called `name`; upper and lower case, spaces and underscores do not matter where that is unambiguous.

    Raises:
        FitError: there is no such column; the message names the nearest.
    """
    columns = [str(column) for column in table.columns]
    if name in columns:
        return name
    same = [column for column in columns if plain_name(column) == plain_name(name)]
    if len(same) == 1:
        return same[0]
    raise FitError(f"{flag}: the table has no column {name!r}{nearest(name, columns)}")


def number_column(table: pd.DataFrame, column: str) -> np.ndarray:
    """A column as floats [n_rows]; `1,000,000`, `70M` and `1.4B` are read as people mean them, the rest is NaN."""
    values = table[column]
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=float)
    return np.array([_number(value) for value in values])


def _number(value: object) -> float:
    if isinstance(value, int | float):
        return float(value)
    text = str(value)
    match = _NUMBER.match(text.replace(",", "") if _THOUSANDS.match(text) else text)
    if not match:
        return float("nan")
    try:
        return float(match[1]) * _FACTORS.get((match[2] or "").lower(), 1.0)
    except ValueError:
        return float("nan")


def plain_name(name: str) -> str:
    """A column's name without what people write in many ways: case, spaces, underscores, hyphens."""
    return re.sub(r"[\s_\-]+", "", name).lower()


def _text(path: Path) -> str:
    """The file's text without lines that begin with `#`."""
    content = path.read_bytes()
    if path.suffix.lower() in _UNPACK:
        content = _UNPACK[path.suffix.lower()](content)
    lines = content.decode("utf-8-sig").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def _read_json(text: str) -> pd.DataFrame:
    rows = (
        json.loads(text) if text.lstrip().startswith("[") else [json.loads(x) for x in text.splitlines() if x.strip()]
    )
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("expected a list of objects, one per run")
    return pd.DataFrame(rows)


def _read_delimited(text: str) -> pd.DataFrame:
    """Read a table whose delimiter its first lines show."""
    lines = [line for line in text.splitlines() if line.strip()][:SNIFFED]
    if not lines:
        raise pd.errors.EmptyDataError
    cut = {delimiter: [len(row) for row in csv.reader(lines, delimiter=delimiter)] for delimiter in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda d: (cut[d][0] > 1, cut[d].count(cut[d][0]), cut[d][0]))
    if cut[delimiter][0] < 2:
        raise ValueError(
            f"one column only ({lines[0][:60]!r}): the columns must be divided by commas, tabs or semicolons"
        )
    decimal = "," if delimiter != "," and _has_decimal_commas(" ".join(lines[1:])) else "."
    return pd.read_csv(io.StringIO(text), sep=delimiter, decimal=decimal, skipinitialspace=True)


def _has_decimal_commas(text: str) -> bool:
    """Whether commas stand for decimal points: no point stands anywhere, and no number has two commas."""
    return "," in text and "." not in text and not re.search(r"[0-9],[0-9]+,", text)
