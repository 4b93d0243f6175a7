from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import DataError
from chemscale.forcefields.readers.npz_arrays import checked_shape, npz_arrays, npz_names


def test_names_are_read_without_the_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(3), y=np.ones(2))
    assert npz_names(tmp_path / "a.npz") == {"x", "y"}
    (tmp_path / "b.npz").write_bytes(b"no archive")
    assert npz_names(tmp_path / "b.npz") == frozenset()
    with npz_arrays(tmp_path / "a.npz") as arrays:
        assert arrays["y"].tolist() == [1.0, 1.0]


def test_a_single_array_is_no_npz(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(DataError, match="holds a single array"), npz_arrays(tmp_path / "a.npz"):
        pass


def test_arrays_are_reshaped_where_they_fit(tmp_path: Path) -> None:
    assert checked_shape(tmp_path, "E", np.zeros((4, 1)), (4,)).shape == (4,)
    with pytest.raises(DataError, match=r"E has the shape \(4, 1\), expected \(5,\)"):
        checked_shape(tmp_path, "E", np.zeros((4, 1)), (5,))
