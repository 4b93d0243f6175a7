from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import DataError
from chemscale.forcefields.readers.formats import open_frames_file


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.xyz: no such file"):
        open_frames_file(tmp_path / "a.xyz")


@pytest.mark.parametrize("name", ["a.xyz", "a.npz", "a.h5", "a.db"])
def test_an_empty_file_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=rf"{name}: is empty"):
        open_frames_file(tmp_path / name)


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.hdf5", "a.txt", "a", "a.smi"])
def test_an_unknown_format_names_the_known_ones(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(DataError, match=r"of no format that is read here\. Known are: extended XYZ .* SPICE"):
        open_frames_file(tmp_path / name)


def test_an_npz_with_other_arrays_is_unknown(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", weights=np.zeros(3))
    with pytest.raises(DataError, match="of no format that is read here"):
        open_frames_file(tmp_path / "a.npz")
