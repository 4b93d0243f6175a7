"""NumPy files that several processes fill row by row.

Rows are written, not memory-mapped: on a full disk a write is an error that can be told, a page of a map is the end of
the process.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ROWS_TOGETHER = 16_384  # 33 MB of float32 at width 512


def create_array(path: Path | str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
    """Make an `.npy` file of this shape, all zeros until rows are written.

    Raises:
        OSError: it cannot be written.
    """
    kind = np.dtype(dtype)
    header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    with Path(path).open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        stream.truncate(stream.tell() + kind.itemsize * int(np.prod(shape)))


def write_rows(path: Path | str, first: int, rows: npt.NDArray[Any]) -> None:
    """Write consecutive rows of a file that `create_array` made, in its dtype.

    Raises:
        OSError: they cannot be written.
    """
    with Path(path).open("r+b") as stream:
        np.lib.format.read_magic(stream)
        _, _, dtype = np.lib.format.read_array_header_1_0(stream)
        values = np.ascontiguousarray(rows, dtype=dtype)
        stream.seek(first * dtype.itemsize * int(np.prod(values.shape[1:])), 1)
        stream.write(values.tobytes())


def row_blocks(rows: npt.NDArray[Any], kept: npt.NDArray[np.int64] | None = None) -> Iterator[npt.NDArray[Any]]:
    """An array, which may be a memory map, in blocks of rows that fit into memory; only the rows `kept`, if given."""
    for start in range(0, len(rows) if kept is None else len(kept), ROWS_TOGETHER):
        block = slice(start, start + ROWS_TOGETHER)
        yield np.asarray(rows[block if kept is None else kept[block]])
