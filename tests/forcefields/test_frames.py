import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.frames import Frames, is_frames_folder
from chemscale.forcefields.preparation import write_frames


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = [Frame(np.array([1] * n), np.arange(3.0 * n).reshape(-1, 3), energy=float(n)) for n in (1, 3, 2)]
    return write_frames(made, tmp_path / "frames", source="made", record={}).folder


def test_frames_are_read_where_they_are_asked_for(folder: Path) -> None:
    frames = Frames.open(folder)
    assert len(frames) == 3
    assert frames.n_atoms.tolist() == [1, 3, 2]
    assert frames.species == (1,)
    assert isinstance(frames.positions, np.memmap)
    assert frames.subsets == {}
    assert is_frames_folder(folder)
    sent = pickle.dumps(frames)
    assert len(sent) < 500
    assert np.array_equal(pickle.loads(sent).positions, frames.positions)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder; make one"):
        Frames.open(tmp_path / "none")


def test_an_unfinished_folder_is_said(folder: Path) -> None:
    (folder / "frames.json").unlink()
    assert not is_frames_folder(folder)
    with pytest.raises(DataError, match=r"no frames\.json: these are no frames, or their preparation was cut"):
        Frames.open(folder)


def test_another_format_is_said(folder: Path) -> None:
    record = json.loads((folder / "frames.json").read_text())
    (folder / "frames.json").write_text(json.dumps({**record, "format": 99}))
    with pytest.raises(DataError, match="format 99, this version reads"):
        Frames.open(folder)
    (folder / "frames.json").write_text("{}")
    with pytest.raises(DataError, match="is not the record of frames"):
        Frames.open(folder)


@pytest.mark.parametrize("name", ["positions.npy", "offsets.npy"])
def test_damaged_arrays_are_said(folder: Path, name: str) -> None:
    np.save(folder / name, np.load(folder / name)[:-1])
    with pytest.raises(DataError, match="do not fit the counts"):
        Frames.open(folder)
    (folder / name).write_bytes(b"")
    with pytest.raises(DataError, match="its arrays cannot be read"):
        Frames.open(folder)
