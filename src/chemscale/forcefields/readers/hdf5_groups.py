"""HDF5 files with one group per molecule or formula: walk the groups, and report damage with the file's name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from chemscale.base.errors import DataError


@contextmanager
def readable_hdf5(path: Path) -> Iterator[None]:
    """Turn what can go wrong while reading an HDF5 file into a `DataError`."""
    try:
        yield
    except (OSError, RuntimeError, KeyError) as error:
        raise DataError(f"{path}: is damaged or cut short ({error})") from None


def groups_with(parent: h5py.Group, name: str) -> Iterator[h5py.Group]:
    """All groups, at any depth, that hold a dataset of a name; names are compared as `plain` spells them."""
    if any(plain(key) == name for key in parent):
        yield parent
        return
    for key in parent:
        child = parent[key]
        if isinstance(child, h5py.Group):
            yield from groups_with(child, name)


def has_group_with(path: Path, name: str) -> bool:
    """Whether a file is HDF5 and its first groups hold a dataset of a name."""
    if not h5py.is_hdf5(path):
        return False
    try:
        with h5py.File(path) as file:
            return next(groups_with(file, name), None) is not None
    except (OSError, RuntimeError, KeyError):
        return False


def datasets_of(group: h5py.Group) -> Mapping[str, h5py.Dataset]:
    """The datasets of a group by their names as `plain` spells them."""
    return {plain(key): group[key] for key in group if isinstance(group[key], h5py.Dataset)}


def plain(name: str) -> str:
    """A name in small letters, with underscores for blanks: "DFT Total Energy" is dft_total_energy."""
    return name.lower().replace(" ", "_")


def text_of(dataset: h5py.Dataset) -> str:
    """The first entry of a dataset of texts."""
    value: Any = np.asarray(dataset[()]).reshape(-1)[0]
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def rows_of(dataset: h5py.Dataset | None, n_frames: int, n_entries: int) -> npt.NDArray[np.float64] | None:
    """A dataset as floats [n_frames, ...]; None where it is absent or does not fit."""
    if dataset is None or dataset.shape[:1] != (n_frames,) or dataset.size != n_frames * n_entries:
        return None
    return np.asarray(dataset[()], dtype=np.float64)
