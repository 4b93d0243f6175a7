from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import molecule

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.readers.formats import open_frames_file
from chemscale.forcefields.readers.frame_source import FrameSource
from chemscale.forcefields.units import HARTREE, KCAL_PER_MOL, LabelUnits, UnitSettings, label_units

MOLECULES = [molecule(name) for name in ("H2O", "CH4", "CH3")]
N_ATOMS = np.array([len(atoms) for atoms in MOLECULES])
FORCES = np.random.default_rng(0).standard_normal((N_ATOMS.sum(), 3))
ARRAYS: dict[str, Any] = {
    "n_atoms": N_ATOMS,
    "z": np.concatenate([atoms.numbers for atoms in MOLECULES]),
    "pos": np.concatenate([atoms.positions for atoms in MOLECULES]),
    "energy": np.array([1.0, 2.0, np.nan]),
    "forces": FORCES,
    "name": np.array(["w", "m", "r"]),
}
UNITS = "pos Angstrom; energies kcal/mol; forces kcal/mol/A"


def opened(path: Path, settings: UnitSettings | None = None, **arrays: Any) -> FrameSource:
    np.savez(path, **{**ARRAYS, **arrays})
    return open_frames_file(path, settings)[1]


def test_frames_are_cut_and_converted(tmp_path: Path) -> None:
    source = opened(tmp_path / "a.npz", units=UNITS)
    frames = list(source.frames)
    assert source.n_frames == 3
    start = 0
    for frame, atoms in zip(frames, MOLECULES, strict=True):
        assert isinstance(frame, Frame)
        assert np.array_equal(frame.atomic_numbers, atoms.numbers)
        assert frame.forces == pytest.approx(FORCES[start : start + len(atoms)] * KCAL_PER_MOL)
        start += len(atoms)
    assert [frame.molecule for frame in frames if isinstance(frame, Frame)] == ["w", "m", "r"]
    assert [frame.unpaired for frame in frames if isinstance(frame, Frame)] == [0, 0, 1]


def test_a_smiles_stands_for_the_molecule_and_charges_are_read(tmp_path: Path) -> None:
    source = opened(
        tmp_path / "a.npz",
        units=UNITS,
        smiles=np.array(["O", "C", "[CH3]"]),
        charge=np.array([0, -1, 1]),
        unpaired=np.array([2, 1, 0]),
    )
    frames = [frame for frame in source.frames if isinstance(frame, Frame)]
    assert [(frame.molecule, frame.charge, frame.unpaired) for frame in frames] == [
        ("O", 0, 2),
        ("C", -1, 1),
        ("[CH3]", 1, 0),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (UNITS, label_units("kcal/mol", "angstrom")),
        ("pos Angstrom; energy kcal/mol (source float32 Hartree, 3e-5 Ha); forces kcal/mol/A", None),
        ("pos Angstrom; energy (S0) and e2 (S1) kcal/mol relative; forces (S0), forces2 (S1) = -grad kcal/mol/A", None),
        ("positions bohr; energy hartree", label_units("hartree", "bohr")),
        ("pos Angstrom; energy hartree; forces hartree/bohr", LabelUnits("hartree", "angstrom", "hartree", "bohr")),
        ("energy eV", label_units("eV", "angstrom")),
    ],
)
def test_units_stand_in_one_text(tmp_path: Path, text: str, expected: LabelUnits | None) -> None:
    source = opened(tmp_path / "a.npz", units=text)
    assert source.units == (expected or label_units("kcal/mol", "angstrom"))
    assert source.units_from == "file"


def test_a_file_without_units_asks_for_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"does not say in which unit .* Set data\.energy_unit"):
        opened(tmp_path / "a.npz")
    (frame, *_) = opened(tmp_path / "a.npz", UnitSettings(energy="hartree")).frames
    assert isinstance(frame, Frame)
    assert frame.energy == pytest.approx(HARTREE)


def test_frames_in_different_units_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="its frames are in different units"):
        opened(tmp_path / "a.npz", units=np.array(["energy eV", "energy eV", "energy hartree"]))


@pytest.mark.parametrize("text", ["energy furlong", "energy eV or hartree"])
def test_units_that_make_no_sense_are_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"set data\.energy_unit"):
        opened(tmp_path / "a.npz", units=text)


def test_lengths_that_do_not_fit_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"forces has the shape \(2, 3\), expected \(12, 3\)"):
        opened(tmp_path / "a.npz", units=UNITS, forces=FORCES[:2])
