import errno
import hashlib
from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import StorageError
from chemscale.forcefields.growing_array import GrowingArray


@pytest.mark.parametrize("dtype", ["u1", "i8", "f4"])
@pytest.mark.parametrize("row_shape", [(), (3,), (3, 3)])
def test_numpy_reads_what_was_appended(tmp_path: Path, dtype: str, row_shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    parts = [random.integers(0, 200, (n, *row_shape)).astype(dtype) for n in (5, 0, 1, 12_345)]
    with GrowingArray(tmp_path / "a.npy", dtype, row_shape) as array:
        for part in parts:
            array.append(part)
        digest = array.finish()
    found = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert found.dtype == np.dtype(dtype)
    assert np.array_equal(found, np.concatenate(parts))
    assert digest == hashlib.sha256(np.concatenate(parts).tobytes()).hexdigest()


def test_an_unfinished_array_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), GrowingArray(tmp_path / "a.npy", "f4") as array:
        array.append([1.0])
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_an_empty_array_is_an_array(tmp_path: Path) -> None:
    with GrowingArray(tmp_path / "a.npy", "f4", (3,)) as array:
        array.finish()
    assert np.load(tmp_path / "a.npy").shape == (0, 3)


def test_rows_of_another_shape_are_refused(tmp_path: Path) -> None:
    with GrowingArray(tmp_path / "a.npy", "f4", (3,)) as array, pytest.raises(ValueError, match="expected"):
        array.append(np.zeros((2, 2)))


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None: ...

    with GrowingArray(tmp_path / "a.npy", "f4") as array:
        array._stream.close()
        monkeypatch.setattr(array, "_stream", Full())
        with pytest.raises(StorageError, match=r"a\.npy: cannot be written \(No space left on device\)"):
            array.append([1.0])
