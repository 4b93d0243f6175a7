"""Frames from end to end: the same bytes for any number of workers and after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import ConfigError, DataError
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.frames import ARRAYS, Frames
from chemscale.forcefields.labelling import making
from chemscale.forcefields.labelling.making import make_frames
from chemscale.forcefields.labelling.sampling import Sampling
from chemscale.forcefields.preparation import write_frames

pytest.importorskip("tblite", reason="tblite, of the extra `label`, is not installed")
FEW = Sampling(frames_per_molecule=4, relaxation_steps=2)
N = 60


@pytest.fixture(scope="module")
def small_parts() -> Iterator[None]:
    before = making.MOLECULES_PER_PART
    making.MOLECULES_PER_PART = 4
    yield
    making.MOLECULES_PER_PART = before


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory, small_parts: None) -> Frames:
    return make_frames(tmp_path_factory.mktemp("made") / "frames", n=N, sampling=FEW, workers=1)


def test_as_many_frames_as_asked_for_with_a_record_of_how(frames: Frames) -> None:
    assert len(frames) == N
    assert np.isfinite(frames.forces).all() and np.isfinite(frames.energies).all()
    assert len(frames.molecule_names) >= N // 4
    labelling = frames.record["labelling"]
    assert labelling["recipe"]["method"] == "GFN2-xTB"
    assert labelling["recipe"]["tblite"]
    assert sum(row["frames"] for row in labelling["geometries"]) == N
    assert all(row["force_rms"] < 5 for row in labelling["geometries"])
    assert not (frames.folder / "parts").exists()


def test_two_workers_give_the_same_bytes(frames: Frames, tmp_path: Path) -> None:
    other = make_frames(tmp_path / "frames", n=N, sampling=FEW, workers=2)
    assert other.sha256 == frames.sha256
    for name in ARRAYS:
        assert (other.folder / f"{name}.npy").read_bytes() == (frames.folder / f"{name}.npy").read_bytes()
    assert other.record == frames.record


def test_work_that_was_killed_goes_on_to_the_same_bytes(frames: Frames, tmp_path: Path) -> None:
    out = tmp_path / "frames"
    code = (
        "import sys; from chemscale.forcefields.labelling import making\n"
        "from chemscale.forcefields.labelling.sampling import Sampling\n"
        "making.MOLECULES_PER_PART = 4\n"
        f"making.make_frames(sys.argv[1], n={N}, sampling=Sampling.parse({FEW.model_dump(mode='json')}), workers=1)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(out)], stderr=subprocess.DEVNULL)
    while process.poll() is None and not list((out / "parts").glob("0*.npz")):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    parts = sorted((out / "parts").glob("0*.npz"))
    assert parts and not (out / "frames.json").exists()
    stamp = parts[0].stat().st_mtime_ns
    seen = []
    original = making.write_frames

    def noting(*arguments, **named):  # type: ignore[no-untyped-def]
        seen.append(parts[0].stat().st_mtime_ns)
        return original(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "write_frames", noting)
        resumed = make_frames(out, n=N, sampling=FEW, workers=1)
    assert seen == [stamp]
    assert resumed.sha256 == frames.sha256
    assert json.loads((out / "frames.json").read_text()) == json.loads((frames.folder / "frames.json").read_text())


def test_more_frames_begin_with_fewer(frames: Frames, tmp_path: Path) -> None:
    fewer = make_frames(tmp_path / "frames", n=37, sampling=FEW, workers=1)
    assert np.array_equal(fewer.energies, frames.energies[:37])


def test_finished_frames_are_opened_and_others_are_not_overwritten(frames: Frames) -> None:
    changed = (frames.folder / "frames.json").stat().st_mtime_ns
    assert len(make_frames(frames.folder, n=N, sampling=FEW)) == N
    assert (frames.folder / "frames.json").stat().st_mtime_ns == changed
    with pytest.raises(ConfigError, match=r"holds frames made otherwise \(n 60, now 200\)"):
        make_frames(frames.folder, n=200, sampling=FEW)
    with pytest.raises(ConfigError, match=r"frames_per_molecule 4, now 12.*choose another folder"):
        make_frames(frames.folder, n=N)


def test_folders_that_hold_something_else_are_refused(frames: Frames, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds other files \(mine.txt\)"):
        make_frames(tmp_path, n=10)
    with pytest.raises(ConfigError, match="is a file"):
        make_frames(tmp_path / "mine.txt", n=10)
    with pytest.raises(ConfigError, match="workers: 0"):
        make_frames(tmp_path / "new", n=10, workers=0)
    assert not (tmp_path / "new").exists()


def test_frames_from_elsewhere_are_refused(tmp_path: Path, frames: Frames) -> None:
    one = Frame(np.array([1, 1]), np.array([[0.0, 0, 0], [0, 0, 0.74]]), -31.7, np.zeros((2, 3)))
    write_frames([one], tmp_path / "other", source="a test", record={})
    with pytest.raises(ConfigError, match="were not labelled here"):
        make_frames(tmp_path / "other", n=10)


def test_bad_lines_of_a_file_are_counted_with_their_reason(tmp_path: Path, small_parts: None) -> None:
    file = tmp_path / "some.smi"
    file.write_text("CCO\nnonsense\nC.C\nCC(=O)[O-]\n")
    made = make_frames(tmp_path / "frames", n=8, molecules=file, sampling=FEW, workers=1)
    assert made.molecule_names == ("CCO", "CC(=O)[O-]")
    assert made.charges.tolist() == [0] * 4 + [-1] * 4
    assert made.record["counts"]["reject_reasons"] == {
        "not SMILES: the syntax is wrong": 4,
        "more than one fragment": 4,
    }
    assert "nonsense" in (made.folder / "rejects.tsv").read_text()


def test_a_file_with_nothing_usable_is_an_error_and_leaves_no_parts(tmp_path: Path) -> None:
    file = tmp_path / "some.smi"
    file.write_text("nonsense\nC.C\n")
    with pytest.raises(DataError, match="none of its 8 frames can be used: not SMILES"):
        make_frames(tmp_path / "frames", n=8, molecules=file, sampling=FEW, workers=1)
    file.write_text("CCO\n")
    assert len(make_frames(tmp_path / "frames", n=4, molecules=file, sampling=FEW, workers=1)) == 4


def test_without_tblite_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chemscale.forcefields.labelling.xtb.Calculator", None)
    with pytest.raises(ConfigError, match=r"pip install 'chemscale\[label\]'"):
        make_frames(tmp_path / "frames", n=10)
    assert not (tmp_path / "frames").exists()
