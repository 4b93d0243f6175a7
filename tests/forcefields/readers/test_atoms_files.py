import gzip
import lzma
from pathlib import Path
from typing import Any

import ase.db
import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.readers.formats import open_frames_file
from chemscale.forcefields.readers.frame_source import FrameFault
from chemscale.forcefields.units import KCAL_PER_MOL, UnitSettings

FORCES = np.random.default_rng(0).standard_normal((3, 3)).round(6)


def water(**calculated: Any) -> Atoms:
    atoms = molecule("H2O")
    if calculated:
        atoms.calc = SinglePointCalculator(atoms, **calculated)
    return atoms


def read(path: Path, settings: UnitSettings | None = None) -> list[Frame | FrameFault]:
    return list(open_frames_file(path, settings)[1].frames)


def only(path: Path) -> Frame:
    (frame,) = read(path)
    assert isinstance(frame, Frame)
    return frame


@pytest.mark.parametrize("suffix", [".xyz", ".extxyz", ".traj"])
def test_calculator_results_are_labels(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    ase.io.write(path, [water(energy=-14.5, forces=FORCES), water(energy=-13.5)])
    first, second = read(path)
    assert isinstance(first, Frame)
    assert isinstance(second, Frame)
    assert first.energy == -14.5
    assert first.forces == pytest.approx(FORCES)
    assert first.positions == pytest.approx(molecule("H2O").positions, abs=1e-7)
    assert second.energy == -13.5
    assert second.forces is None


@pytest.mark.parametrize("compress", [gzip.open, lzma.open])
def test_compressed_files_are_read(tmp_path: Path, compress: Any) -> None:
    plain, packed = tmp_path / "a.xyz", tmp_path / f"a.xyz.{'gz' if compress is gzip.open else 'xz'}"
    ase.io.write(plain, [water(energy=float(k)) for k in range(20)])
    with compress(packed, "wb") as stream:
        stream.write(plain.read_bytes())
    assert [frame.energy for frame in read(packed) if isinstance(frame, Frame)] == list(range(20))


@pytest.mark.parametrize("prefix", ["REF_", "DFT_", "dft_"])
def test_reference_labels_come_before_what_a_calculator_left(tmp_path: Path, prefix: str) -> None:
    atoms = water(energy=1.0, forces=np.zeros((3, 3)))
    atoms.info[f"{prefix}energy"] = -14.5
    atoms.arrays[f"{prefix}forces"] = FORCES
    ase.io.write(tmp_path / "a.xyz", atoms, format="extxyz")
    frame = only(tmp_path / "a.xyz")
    assert frame.energy == -14.5
    assert frame.forces == pytest.approx(FORCES)


def test_energy_and_forces_are_of_one_kind(tmp_path: Path) -> None:
    atoms = water(energy=1.0, forces=FORCES)
    atoms.info["REF_energy"] = -14.5
    ase.io.write(tmp_path / "a.xyz", atoms, format="extxyz")
    frame = only(tmp_path / "a.xyz")
    assert frame.energy == -14.5
    assert frame.forces is None


def test_gradients_are_turned(tmp_path: Path) -> None:
    atoms = water()
    atoms.arrays["gradient"] = FORCES
    ase.io.write(tmp_path / "a.xyz", atoms, format="extxyz")
    assert only(tmp_path / "a.xyz").forces == pytest.approx(-FORCES)


@pytest.mark.parametrize(
    ("info", "charge", "unpaired"),
    [
        ({"charge": 1}, 1, 1),
        ({"total_charge": -1.0, "spin_multiplicity": 4}, -1, 3),
        ({"spin": 3}, 0, 2),
        ({"unpaired": 2}, 0, 2),
        ({}, 0, 0),
    ],
)
def test_charge_and_spin_are_read(tmp_path: Path, info: dict[str, Any], charge: int, unpaired: int) -> None:
    atoms = water(energy=0.0)
    atoms.info.update(info)
    ase.io.write(tmp_path / "a.xyz", atoms, format="extxyz")
    frame = only(tmp_path / "a.xyz")
    assert (frame.charge, frame.unpaired) == (charge, unpaired)


def test_cells_come_along(tmp_path: Path) -> None:
    silicon = bulk("Si")
    silicon.calc = SinglePointCalculator(silicon, energy=-1.0)
    ase.io.write(tmp_path / "a.xyz", silicon)
    frame = only(tmp_path / "a.xyz")
    assert frame.cell == pytest.approx(silicon.cell[:])
    assert frame.periodic == (True, True, True)
    boxed = water(energy=0.0)
    boxed.cell = np.eye(3) * 50
    ase.io.write(tmp_path / "b.xyz", boxed)
    assert only(tmp_path / "b.xyz").cell is None


def test_a_broken_frame_does_not_end_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    ase.io.write(path, [water(energy=float(k)) for k in range(3)])
    lines = path.read_text().splitlines()
    lines[7] = "H zero one two"
    path.write_text("\n".join(lines) + "\n\n")
    first, second, third = read(path)
    assert isinstance(first, Frame)
    assert isinstance(third, Frame)
    assert third.energy == 2.0
    assert isinstance(second, FrameFault)
    assert "line 6" in second.reason


def test_a_cut_file_loses_its_last_frame_only(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    ase.io.write(path, [water(energy=float(k)) for k in range(2)])
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    first, second = read(path)
    assert isinstance(first, Frame)
    assert second == FrameFault("cannot be parsed: ValueError, line 6 (the file ends after 2 of 3 atoms)")


@pytest.mark.parametrize("text", ["what is this\n", "-3\ncomment\n", "3.0\n"])
def test_what_is_no_xyz_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.xyz").write_text(text)
    with pytest.raises(DataError, match="expected a number of atoms; is it extended XYZ"):
        read(tmp_path / "a.xyz")


def test_databases_are_read_with_their_units(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with ase.db.connect(path) as database:
        for k in range(3):
            database.write(
                molecule("CH2_s3B1d"),
                data={"energy": np.array([1.0 + k]), "forces": FORCES, "spin_multiplicity": np.array([2.0])},
            )
        database.metadata = {
            "_property_unit_dict": {"energy": "kcal/mol", "forces": "kcal/mol/Ang"},
            "_distance_unit": "Ang",
        }
    source = open_frames_file(path)[1]
    frames = [frame for frame in source.frames if isinstance(frame, Frame)]
    assert source.n_frames == len(frames) == 3
    assert source.units_from == "file"
    assert frames[2].energy == pytest.approx(3 * KCAL_PER_MOL)
    assert frames[2].forces == pytest.approx(FORCES * KCAL_PER_MOL)
    assert frames[0].unpaired == 2


def test_a_plain_database_is_in_ev(tmp_path: Path) -> None:
    with ase.db.connect(tmp_path / "a.db") as database:
        database.write(water(energy=-14.5, forces=FORCES), smiles="O")
    frame = only(tmp_path / "a.db")
    assert frame.energy == -14.5
    assert frame.forces == pytest.approx(FORCES)
    assert frame.molecule == "O"


@pytest.mark.parametrize("name", ["a.db", "a.traj", "a.xyz.gz", "a.xyz.xz"])
def test_files_that_are_not_what_they_are_called_are_said(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"this is something else entirely" * 30)
    with pytest.raises(DataError, match=r"a\.\w+"):
        read(tmp_path / name)
