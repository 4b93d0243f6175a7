from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import molecule

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.readers.formats import open_frames_file
from chemscale.forcefields.readers.frame_source import FrameSource
from chemscale.forcefields.units import BOHR, HARTREE, KCAL_PER_MOL, UnitSettings, label_units

WATER = molecule("H2O")
RANDOM = np.random.default_rng(0)
COORDS = WATER.positions + 0.1 * RANDOM.standard_normal((5, 3, 3))
ENERGIES, FORCES = RANDOM.standard_normal(5), RANDOM.standard_normal((5, 3, 3))
RMD17 = {"nuclear_charges": WATER.numbers, "coords": COORDS, "energies": ENERGIES, "forces": FORCES}
SGDML = {"z": WATER.numbers, "R": COORDS, "E": ENERGIES[:, None], "F": FORCES, "name": np.array(b"water")}


def opened(path: Path, arrays: dict[str, Any], settings: UnitSettings | None = None) -> FrameSource:
    np.savez(path, **arrays)
    return open_frames_file(path, settings)[1]


def frames_of(source: FrameSource) -> list[Frame]:
    frames = list(source.frames)
    assert all(isinstance(frame, Frame) for frame in frames)
    return frames  # type: ignore[return-value]


@pytest.mark.parametrize("arrays", [RMD17, SGDML], ids=["rMD17", "sGDML"])
def test_kcal_per_mol_become_ev(tmp_path: Path, arrays: dict[str, Any]) -> None:
    source = opened(tmp_path / "a.npz", arrays)
    frames = frames_of(source)
    assert source.n_frames == len(frames) == 5
    assert source.units_from == "format"
    for row, frame in enumerate(frames):
        assert frame.atomic_numbers.tolist() == [8, 1, 1]
        assert np.array_equal(frame.positions, COORDS[row])
        assert frame.energy == pytest.approx(ENERGIES[row] * KCAL_PER_MOL)
        assert frame.forces == pytest.approx(FORCES[row] * KCAL_PER_MOL)
    assert frames[0].molecule == ("water" if "z" in arrays else "")


def test_units_of_the_file_come_first(tmp_path: Path) -> None:
    source = opened(tmp_path / "a.npz", {**SGDML, "e_unit": "Hartree", "r_unit": "bohr"})
    (frame, *_) = frames_of(source)
    assert source.units == label_units("hartree", "bohr")
    assert source.units_from == "file"
    assert frame.positions == pytest.approx(COORDS[0] * BOHR)
    assert frame.energy == pytest.approx(ENERGIES[0] * HARTREE)
    assert frame.forces == pytest.approx(FORCES[0] * HARTREE / BOHR)


def test_units_that_are_not_known_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not understood \(e_unit 'cm', r_unit 'Ang'\); set data.energy_unit"):
        opened(tmp_path / "a.npz", {**SGDML, "e_unit": "cm", "r_unit": "Ang"})


def test_a_setting_stands_over_the_format(tmp_path: Path) -> None:
    source = opened(tmp_path / "a.npz", RMD17, UnitSettings(energy="eV", sign="gradients"))
    (frame, *_) = frames_of(source)
    assert source.units_from == "settings"
    assert frame.energy == ENERGIES[0]
    assert frame.forces == pytest.approx(-FORCES[0])


@pytest.mark.parametrize("missing", ["energies", "forces"])
def test_labels_may_be_missing(tmp_path: Path, missing: str) -> None:
    arrays = {name: array for name, array in RMD17.items() if name != missing}
    (frame, *_) = frames_of(opened(tmp_path / "a.npz", arrays))
    assert np.isnan(frame.energy) == (missing == "energies")
    assert (frame.forces is None) == (missing == "forces")


def test_published_splits_are_found_in_the_file_or_beside_it(tmp_path: Path) -> None:
    inside = opened(tmp_path / "a.npz", {**RMD17, "train_01": np.array([3, 1]), "test_01": np.array([0])})
    assert inside.subsets["train_01"].tolist() == [3, 1]
    for folder in ("npz_data", "splits"):
        (tmp_path / folder).mkdir()
    (tmp_path / "splits" / "index_train_02.csv").write_text("4\n2\n")
    beside = opened(tmp_path / "npz_data" / "rmd17_water.npz", RMD17)
    assert {name: rows.tolist() for name, rows in beside.subsets.items()} == {"train_02": [4, 2]}
    (tmp_path / "splits" / "index_train_02.csv").write_text("four\n")
    with pytest.raises(DataError, match=r"index_train_02\.csv: is no list of row numbers"):
        opened(tmp_path / "npz_data" / "rmd17_water.npz", RMD17)


@pytest.mark.parametrize(
    ("name", "array"), [("forces", FORCES[:4]), ("energies", ENERGIES[:2]), ("nuclear_charges", np.array([1, 1]))]
)
def test_arrays_that_do_not_fit_are_said(tmp_path: Path, name: str, array: Any) -> None:
    with pytest.raises(DataError, match=r"a\.npz: \w+ has the shape .*, expected"):
        opened(tmp_path / "a.npz", {**RMD17, name: array})


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"pickled objects, .* are refused"):
        opened(tmp_path / "a.npz", {**RMD17, "energies": np.array([{"a": 1}] * 5, dtype=object)})


def test_damage_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, **RMD17)
    whole = path.read_bytes()
    place = len(whole) // 3
    path.write_bytes(whole[:place] + bytes(200) + whole[place + 200 :])
    with pytest.raises(DataError, match=r"a\.npz: "):
        list(open_frames_file(path)[1].frames)
