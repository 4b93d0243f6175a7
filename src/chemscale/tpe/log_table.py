"""Training logs as columns: CSV, TSV and JSON lines of any program, with line numbers for the messages."""

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from chemscale.base.errors import DataError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
MISSING_TEXT = {"", "na", "n/a", "none", "null", "-"}


@dataclass(frozen=True, eq=False)
class LogTable:
    """One log as text or numbers by column.

    Attributes:
        source: what messages call it.
        columns: name -> [n_rows] values; None where the cell is empty.
        lines: [n_rows], the line of each row in the file.
        notes: what was passed over, such as a last line that was cut off.
    """

    source: str
    columns: dict[str, list[Any]]
    lines: np.ndarray
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def numbers(self, column: str) -> tuple[np.ndarray, np.ndarray]:
        """A column as numbers -> (values [n_rows], present [n_rows]); NaN and infinity count as present.

        Raises:
            DataError: a cell is neither a number nor empty; the message names the line.
        """
        cells = self.columns[column]
        present = np.array([cell is not None for cell in cells], dtype=bool)
        values = np.full(len(cells), math.nan)
        for row in np.flatnonzero(present):
            values[row] = self._number(cells[row], column, int(row))
        return values, present

    def texts(self, column: str) -> list[str]:
        """A column as texts; whole numbers without their point, so that 1 and 1.0 are one run.

        Raises:
            DataError: a cell is empty.
        """
        out = []
        for row, cell in enumerate(self.columns[column]):
            if cell is None:
                raise DataError(f"{self.source}, line {self.lines[row]}: `{column}` is empty. Every row needs its run.")
            whole = isinstance(cell, float) and cell.is_integer()
            out.append(str(int(cell)) if whole else str(cell).strip())
        return out

    def _number(self, cell: Any, column: str, row: int) -> float:
        try:
            if isinstance(cell, bool):
                raise ValueError
            return float(cell)
        except (TypeError, ValueError):
            raise DataError(
                f"{self.source}, line {self.lines[row]}: `{column}` is {cell!r}, expected a number such as 2.31"
            ) from None


def read_log(path: Path) -> LogTable:
    """Read one file: comma, semicolon or tab separated with a header, or one JSON object a line.

    Empty lines are passed over. A last line that was cut off while it was written is left out, with a note.

    Raises:
        DataError: the file is missing, empty, or broken; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a text file. Expected CSV, TSV or JSON lines.") from None
    if not text.strip():
        raise DataError(f"{path}: empty. Expected a log with at least the columns epoch and a training loss.")
    as_json = path.suffix.lower() in (".jsonl", ".ndjson") or text.lstrip().startswith("{")
    table = _json_lines(path, text) if as_json else _separated(path, text)
    if not len(table):
        raise DataError(f"{path}: a header and no rows")
    return table


def table_of_frame(frame: pd.DataFrame, source: str = "table") -> LogTable:
    """A pandas table as a log; NaN cells count as empty, and rows are counted from 1."""
    columns = {}
    for name in frame.columns:
        empty = frame[name].isna().to_numpy()
        cells = frame[name].tolist()
        columns[str(name)] = [None if gone else cell for cell, gone in zip(cells, empty, strict=True)]
    if not len(frame):
        raise DataError(f"{source}: no rows")
    return LogTable(source, columns, np.arange(1, len(frame) + 1))


def _separated(path: Path, text: str) -> LogTable:
    lines = text.splitlines()
    first = next(index for index, line in enumerate(lines) if line.strip())
    mark = _separator(lines[first])
    reader = csv.reader(lines[first:], delimiter=mark)
    header = [name.strip() for name in next(reader)]
    _check_header(path, header, first + 1)
    rows: list[list[str]] = []
    numbers: list[int] = []
    notes: tuple[str, ...] = ()
    for cells in reader:
        line = first + reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            if line == len(lines) and not text.endswith("\n"):
                notes = (f"{path.name}: the last line was cut off and is left out",)
                break
            raise DataError(f"{path}, line {line}: {len(cells)} fields, the header has {len(header)}")
        rows.append(cells)
        numbers.append(line)
    columns = {name: [_cell(row[index]) for row in rows] for index, name in enumerate(header)}
    return LogTable(str(path), columns, np.array(numbers, dtype=int), notes)


def _separator(header: str) -> str:
    return max((",", "\t", ";"), key=header.count)


def _check_header(path: Path, header: Sequence[str], line: int) -> None:
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise DataError(f"{path}, line {line}: column `{repeated[0]}` appears twice in the header")
    if all(_is_number(name) for name in header):
        raise DataError(f"{path}, line {line}: no header. Expected column names such as run, epoch, train_loss.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _cell(text: str) -> str | None:
    stripped = text.strip()
    return None if stripped.lower() in MISSING_TEXT else stripped


def _json_lines(path: Path, text: str) -> LogTable:
    lines = text.splitlines()
    records: list[dict[str, Any]] = []
    numbers: list[int] = []
    notes: tuple[str, ...] = ()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError:
            if number == len(lines) and not text.endswith("\n") and records:
                notes = (f"{path.name}: the last line was cut off and is left out",)
                break
            raise DataError(f"{path}, line {number}: not a JSON object on one line: {line.strip()[:60]!r}") from None
        if not isinstance(record, dict):
            raise DataError(f'{path}, line {number}: expected an object such as {{"epoch": 0, "loss": 2.3}}')
        records.append(record)
        numbers.append(number)
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: [_scalar(record.get(name)) for record in records] for name in names}
    return LogTable(str(path), columns, np.array(numbers, dtype=int), notes)


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return _cell(value)
    return None if isinstance(value, dict | list) else value
