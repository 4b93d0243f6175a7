import json
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule

from chemscale.base.errors import DataError
from chemscale.forcefields import frame_writer
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.frames import Frames
from chemscale.forcefields.preparation import frames_for, prepare_frames, prepared_frames, write_frames
from chemscale.forcefields.readers.frame_source import FrameFault
from chemscale.forcefields.units import BOHR, KCAL_PER_MOL, UnitSettings

NAMES = ("CH4", "H2O", "CH3CH2OH", "C6H6")


def made(n_frames: int = 20) -> Iterator[Frame]:
    """Molecules that differ from frame to frame, with labels that are never near enough to be compared."""
    random = np.random.default_rng(0)
    for number in range(n_frames):
        atoms = molecule(NAMES[number % 4])
        yield Frame(
            atoms.numbers,
            atoms.positions * (1 + 0.5 * number / n_frames),
            energy=-10.0 * number,
            forces=random.standard_normal((len(atoms), 3)),
            charge=number % 3 - 1,
            unpaired=number % 2,
            molecule=NAMES[number % 4] if number % 2 else "",
        )


def rmd17_like(path: Path, n_frames: int = 12, **more: np.ndarray) -> Path:
    """A file as rMD17 has it, of water stretched from frame to frame, with labels that mean nothing."""
    water = molecule("H2O")
    coords = np.stack([water.positions * (1 + 0.1 * k) for k in range(n_frames)])
    forces = np.random.default_rng(1).standard_normal(coords.shape)
    energies = np.arange(float(n_frames))
    arrays = {"nuclear_charges": water.numbers, "coords": coords, "energies": energies, "forces": forces}
    np.savez(path, **{**arrays, **more})
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    frames = write_frames(made(), tmp_path / "frames", source="made", record={"why": "a test"})
    assert len(frames) == 20
    for number, frame in enumerate(made()):
        atoms = slice(frames.offsets[number], frames.offsets[number + 1])
        assert np.array_equal(frames.numbers[atoms], frame.atomic_numbers)
        assert np.array_equal(frames.positions[atoms], frame.positions.astype(np.float32))
        assert frame.forces is not None
        assert np.array_equal(frames.forces[atoms], frame.forces.astype(np.float32))
        assert frames.energies[number] == frame.energy
        assert frames.charges[number] == frame.charge
        assert frames.unpaired[number] == frame.unpaired
    assert frames.molecule_names == ("CH4", "H2O", "C2H6O", "C6H6")
    assert frames.species == (1, 6, 8)
    assert frames.cells is None
    assert frames.record["units"] == {"energy": "eV", "length": "angstrom", "forces": "eV/angstrom"}
    assert frames.record["why"] == "a test"
    assert (tmp_path / "frames" / "rejects.tsv").read_text() == "frame\treason\n"


@pytest.mark.parametrize("at_once", [1, 7, 20, 1000])
def test_bytes_do_not_depend_on_how_many_are_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    whole = write_frames(made(), tmp_path / "whole", source="made", record={})
    monkeypatch.setattr(frame_writer, "FRAMES_AT_ONCE", at_once)
    parts = write_frames(made(), tmp_path / "parts", source="made", record={})
    assert parts.sha256 == whole.sha256
    other = write_frames(made(19), tmp_path / "other", source="made", record={})
    assert other.sha256 != whole.sha256


def test_cells_that_come_late_are_zero_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_writer, "FRAMES_AT_ONCE", 2)
    cell = np.diag([4.0, 5.0, 60.0])
    frames = list(made(5))
    crystal = Frame(np.array([14]), np.zeros((1, 3)), energy=0.0, cell=cell, periodic=(True, True, True))
    written = write_frames([*frames, crystal], tmp_path / "frames", source="made", record={})
    assert written.cells is not None
    assert written.cells.shape == (6, 3, 3)
    assert not written.cells[:5].any()
    # the third direction is a vacuum of 60 angstrom
    assert np.array_equal(written.cells[5], np.diag([4.0, 5.0, 0.0]))
    assert written.record["counts"]["vacuum_boxes"] == 1


def test_unusable_frames_go_to_the_rejects(tmp_path: Path) -> None:
    good = list(made(3))
    bad = Frame(np.array([1, 1]), np.zeros((2, 3)), energy=0.0)
    unknown = Frame(np.array([1, 130]), np.eye(2, 3), energy=0.0)
    frames = [good[0], bad, good[1], FrameFault("line 7 is\tno number"), unknown, good[2]]
    written = write_frames(frames, tmp_path / "frames", source="made", record={})
    assert len(written) == 3
    assert written.record["counts"]["rejected"] == 3
    assert (tmp_path / "frames" / "rejects.tsv").read_text().splitlines()[1:] == [
        "2\ttwo atoms at the same place (0.000 angstrom apart)",
        "4\tline 7 is no number",
        "5\tunknown element: atomic number 130",
    ]


def test_missing_labels_are_counted_and_stay_missing(tmp_path: Path) -> None:
    one, two, three = made(3)
    assert one.forces is not None
    one.forces[1, 2] = np.inf
    frames = [one, Frame(two.atomic_numbers, two.positions, energy=1.0), Frame(three.atomic_numbers, three.positions)]
    frames[2] = Frame(three.atomic_numbers, three.positions, forces=three.forces)
    written = write_frames(frames, tmp_path / "frames", source="made", record={})
    counts = written.record["counts"]
    assert counts["atoms_without_forces"] == 1 + 3
    assert counts["frames_without_energy"] == 1
    assert np.isnan(written.forces[1]).all()
    assert np.isfinite(written.forces[0]).all()
    assert np.isnan(written.energies).tolist() == [False, False, True]


def test_absurd_forces_are_counted(tmp_path: Path) -> None:
    frame = next(made(1))
    assert frame.forces is not None
    frame.forces[2] = [90.0, 90.0, 0.0]
    written = write_frames([frame], tmp_path / "frames", source="made", record={})
    assert written.record["counts"]["atoms_with_large_forces"] == 1


def test_finished_frames_are_not_overwritten(tmp_path: Path) -> None:
    write_frames(made(), tmp_path / "frames", source="made", record={})
    with pytest.raises(DataError, match="holds frames already; choose another folder"):
        write_frames(made(), tmp_path / "frames", source="made", record={})


def test_a_cut_preparation_is_repeated(tmp_path: Path) -> None:
    def cut() -> Iterator[Frame]:
        yield from made(5)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_frames(cut(), tmp_path / "frames", source="made", record={})
    assert [path.name for path in (tmp_path / "frames").iterdir()] == ["rejects.tsv"]
    assert len(write_frames(made(), tmp_path / "frames", source="made", record={})) == 20


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="made: holds no frame"):
        write_frames([], tmp_path / "frames", source="made", record={})
    overlapping = [Frame(np.array([1, 1]), np.zeros((2, 3)), energy=0.0)] * 4
    with pytest.raises(DataError, match=r"none of its 4 frames can be used: two atoms at the same place \(4 frames\)"):
        write_frames(overlapping, tmp_path / "frames", source="made", record={})
    assert not (tmp_path / "frames" / "frames.json").exists()


def test_a_file_is_prepared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEMSCALE_CACHE", str(tmp_path / "cache"))
    path = rmd17_like(tmp_path / "water.npz")
    assert prepared_frames(str(path)) is None
    frames = frames_for(str(path))
    assert frames.folder.is_relative_to(tmp_path / "cache")
    assert frames.energies[3] == pytest.approx(3 * KCAL_PER_MOL)
    before = (frames.folder / "frames.json").stat().st_mtime_ns
    again = frames_for(str(path))
    assert (again.folder / "frames.json").stat().st_mtime_ns == before
    assert prepared_frames(str(path)) is not None
    assert frames_for(str(frames.folder)).sha256 == frames.sha256
    assert frames_for(str(path), limit=3).folder != frames.folder
    assert len(frames_for(str(path), limit=3)) == 3
    (entry,) = frames.record["files"]
    assert [entry["units"][key] for key in ("energy", "forces")] == ["kcal/mol", "kcal/mol/angstrom"]
    assert entry["units_from"] == "format"


def test_a_changed_file_is_prepared_again(tmp_path: Path) -> None:
    path = rmd17_like(tmp_path / "water.npz")
    assert len(frames_for(str(path))) == 12
    rmd17_like(path, n_frames=5)
    assert len(frames_for(str(path))) == 5


def test_settings_change_the_units(tmp_path: Path) -> None:
    path = rmd17_like(tmp_path / "water.npz")
    frames = frames_for(str(path), units=UnitSettings(energy="eV", length="bohr"))
    assert frames.energies[3] == 3.0
    assert np.allclose(frames.positions[:3], molecule("H2O").positions * BOHR, atol=1e-6)
    forces = np.random.default_rng(1).standard_normal((12, 3, 3))
    assert np.allclose(frames.forces[:3], forces[0] / BOHR, atol=1e-5)
    assert frames.record["files"][0]["units_from"] == "settings"


def test_published_splits_come_along(tmp_path: Path) -> None:
    rows = {"train_01": np.array([1, 11]), "test_01": np.array([2, 3])}
    path = rmd17_like(tmp_path / "water.npz", **rows)
    assert frames_for(str(path)).subsets["train_01"].tolist() == [1, 11]
    assert list(frames_for(str(path), limit=5).subsets) == ["test_01"]


@pytest.mark.parametrize("rejected", [0, 3, 5])  # 5: the last frame of the source
def test_a_subset_keeps_what_is_left_of_it(tmp_path: Path, rejected: int) -> None:
    frames: list[Frame | FrameFault] = list(made(6))
    frames[rejected] = FrameFault("no good")
    rows = {"train_01": np.array([5, 0, 3]), "test_01": np.array([4, 1]), "beyond": np.array([1, 6])}
    rows["lost"] = np.array([rejected])
    written = write_frames(frames, tmp_path / "frames", source="made", record={}, subsets=rows)
    expected = {0: ([4, 2], [3, 0]), 3: ([4, 0], [3, 1]), 5: ([0, 3], [4, 1])}[rejected]
    found = {name: numbers.tolist() for name, numbers in written.subsets.items()}
    assert found == dict(zip(("train_01", "test_01"), expected, strict=True))


def test_the_hash_covers_names_and_rows_of_subsets(tmp_path: Path) -> None:
    def digest(name: str, subsets: dict[str, np.ndarray] | None) -> str:
        return write_frames(made(6), tmp_path / name, source="made", record={}, subsets=subsets).sha256

    one, two = np.array([0, 3]), np.array([3, 0])
    without = digest("without", None)
    assert digest("empty", {}) == digest("all beyond", {"train": np.array([7])}) == without
    assert digest("both", {"train": one, "test": two}) == digest("turned", {"test": two, "train": one})
    others = [digest("one", {"train": one}), digest("rows", {"train": two}), digest("name", {"test": one})]
    assert len({without, *others}) == 4


def test_contradicting_labels_stop_the_preparation(tmp_path: Path) -> None:
    random, water = np.random.default_rng(0), molecule("H2O")
    moves = 0.05 * random.standard_normal((200, 3, 3))
    coords = water.positions + moves
    # springs between the atoms; the labels are gradients
    vectors = coords[:, :, None] - coords[:, None]
    lengths = np.linalg.norm(vectors, axis=3) + np.eye(3)
    stretch = lengths - (water.get_all_distances() + np.eye(3))
    energies, gradients = (
        np.square(stretch).sum(axis=(1, 2)),
        4 * ((stretch / lengths)[..., None] * vectors).sum(axis=2),
    )
    path = tmp_path / "springs.npz"
    np.savez(path, z=water.numbers, R=coords, E=energies, F=gradients, e_unit="eV", r_unit="Ang")
    out = tmp_path / "out"
    with pytest.raises(DataError, match=r"springs\.npz: .*set data\.force_sign = 'gradients'"):
        prepare_frames(str(path), out)
    assert not list(out.glob("*.npy"))
    frames = prepare_frames(str(path), out, units=UnitSettings(sign="gradients"))
    assert frames.record["label_check"]["slope"] == pytest.approx(1, abs=0.2)
    trusted = frames_for(str(path), units=UnitSettings(trusted=True))
    assert "gradients" in trusted.record["label_check"]["contradictions"][0]


def prepare_and_hash(path: Path) -> str:
    return frames_for(str(path)).sha256


def test_two_processes_prepare_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEMSCALE_CACHE", str(tmp_path / "cache"))
    path = rmd17_like(tmp_path / "water.npz", n_frames=400)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        first, second = pool.map(prepare_and_hash, [path] * 2)
    assert first == second
    assert len(list((tmp_path / "cache" / "frames").iterdir())) == 1


def test_a_missing_source_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file or prepared folder at .*nothing\.xyz"):
        frames_for(str(tmp_path / "nothing.xyz"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no frames\.json"):
        frames_for(str(tmp_path / "empty"))


def test_the_record_is_plain_json(tmp_path: Path) -> None:
    frames = write_frames(made(), tmp_path / "frames", source="made", record={})
    record = json.loads((tmp_path / "frames" / "frames.json").read_text())
    assert record == Frames.open(tmp_path / "frames").record
    assert record["counts"]["frames"] == len(frames)


def test_a_prepared_folder_is_found_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEMSCALE_DATA", str(tmp_path))
    write_frames(made(), tmp_path / "mine", source="made", record={})
    (tmp_path / "rmd17").mkdir()  # a folder of raw files has no frames.json
    assert len(frames_for("mine")) == 20
    assert prepared_frames("mine") is not None
    with pytest.raises(DataError, match="rmd17/aspirin: its file is not on this machine"):
        frames_for("rmd17")
