"""An .npy file that grows row by row, so that data larger than the memory can be written as one array."""

import contextlib
import hashlib
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import StorageError


class GrowingArray:
    """Appends rows to an .npy file; the file gets its name when it is finished.

    Args:
        path: the file to make.
        dtype: of the array.
        row_shape: shape of one row; () for a vector.
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike, row_shape: tuple[int, ...] = ()) -> None:
        self.path = path
        self.dtype = np.dtype(dtype).newbyteorder("<")
        self.row_shape = row_shape
        self.n_rows = 0
        self._part = path.with_name(path.name + ".part")
        self._content = hashlib.sha256()
        self._stream = self._part.open("wb")
        self._write_header()
        self._header_bytes = self._stream.tell()

    def append(self, rows: npt.ArrayLike) -> None:
        """Add rows [n, *row_shape] at the end.

        Raises:
            StorageError: the disk is full, or the folder cannot be written to.
        """
        array = np.ascontiguousarray(rows, dtype=self.dtype)
        if array.shape[1:] != self.row_shape:
            raise ValueError(f"{self.path.name}: rows of shape {array.shape[1:]}, expected {self.row_shape}")
        data = array.tobytes()
        try:
            self._stream.write(data)
        except OSError as error:
            raise self._unwritable(error) from None
        self._content.update(data)
        self.n_rows += len(array)

    def finish(self) -> str:
        """Write the final shape, give the file its name, and return the sha256 of its rows.

        Raises:
            StorageError: the disk is full, or the folder cannot be written to.
        """
        try:
            self._stream.seek(0)
            self._write_header()
            if self._stream.tell() != self._header_bytes:
                raise ValueError(f"{self.path.name}: the array's header changed its length while it grew")
            self._stream.close()
            self._part.replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from None
        return self._content.hexdigest()

    def abandon(self) -> None:
        """Remove what was written; nothing happens to a finished file."""
        with contextlib.suppress(OSError):  # closing writes what is left, and the disk may be full
            self._stream.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> "GrowingArray":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(f"{self.path}: cannot be written ({error.strerror}). Free some space, and run it again.")

    def _write_header(self) -> None:
        # numpy pads a header so that the first axis can grow in place
        header: dict[str, Any] = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (self.n_rows, *self.row_shape),
        }
        np.lib.format.write_array_header_1_0(self._stream, header)
