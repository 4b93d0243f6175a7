"""A file of molecules with the other columns of its rows, for what asks more of a molecule than its SMILES."""

import csv
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pandas as pd

from chemscale.base.errors import DataError
from chemscale.chem.compressed_text import open_text, readable
from chemscale.chem.molecule_files import FileLayout, file_layout


@dataclass(frozen=True)
class MoleculeTable:
    """The rows of a file, in its order.

    Attributes:
        path: the file.
        lines: line numbers from 1 [n_molecules]; of a row over several lines, the last one.
        smiles: the texts of the SMILES column, not checked [n_molecules].
        columns: all other columns as text, "" where a cell is empty [n_molecules, n_columns].
    """

    path: Path
    lines: tuple[int, ...]
    smiles: tuple[str, ...]
    columns: pd.DataFrame

    def __len__(self) -> int:
        return len(self.smiles)

    def take(self, rows: Sequence[int]) -> "MoleculeTable":
        """The table of these rows, by their places from 0."""
        return MoleculeTable(
            path=self.path,
            lines=tuple(self.lines[row] for row in rows),
            smiles=tuple(self.smiles[row] for row in rows),
            columns=self.columns.iloc[list(rows)].reset_index(drop=True),
        )


def read_molecule_table(path: Path | str, column: str | None = None, limit: int | None = None) -> MoleculeTable:
    """Read a whole table of molecules; blank lines are passed over.

    Args:
        path: .csv, .tsv, .smi or .txt, plain or compressed; a list of molecules may have more words in a line.
        column: the SMILES column by name, or by number from 1; None guesses it (`molecule_files.file_layout`).
        limit: only the first so many rows.

    Raises:
        DataError: the file is missing, empty, damaged, or has no such column.
    """
    path = Path(path)
    layout = file_layout(path, column)
    with readable(path), open_text(path) as stream:
        rows = list(itertools.islice(_rows(stream, layout), limit))
    if not rows:
        raise DataError(f"{path}: has a header and no rows")
    n_columns = max(layout.column + 1, len(layout.columns) or max(len(cells) for _, cells in rows))
    names = list(layout.columns) or [str(number) for number in range(1, n_columns + 1)]
    # A short row has empty cells at its end; a long one is cut, because nothing names what is too much.
    cells = [(list(row) + [""] * n_columns)[:n_columns] for _, row in rows]
    frame = pd.DataFrame(cells, columns=pd.Index(names, dtype=object), dtype=object)
    others = [place for place in range(n_columns) if place != layout.column]
    return MoleculeTable(
        path=path,
        lines=tuple(line for line, _ in rows),
        smiles=tuple(row[layout.column].strip() for row in cells),
        columns=frame.iloc[:, others],
    )


def _rows(stream: TextIO, layout: FileLayout) -> Iterator[tuple[int, list[str]]]:
    if layout.delimiter is None:
        numbered = ((number, line.split()) for number, line in enumerate(stream, start=1))
        rows = ((number, words) for number, words in numbered if words and not words[0].startswith("#"))
    else:
        reader = csv.reader(stream, delimiter=layout.delimiter)
        rows = ((reader.line_num, row) for row in reader if any(map(str.strip, row)))
    yield from itertools.islice(rows, int(layout.has_header), None)
