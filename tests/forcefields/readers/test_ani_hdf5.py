from pathlib import Path

import h5py
import numpy as np
import pytest
from ase.build import molecule

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.readers.formats import open_frames_file
from chemscale.forcefields.units import HARTREE

RANDOM = np.random.default_rng(0)


def frames_of(path: Path) -> list[Frame]:
    kind, source = open_frames_file(path)
    frames = [frame for frame in source.frames if isinstance(frame, Frame)]
    assert kind.title.startswith("ANI")
    assert source.n_frames == len(frames)
    return frames


def test_ani1x_groups_are_read_and_missing_labels_stay_missing(tmp_path: Path) -> None:
    energies, forces = RANDOM.standard_normal(4), RANDOM.standard_normal((4, 3, 3))
    energies[1], forces[2, 0] = np.nan, np.nan
    coordinates = molecule("H2O").positions + RANDOM.standard_normal((4, 3, 3))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for formula, name in (("H2O1", "H2O"), ("C1H4", "CH4")):
            group = file.create_group(formula)
            group["atomic_numbers"] = molecule(name).numbers.astype(np.uint8)
            group["coordinates"] = coordinates if name == "H2O" else molecule(name).positions[None]
            group["wb97x_dz.energy"] = energies if name == "H2O" else [-40.0]
            group["wb97x_tz.energy"] = np.full(4 if name == "H2O" else 1, 99.0)
        file["H2O1/wb97x_dz.forces"] = forces
    methane, *water = frames_of(tmp_path / "a.h5")
    assert methane.energy == pytest.approx(-40 * HARTREE)
    assert methane.forces is None
    assert len(water) == 4
    for row, frame in enumerate(water):
        assert frame.positions == pytest.approx(coordinates[row])
        assert frame.energy == pytest.approx(energies[row] * HARTREE, nan_ok=True)
        assert frame.forces == pytest.approx(forces[row] * HARTREE, nan_ok=True)


def test_ani2x_has_a_row_of_species_for_every_frame(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["002/species"] = np.array([[6, 8], [1, 9]])
        file["002/coordinates"] = np.array([[[0, 0, 0], [0, 0, 1.1]], [[0, 0, 0], [0, 0, 0.9]]], np.float32)
        file["002/energies"] = np.array([-113.0, -100.0])
        file["002/forces"] = np.ones((2, 2, 3))
    frames = frames_of(tmp_path / "a.h5")
    assert [frame.atomic_numbers.tolist() for frame in frames] == [[6, 8], [1, 9]]
    assert frames[1].forces == pytest.approx(np.full((2, 3), HARTREE))


def test_ani1_has_symbols_and_a_smiles_letter_by_letter(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("gdb11_s01/gdb11_s01-0")
        group["species"] = np.array([b"C", b"H", b"H", b"H", b"H"])
        group["coordinates"] = molecule("CH4").positions[None]
        group["energies"] = np.array([-40.5])
        group["smiles"] = np.array(list("[H]C"), dtype="S1")
    (frame,) = frames_of(tmp_path / "a.h5")
    assert frame.atomic_numbers.tolist() == [6, 1, 1, 1, 1]
    assert frame.molecule == "[H]C"


def test_a_group_without_numbers_is_said(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x/coordinates"] = np.zeros((1, 2, 3))
    with pytest.raises(DataError, match="group /x has no atomic_numbers or species"):
        frames_of(tmp_path / "a.h5")


def test_damage_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x/atomic_numbers"] = np.array([1, 1])
        file["x/coordinates"] = RANDOM.standard_normal((3000, 2, 3))
        file["x/energies"] = np.zeros(3000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"a\.h5: "):
        frames_of(path)
