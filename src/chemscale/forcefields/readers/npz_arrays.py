"""Arrays of an .npz file, never unpickled; damage is reported with the file's name."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import DataError


@contextmanager
def npz_arrays(path: Path) -> Iterator[Mapping[str, npt.NDArray[Any]]]:
    """Open an .npz file.

    Raises:
        DataError: it is no .npz, is damaged, or an array in it is a pickled object.
    """
    try:
        found = np.load(path, allow_pickle=False)
        if not isinstance(found, np.lib.npyio.NpzFile):
            raise DataError(f"{path}: holds a single array, expected an .npz with several")
        with found as arrays:
            yield arrays
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise DataError(f"{path}: is damaged or no .npz file ({error})") from None
    except ValueError as error:
        if "pickle" not in str(error):
            raise
        raise DataError(
            f"{path}: holds pickled objects, which may run code when they are read and are refused. "
            "Save its arrays again as plain numbers with numpy.savez"
        ) from None


def npz_names(path: Path) -> frozenset[str]:
    """The names of the arrays in an .npz file; empty where it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(name.removesuffix(".npy") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return frozenset()


def checked_shape(path: Path, name: str, array: npt.NDArray[Any], expected: tuple[int, ...]) -> npt.NDArray[Any]:
    """The array in the expected shape; one with the same number of entries is reshaped.

    Raises:
        DataError: it has another number of entries.
    """
    if array.size != int(np.prod(expected)):
        raise DataError(f"{path}: {name} has the shape {array.shape}, expected {expected}")
    return array.reshape(expected)
