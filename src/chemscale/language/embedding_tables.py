"""Embeddings as a Parquet table, written a group of rows at a time (extra `parquet`)."""

import importlib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from chemscale.base.errors import DataError, UserError

ROWS_PER_GROUP = 8192


def check_parquet() -> None:
    """Refuse early where Parquet cannot be written.

    Raises:
        UserError: pyarrow is not installed.
    """
    _pyarrow("pyarrow.parquet")


def write_parquet(out: Path, vectors: Path, molecules: Iterable[tuple[int, str]]) -> None:
    """Write columns `line` (of the source, from 1), `smiles`, and `embedding` (a list of `width` float32 numbers).

    Args:
        out: the file to write.
        vectors: array file [n_rows, width].
        molecules: line and SMILES of every row.

    Raises:
        DataError: there are fewer molecules than rows.
    """
    pa, parquet = _pyarrow("pyarrow"), _pyarrow("pyarrow.parquet")
    rows = np.load(vectors, mmap_mode="r")
    kind = pa.list_(pa.float32(), rows.shape[1])
    schema = pa.schema([("line", pa.int64()), ("smiles", pa.string()), ("embedding", kind)])
    stream = iter(molecules)
    with parquet.ParquetWriter(out, schema) as writer:
        for start in range(0, len(rows), ROWS_PER_GROUP):
            group = np.ascontiguousarray(rows[start : start + ROWS_PER_GROUP])
            lines = list(islice(stream, len(group)))
            if len(lines) < len(group):
                raise DataError("the file of molecules changed while it was read; run the same command again")
            embedding = pa.FixedSizeListArray.from_arrays(pa.array(group.ravel()), rows.shape[1])
            columns = [pa.array([line for line, _ in lines]), pa.array([text for _, text in lines]), embedding]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _pyarrow(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UserError(
            "Parquet files need the package pyarrow (pip install 'chemscale[parquet]'); or write .npy"
        ) from None
