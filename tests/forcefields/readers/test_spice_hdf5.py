from pathlib import Path

import h5py
import numpy as np
import pytest
from ase.build import molecule
from rdkit import Chem

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.readers.formats import open_frames_file
from chemscale.forcefields.readers.spice_hdf5 import formal_charge
from chemscale.forcefields.units import BOHR, HARTREE, LabelUnits, UnitSettings, label_units

RANDOM = np.random.default_rng(0)
ENERGIES, GRADIENTS = RANDOM.standard_normal(2), RANDOM.standard_normal((2, 3, 3))
NAMES = ("atomic_numbers", "conformations", "dft_total_energy", "dft_total_gradient")


def write(
    path: Path, spelling: dict[str, str] | None = None, units: tuple[str, ...] = (), group: str = "water"
) -> None:
    names = {name: (spelling or {}).get(name, name) for name in NAMES}
    with h5py.File(path, "a") as file:
        part = file.create_group(group)
        part[names["atomic_numbers"]] = molecule("H2O").numbers.astype(np.int16)
        part[names["conformations"]] = np.stack([molecule("H2O").positions / BOHR] * 2)
        part[names["dft_total_energy"]] = ENERGIES
        part[names["dft_total_gradient"]] = GRADIENTS
        part["smiles"] = [b"[O:1]([H:2])[H:3]"]
        for name, unit in zip(NAMES[1:], units, strict=False):
            part[names[name]].attrs["units"] = unit


@pytest.mark.parametrize("spelling", [{}, {"dft_total_energy": "DFT Total Energy", "conformations": "Conformations"}])
def test_gradients_in_atomic_units_become_forces(tmp_path: Path, spelling: dict[str, str]) -> None:
    write(tmp_path / "a.hdf5", spelling)
    _, source = open_frames_file(tmp_path / "a.hdf5")
    frames = [frame for frame in source.frames if isinstance(frame, Frame)]
    assert source.n_frames == len(frames) == 2
    assert source.units == label_units("hartree", "bohr", "gradients")
    assert frames[1].positions == pytest.approx(molecule("H2O").positions)
    assert frames[1].energy == pytest.approx(ENERGIES[1] * HARTREE)
    assert frames[1].forces == pytest.approx(-GRADIENTS[1] * HARTREE / BOHR)
    assert frames[1].molecule == "[O:1]([H:2])[H:3]"


def test_units_of_the_attributes_come_first(tmp_path: Path) -> None:
    write(tmp_path / "a.hdf5", units=("angstrom", "kcal/mol", "kcal/mol/angstrom"))
    _, source = open_frames_file(tmp_path / "a.hdf5")
    assert source.units == label_units("kcal/mol", "angstrom", "gradients")
    assert source.units_from == "file"


def test_molecules_in_different_units_are_refused_unless_set(tmp_path: Path) -> None:
    write(tmp_path / "a.hdf5", units=("bohr", "hartree", "hartree/bohr"))
    write(tmp_path / "a.hdf5", units=("angstrom", "hartree", "hartree/bohr"), group="second")
    with pytest.raises(DataError, match="its molecules are in different units"):
        open_frames_file(tmp_path / "a.hdf5")
    settings = UnitSettings(energy="hartree", length="bohr")
    assert open_frames_file(tmp_path / "a.hdf5", settings)[1].units == LabelUnits(
        "hartree", "bohr", "hartree", "bohr", "gradients"
    )


@pytest.mark.parametrize(
    "smiles",
    [
        "[H:3][C:1]#[C:2][H:4].[Na+:5]",
        "[Cl-]",
        "[Ca+2:1]",
        "C[N+](C)(C)C",
        "[O-][N+](=O)C",
        "[Fe++]",
        "[C@@H:1](F)(Cl)Br",
    ],
)
def test_charges_are_those_that_rdkit_finds(smiles: str) -> None:
    parsed = Chem.MolFromSmiles(smiles, sanitize=False)
    assert formal_charge(smiles) == Chem.GetFormalCharge(parsed)
