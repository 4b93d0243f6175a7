"""An exported file in the calculator's hands."""

import copy
import pickle
from pathlib import Path

import ase
import numpy as np
import pytest
from ase.build import bulk, molecule

from chemscale.base.errors import ConfigError, DataError
from chemscale.forcefields import ForceFieldCalculator
from chemscale.forcefields.export import export_force_field
from chemscale.forcefields.exported import ExportedForceField
from chemscale.forcefields.families import build_model


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small force fields as TorchScript."""
    folder, found = tmp_path_factory.mktemp("exported"), {}
    for family in ("schnet", "spookynet"):
        model = build_model(family, width=8, depth=1, species=[1, 6, 8], backend="torch")
        found[family] = export_force_field(model, folder / f"{family}.pt", format="torchscript", dtype="float64")
    return found


@pytest.mark.parametrize("family", ["schnet", "spookynet"])
def test_the_calculator_says_the_same_with_the_file_as_with_the_model(files: dict[str, Path], family: str) -> None:
    model = build_model(family, width=8, depth=1, species=[1, 6, 8], backend="torch")
    atoms = molecule("CH3CH2OH")
    theirs, ours = ForceFieldCalculator(model, dtype="float64"), ForceFieldCalculator(files[family])
    assert ours.implemented_properties == theirs.implemented_properties
    for charge in (0, 1):
        atoms.info["charge"] = charge
        for name in ours.implemented_properties:
            expected = theirs.get_property(name, atoms)
            assert ours.get_property(name, atoms) == pytest.approx(expected, abs=1e-10)


def test_a_periodic_cell(files: dict[str, Path]) -> None:
    model = build_model("schnet", width=8, depth=1, species=[1, 6, 8], backend="torch")
    diamond = bulk("C", "diamond", a=3.6)
    diamond.rattle(0.05, seed=0)
    expected = ForceFieldCalculator(model, dtype="float64").get_property("forces", diamond)
    assert ForceFieldCalculator(files["schnet"]).get_property("forces", diamond) == pytest.approx(expected, abs=1e-10)
    with pytest.raises(DataError, match="is for molecules; set pbc=False"):
        ForceFieldCalculator(files["spookynet"]).get_property("energy", diamond)


def test_copies_load_the_file_again(files: dict[str, Path]) -> None:
    calculator = ForceFieldCalculator(files["schnet"])
    water = molecule("H2O")
    energy = calculator.get_property("energy", water)
    for other in (pickle.loads(pickle.dumps(calculator)), copy.deepcopy(calculator)):
        other.reset()
        assert other.get_property("energy", water) == energy


def test_bad_input(files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"element with atomic number 9: .* was made for 1, 6, 8"):
        ForceFieldCalculator(files["schnet"]).get_property("energy", ase.Atoms("F"))
    with pytest.raises(ConfigError, match=r"computes in torch\.float64, not in float32; export it again"):
        ForceFieldCalculator(files["schnet"], dtype="float32")
    for content in (b"", b"no archive", np.random.default_rng(0).bytes(1000)):
        (tmp_path / "bad.pt2").write_bytes(content)
        with pytest.raises(DataError, match=r"bad\.pt2: not an exported force field"):
            ExportedForceField(tmp_path / "bad.pt2")
