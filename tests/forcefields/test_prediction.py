"""Predictions of a file of structures: in order, with what is wrong with the others beside."""

from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator

from chemscale.base.errors import ConfigError, DataError
from chemscale.forcefields import ForceFieldCalculator
from chemscale.forcefields.families import build_model
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.prediction import predict_structures

NAMES = ("H2O", "CH4", "C6H6", "H2", "CH3CH2OH", "CO2")


@pytest.fixture(scope="module")
def model() -> ForceField:
    return build_model("schnet", width=8, depth=2, species=[1, 6, 8], backend="torch")


def molecules() -> list[ase.Atoms]:
    return [molecule(name) for name in NAMES]


def read(path: Path) -> list[ase.Atoms]:
    structures = ase.io.read(path, index=":")
    assert isinstance(structures, list)
    return structures


@pytest.mark.parametrize("batch_atoms", [1, 10, 1000])
def test_the_file_has_what_the_calculator_says_in_the_same_order(
    model: ForceField, tmp_path: Path, batch_atoms: int
) -> None:
    ase.io.write(tmp_path / "in.xyz", [*molecules(), ase.Atoms("O"), bulk("C", "diamond", a=3.6)])
    report = predict_structures(
        model, tmp_path / "in.xyz", tmp_path / "out.xyz", batch_atoms=batch_atoms, dtype="float64"
    )
    assert (report.n_structures, report.n_predicted, report.rejects) == (8, 8, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.xyz", "out.xyz"]
    calculator = ForceFieldCalculator(model, dtype="float64")
    for given, predicted in zip(read(tmp_path / "in.xyz"), read(tmp_path / "out.xyz"), strict=True):
        assert given.get_chemical_formula() == predicted.get_chemical_formula()
        assert given.pbc.tolist() == predicted.pbc.tolist()
        given.calc = calculator
        assert predicted.get_potential_energy() == pytest.approx(given.get_potential_energy(), abs=1e-9)
        assert predicted.get_forces() == pytest.approx(given.get_forces(), abs=1e-7)


def test_errors_against_labels_in_the_file(model: ForceField, tmp_path: Path) -> None:
    structures, calculator = molecules(), ForceFieldCalculator(model, dtype="float64")
    for number, atoms in enumerate(structures):
        atoms.calc = calculator
        forces, energy = atoms.get_forces(), atoms.get_potential_energy()
        wrong = 0.01 * np.ones((len(atoms), 3)) * (-1) ** np.arange(len(atoms))[:, None]
        atoms.calc = SinglePointCalculator(
            atoms, energy=energy + len(atoms) * 0.002 * (3 if number == 0 else -1), forces=forces + wrong
        )
    structures[1].calc.results.pop("energy")
    structures[2].calc.results.pop("forces")
    ase.io.write(tmp_path / "in.xyz", structures)
    errors = predict_structures(model, tmp_path / "in.xyz", tmp_path / "out.xyz", dtype="float64").errors
    assert errors.n_energies == 5
    assert errors.n_forces == 3 * (3 + 5 + 2 + 9 + 3)
    assert errors.energy_mae == pytest.approx((6 + 4 * 2) / 5, rel=1e-6)
    assert errors.energy_rmse == pytest.approx(np.sqrt((36 + 4 * 4) / 5), rel=1e-6)
    assert errors.force_mae == pytest.approx(10.0, rel=1e-5)
    assert errors.force_rmse == pytest.approx(10.0, rel=1e-5)
    labels = read(tmp_path / "out.xyz")[0]
    assert labels.info["REF_energy"] == pytest.approx(structures[0].get_potential_energy())
    assert labels.arrays["REF_forces"] == pytest.approx(structures[0].get_forces(), abs=1e-7)
    again = predict_structures(model, tmp_path / "out.xyz", tmp_path / "again.xyz", dtype="float64")
    assert again.errors.force_mae == pytest.approx(10.0, rel=1e-5)  # labels stay labels beside a prediction


def test_without_labels_there_are_no_errors(model: ForceField, tmp_path: Path) -> None:
    ase.io.write(tmp_path / "in.xyz", molecules())
    errors = predict_structures(model, tmp_path / "in.xyz", tmp_path / "out.xyz").errors
    assert (errors.n_energies, errors.n_forces) == (0, 0)
    assert np.isnan([errors.energy_mae, errors.energy_rmse, errors.force_mae, errors.force_rmse]).all()


def test_bad_structures_are_named_and_the_others_keep_their_order(model: ForceField, tmp_path: Path) -> None:
    text = (
        "1\n\nO 0 0 0\n"
        "1\n\nLi 0 0 0\n"
        "2\n\nH 0 0 0\nH 0 0 0\n"
        "1\n\nQq 0 0 0\n"
        "1\n\nH 0 0 nan\n"
        "2\n\nH 0 0 0\nH 0 zero 1\n"
        "0\n\n"
        "2\ncharge=half\nH 0 0 0\nH 0 0 1\n"
        "2\n\nH 0 0 0\nH 0 0 1\n"
        "3\n\nH 0 0 0\n"
    )
    (tmp_path / "in.xyz").write_text(text)
    report = predict_structures(model, tmp_path / "in.xyz", tmp_path / "out.xyz")
    assert [atoms.get_chemical_formula() for atoms in read(tmp_path / "out.xyz")] == ["O", "H2"]
    assert (report.n_structures, report.n_predicted) == (10, 2)
    assert report.rejects == tmp_path / "out.xyz.rejects.tsv"
    rows = [line.split("\t") for line in report.rejects.read_text().splitlines()]
    assert [int(number) for number, _ in rows] == [1, 2, 3, 4, 5, 6, 7, 9]
    expected = [
        "atomic number 3", "same place", "'Qq' is no chemical symbol", "[0.0, 0.0, nan]", "not readable",
        "without atoms", "info['charge'] is 'half'", "3 atoms expected",
    ]  # fmt: skip
    for (_, reason), part in zip(rows, expected, strict=True):
        assert part in reason


def test_other_formats_and_compression(model: ForceField, tmp_path: Path) -> None:
    for name in ("in.traj", "in.db", "in.json", "in.xyz.gz"):
        ase.io.write(tmp_path / name, molecules()[:2], format="extxyz" if name == "in.xyz.gz" else None)
        assert predict_structures(model, tmp_path / name, tmp_path / "out.xyz").n_predicted == 2


@pytest.mark.parametrize("name", ["in.xyz", "in.traj"])
@pytest.mark.parametrize("content", ["", "\n\n", "garbage\n"])
def test_nothing_usable(model: ForceField, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=name):
        predict_structures(model, tmp_path / name, tmp_path / "out.xyz")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_no_structure_can_be_predicted(model: ForceField, tmp_path: Path) -> None:
    (tmp_path / "in.xyz").write_text("1\n\nLi 0 0 0\n1\n\nNa 0 0 0\n")
    with pytest.raises(DataError, match=r"none of its 2 structures can be predicted; the first: element with .* 3"):
        predict_structures(model, tmp_path / "in.xyz", tmp_path / "out.xyz")
    assert [path.name for path in tmp_path.iterdir()] == ["in.xyz"]


def test_bad_settings(model: ForceField, tmp_path: Path) -> None:
    ase.io.write(tmp_path / "in.xyz", molecules())
    with pytest.raises(ConfigError, match="is the file to be read; choose another one"):
        predict_structures(model, tmp_path / "in.xyz", tmp_path / "in.xyz")
    with pytest.raises(ConfigError, match="batch_atoms: 0 is not allowed"):
        predict_structures(model, tmp_path / "in.xyz", tmp_path / "out.xyz", batch_atoms=0)
    with pytest.raises(DataError, match=r"no\.xyz: no such file"):
        predict_structures(model, tmp_path / "no.xyz", tmp_path / "out.xyz")
    (tmp_path / "in.foo").write_text("x")
    with pytest.raises(DataError, match="its format is not known"):
        predict_structures(model, tmp_path / "in.foo", tmp_path / "out.xyz")
