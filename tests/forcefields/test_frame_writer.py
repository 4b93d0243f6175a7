from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.frame_writer import FrameWriter

HYDROGEN = Frame(np.array([1, 1]), np.array([[0.0, 0, 0], [0.74, 0, 0]]), energy=-31.7, molecule="a\tb\nc")


def test_frames_keep_their_numbers_in_the_source(tmp_path: Path) -> None:
    with FrameWriter(tmp_path) as writer:
        writer.reject("first is bad")
        writer.append(HYDROGEN)
        writer.append(Frame(np.array([1]), np.zeros((1, 3))))
        writer.append(HYDROGEN)
        writer.finish()
    assert list(writer.kept) == [1, 3]
    assert (writer.n_read, writer.n_rejected, writer.n_atoms) == (4, 2, 4)
    rejects = (tmp_path / "rejects.tsv").read_text().splitlines()
    assert rejects == ["frame\treason", "1\tfirst is bad", "3\tno energy and no force"]
    assert np.load(tmp_path / "offsets.npy").tolist() == [0, 2, 4]


def test_a_molecules_name_is_one_line(tmp_path: Path) -> None:
    with FrameWriter(tmp_path) as writer:
        writer.append(HYDROGEN)
        writer.finish()
    assert (tmp_path / "molecules.txt").read_text() == "a b c\n"


def test_the_same_frames_have_the_same_hashes(tmp_path: Path) -> None:
    hashes = []
    for name in ("a", "b"):
        with FrameWriter(tmp_path / name) as writer:
            writer.append(HYDROGEN)
            hashes.append(writer.finish())
    assert hashes[0] == hashes[1]
    assert set(hashes[0]) >= {"numbers", "positions", "forces", "energies", "offsets"}


def test_arrays_can_be_taken_back(tmp_path: Path) -> None:
    with FrameWriter(tmp_path) as writer:
        writer.append(HYDROGEN)
        writer.finish()
    writer.remove()
    assert not list(tmp_path.glob("*.npy"))
    assert (tmp_path / "rejects.tsv").exists()


def test_reasons_are_counted_without_their_numbers(tmp_path: Path) -> None:
    near = [Frame(np.array([1, 1]), np.array([[0.0, 0, 0], [x, 0, 0]]), energy=0.0) for x in (0.1, 0.2)]
    with FrameWriter(tmp_path) as writer:
        for frame in near:
            writer.append(frame)
        with pytest.raises(DataError, match=r"source: none of its 2 frames .* same place \(2 frames\)\. Are the units"):
            writer.check_usable("source")
