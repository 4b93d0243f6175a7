"""A file of molecules with the other columns of its rows, for what asks more of a molecule than its SMILES."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from chemscale.base.errors import DataError
from chemscale.chem.compressed_text import open_text, readable
from chemscale.chem.molecule_files import FileLayout, file_layout, read_rows


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
        DataError: the file is missing, empty, damaged, has no such column, or two columns of one name.
    """
    path = Path(path)
    layout = file_layout(path, column)
    with readable(path), open_text(path) as stream:
        rows = list(itertools.islice(read_rows(stream, layout), limit))
    if not rows:
        raise DataError(f"{path}: has a header and no rows")
    n_columns = max(layout.column + 1, len(layout.columns) or max(len(cells) for _, cells in rows))
    names = _column_names(path, layout, n_columns)
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


def _column_names(path: Path, layout: FileLayout, n_columns: int) -> list[str]:
    """Names from the header; a column without one is called by its number from 1.

    Raises:
        DataError: two columns have one name.
    """
    names = [name or str(number) for number, name in enumerate(layout.columns, start=1)]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        places = ", ".join(str(place) for place, name in enumerate(names, start=1) if name == repeated[0])
        raise DataError(f"{path}: columns {places} are all called {repeated[0]!r}; give each its own name")
    return names or [str(number) for number in range(1, n_columns + 1)]
