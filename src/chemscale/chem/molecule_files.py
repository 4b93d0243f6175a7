"""Streams of SMILES with their line numbers from text files, plain or compressed, in constant memory."""

import contextlib
import csv
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from chemscale.base.errors import DataError
from chemscale.chem.compressed_text import inner_name, open_text, readable
from chemscale.chem.smiles import is_smiles

SMILES_COLUMNS = (
    "smiles",
    "canonical_smiles",
    "isomeric_smiles",
    "canonicalsmiles",
    "isomericsmiles",
    "rdkit_smiles",
    "smiles_string",
    "mol",
    "molecule",
    "structure",
)
_TABLE_SUFFIXES = {".csv": ",;\t|", ".tsv": "\t", ".tab": "\t"}
_LIST_SUFFIXES = (".smi", ".smiles", ".ism", ".can", ".txt", "")
_SAMPLED_ROWS = 50
_LONGEST_QUOTE = 10
_SHOWN_OF_BROKEN_LINE = 1_000


@dataclass(frozen=True)
class FileLayout:
    """Where in a file the SMILES stand.

    Attributes:
        delimiter: what parts the columns; None for white space.
        column: the place of the SMILES column, from 0.
        name: the name of that column, or its number from 1 where there is no header.
        has_header: whether the first line holds names.
        columns: all names seen in the header; empty where there is none.
    """

    delimiter: str | None
    column: int
    name: str
    has_header: bool
    columns: tuple[str, ...] = ()


def read_smiles(path: Path | str, column: str | None = None) -> Iterator[tuple[int, str]]:
    """Stream `(line number from 1, SMILES text)` from a molecule file; blank lines are passed over.

    Args:
        path: .smi, .csv, .tsv or .txt, plain or compressed with gzip, xz, bzip2 or as the one file in a zip.
        column: the SMILES column by name, or by number from 1; None guesses it (see `file_layout`).

    Raises:
        DataError: the file is missing, empty, binary or damaged, or has no such column. Damage in the middle raises
            where the stream reaches it.
    """
    path = Path(path)
    layout = file_layout(path, column)
    return _stream(path, layout)


def file_layout(path: Path | str, column: str | None = None) -> FileLayout:
    """Find the SMILES column of a file.

    A named column is taken as named. Else, in a table: a header with one of `SMILES_COLUMNS` (letter case does not
    matter), else the first column most of whose first values parse. In a list of molecules: the first word of a line.

    Raises:
        DataError: as in `read_smiles`; the message has the columns seen.
    """
    path = Path(path)
    with readable(path), open_text(path) as stream:
        head = [line for line in itertools.islice(stream, _SAMPLED_ROWS) if line.strip()]
    if not head:
        raise DataError(f"{path}: is empty")
    delimiter = _delimiter(path, head[0], column)
    rows = [line.split() for line in head] if delimiter is None else [_row(line, delimiter) for line in head]
    names = tuple(name.strip().lstrip("\ufeff") for name in rows[0])
    if column is not None:
        return _named_column(path, delimiter, names, column)
    lowered = [name.lower() for name in names]
    for known in SMILES_COLUMNS:
        if known in lowered:
            place = lowered.index(known)
            return FileLayout(delimiter, place, names[place], True, names)
    if delimiter is None:
        return FileLayout(None, 0, "1", False)
    return _column_that_parses(path, delimiter, names, rows)


def count_lines(path: Path | str) -> int:
    """The number of text lines of a file, compressed or not: a little more than its molecules.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = Path(path)
    count = 0
    with readable(path, lambda: count), open_text(path) as stream:
        for count, _ in enumerate(stream, start=1):  # noqa: B007 - the count so far is what an error reports
            pass
    return count


def _stream(path: Path, layout: FileLayout) -> Iterator[tuple[int, str]]:
    line_number = 0
    with readable(path, lambda: line_number), open_text(path) as stream:
        for line_number, row in read_rows(stream, layout):
            yield line_number, row[layout.column].strip() if layout.column < len(row) else ""


def read_rows(stream: TextIO, layout: FileLayout) -> Iterator[tuple[int, Sequence[str]]]:
    """Stream `(line number from 1, cells)` of a file under its header; blank lines and comments are passed over.

    Of a row over several lines it is the number of the last one. A quote that nobody closes within some lines is a
    letter like others.
    """
    rows = _words(stream) if layout.delimiter is None else _cells(stream, layout.delimiter)
    return itertools.islice(rows, int(layout.has_header), None)


def _words(stream: TextIO) -> Iterator[tuple[int, Sequence[str]]]:
    for line_number, line in enumerate(stream, start=1):
        words = line.split()
        if words and not words[0].startswith("#"):
            yield line_number, words


def _cells(stream: TextIO, delimiter: str) -> Iterator[tuple[int, Sequence[str]]]:
    numbered = enumerate(stream, start=1)
    for line_number, line in numbered:
        if line.count('"') % 2 == 0:
            rows = [(line_number, _row(line, delimiter))]
        else:
            rows = _rows_of_open_quote([(line_number, line), *_until_closed(numbered)], delimiter)
        for number, row in rows:
            if any(map(str.strip, row)):
                yield number, row


def _until_closed(numbered: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    for number, line in itertools.islice(numbered, _LONGEST_QUOTE):
        yield number, line
        if line.count('"') % 2:
            return


def _rows_of_open_quote(lines: list[tuple[int, str]], delimiter: str) -> list[tuple[int, list[str]]]:
    # A quoted cell may run over lines; a quote that nobody closes must not swallow the rows after it.
    with contextlib.suppress(csv.Error):
        rows = list(csv.reader([line for _, line in lines], delimiter=delimiter, strict=True))
        if len(rows) == 1:
            return [(lines[-1][0], rows[0])]
    return [(number, _row(line, delimiter)) for number, line in lines]


def _row(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return [line[:_SHOWN_OF_BROKEN_LINE]]


def _delimiter(path: Path, first_line: str, column: str | None) -> str | None:
    suffix = Path(inner_name(path)).suffix.lower()
    if suffix in _TABLE_SUFFIXES:
        return max(_TABLE_SUFFIXES[suffix], key=first_line.count)
    if suffix not in _LIST_SUFFIXES:
        allowed = ", ".join([*_TABLE_SUFFIXES, *filter(None, _LIST_SUFFIXES)])
        raise DataError(
            f"{path}: files of kind {suffix!r} hold no SMILES lines; allowed: {allowed}, also as .gz .xz .bz2 .zip"
        )
    for delimiter in "\t,;":
        names = [name.strip().lower() for name in first_line.split(delimiter)]
        if len(names) > 1 and (set(names) & set(SMILES_COLUMNS) or (column or "").lower() in names):
            return delimiter
    return None


def _named_column(path: Path, delimiter: str | None, names: tuple[str, ...], column: str) -> FileLayout:
    lowered = [name.lower() for name in names]
    if column in names or column.lower() in lowered:
        place = names.index(column) if column in names else lowered.index(column.lower())
        return FileLayout(delimiter, place, names[place], True, names)
    if column.isdigit() and 1 <= int(column) <= len(names):
        place = int(column) - 1
        has_header = bool(set(lowered) & set(SMILES_COLUMNS)) or not any(map(is_smiles, names))
        return FileLayout(delimiter, place, column, has_header, names if has_header else ())
    raise DataError(
        f"{path}: no column {column!r}; columns seen: {_listed(names)}. Pass one of these, or its number from 1"
    )


def _column_that_parses(path: Path, delimiter: str, names: tuple[str, ...], rows: list[list[str]]) -> FileLayout:
    has_header = not any(is_smiles(value) for value in names)
    for place, name in enumerate(names):
        values = [row[place] for row in rows[int(has_header) :] if place < len(row) and row[place].strip()]
        if values and sum(map(is_smiles, values)) > 0.5 * len(values):
            return FileLayout(
                delimiter, place, name if has_header else str(place + 1), has_header, names if has_header else ()
            )
    raise DataError(
        f"{path}: no column holds SMILES, by name or by content; columns seen: {_listed(names)}. "
        "Pass the column, by name or by number from 1 (--column NAME, or --set data.column=NAME)"
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:20])
    return shown + (f" ... ({len(names)} in all)" if len(names) > 20 else "")
