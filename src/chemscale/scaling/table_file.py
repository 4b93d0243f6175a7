"""Tables of runs from anyone's file: read, and their columns found and turned into numbers."""

import json
import re
from csv import QUOTE_NONE
from pathlib import Path

import numpy as np
import pandas as pd

from chemscale.base.config import nearest
from chemscale.base.errors import DataError, FitError

DELIMITERS = (",", "\t", ";", "|")
_FACTORS = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
_NUMBER = re.compile(r"^\s*([+-]?[0-9.]+(?:e[+-]?[0-9]+)?)\s*([kmbgt])?\s*$", re.IGNORECASE)

_THOUSANDS = re.compile(r"^\s*[0-9]{1,3}(,[0-9]{3})+\s*$")


def read_table(path: Path) -> pd.DataFrame:
    """Read a table with one row per run: .csv, .tsv, .txt (any common delimiter), .json, .jsonl; also .gz, .xz, .zip.

    Raises:
        DataError: the file is missing, empty or no table.
    """
    if path.is_dir():
        raise DataError(f"{path}: is a folder, expected a table (.csv, .tsv, .jsonl) or the folder of a study")
    if not path.exists():
        raise DataError(f"{path}: no such file")
    kind = "".join(path.suffixes[-2:]).lower()
    try:
        table = _read_json(path) if ".json" in kind else _read_delimited(path)
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: the file is empty, expected a header line and one line per run") from None
    except (pd.errors.ParserError, UnicodeDecodeError, ValueError, OSError, EOFError) as error:
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


def _read_json(path: Path) -> pd.DataFrame:
    text = path.read_text()
    rows = (
        json.loads(text) if text.lstrip().startswith("[") else [json.loads(x) for x in text.splitlines() if x.strip()]
    )
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("expected a list of objects, one per run")
    return pd.DataFrame(rows)


def _read_delimited(path: Path) -> pd.DataFrame:
    """Read a file whose delimiter its header shows; with semicolons, 2,5 means two and a half."""
    lines = pd.read_csv(
        path, nrows=50, header=None, sep="\0", engine="python", dtype=str, comment="#", quoting=QUOTE_NONE
    )
    head = str(lines.iloc[0, 0])
    delimiter = max(DELIMITERS, key=head.count)
    if not head.count(delimiter):
        raise ValueError(f"one column only ({head[:60]!r}): the columns must be divided by commas, tabs or semicolons")
    rows = " ".join(lines.iloc[1:, 0].astype(str))
    decimal = "," if delimiter == ";" and "," in rows and "." not in rows else "."
    return pd.read_csv(path, sep=delimiter, decimal=decimal, comment="#", skipinitialspace=True)
