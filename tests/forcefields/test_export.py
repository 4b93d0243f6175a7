"""Exported force fields run where this program is not, and say the same."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import ase
import numpy as np
import pytest
import torch
from ase.build import bulk, molecule
from torch import Tensor

from chemscale.base.errors import ConfigError
from chemscale.forcefields import ForceFieldCalculator
from chemscale.forcefields.export import CARD, SUFFIXES, ExportFormat, export_force_field
from chemscale.forcefields.families import FAMILIES, build_model
from chemscale.forcefields.force_field import N_ELEMENTS, ForceField
from chemscale.forcefields.pairs import graph_of

CUTOFF = 5.0
STRUCTURES = {name: molecule(name) for name in ("H2O", "C6H6", "H2", "O", "CH3CH2OH")}

# Run with chemscale blocked: loads the files, computes all structures, writes what comes out.
ALONE = """
import sys
class NoChemscale:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "chemscale":
            raise ImportError("chemscale is blocked in this test")
sys.meta_path.insert(0, NoChemscale())
import torch
inputs, outputs, *files = sys.argv[1:]
found = {}
for path, kind in zip(files[::2], files[1::2]):
    card = {"force_field.json": ""}
    if kind == "export":
        model = torch.export.load(path, extra_files=card).module()
    elif kind == "torchscript":
        model = torch.jit.load(path, _extra_files=card)
    else:
        model = torch._inductor.aoti_load_package(path)
        card = model.loader.get_metadata()
    results = [tuple(part.detach() for part in model(*arguments)) for arguments in torch.load(inputs)]
    found[path] = card["force_field.json"], results
torch.save(found, outputs)
assert not any(name.partition(".")[0] == "chemscale" for name in sys.modules)
"""


def force_field(family: str) -> ForceField:
    settings = {"l_max": 1} if family == "allegro" else {}
    model = build_model(family, width=8, depth=1, species=[1, 6, 8], seed=1, backend="torch", **settings)
    references = torch.zeros(N_ELEMENTS, dtype=torch.float64)
    references[[1, 6, 8]] = torch.tensor([-13.6, -1027.8, -2040.2], dtype=torch.float64)
    model.set_units(1.7, references)
    return model


def arguments(atoms: ase.Atoms, cutoff: float, charge: float = 0.0) -> tuple[Tensor, ...]:
    cell = atoms.cell.array if atoms.pbc.any() else None
    graph = graph_of(atoms.numbers, atoms.positions, cutoff, cell, atoms.pbc)
    shifts = torch.zeros(graph.n_pairs, 3) if graph.shifts is None else graph.shifts
    return (
        torch.from_numpy(atoms.numbers),
        torch.from_numpy(atoms.positions),
        graph.first.index,
        graph.second.index,
        shifts.double(),
        torch.tensor([charge], dtype=torch.float64),
        torch.zeros(1, dtype=torch.float64),
    )


def check(files: dict[Path, tuple[str, ExportFormat]]) -> None:
    """Files of families are right for every size, one atom and one pair included, where this program is not."""
    folder = next(iter(files)).parent
    torch.save([arguments(atoms, CUTOFF) for atoms in STRUCTURES.values()], folder / "inputs.pt")
    named = [part for path, (_, kind) in files.items() for part in (str(path), kind)]
    command = [sys.executable, "-c", ALONE, str(folder / "inputs.pt"), str(folder / "outputs.pt"), *named]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = torch.load(folder / "outputs.pt")
    for path, (family, _) in files.items():
        text, results = found[str(path)]
        card = json.loads(text)
        assert card["cutoff"] == CUTOFF and card["species"] == [1, 6, 8] and card["dtype"] == "float64"
        assert (len(results[0]) == 3) == (card["outputs"] == ["energy", "forces", "charges"])
        check_results(family, results)


def check_results(family: str, results: list[list[Tensor]]) -> None:
    calculator = ForceFieldCalculator(force_field(family), dtype="float64")
    for atoms, (energy, forces, *charges) in zip(STRUCTURES.values(), results, strict=True):
        assert energy.shape == (1,)
        assert float(energy) == pytest.approx(calculator.get_property("energy", atoms), abs=1e-9)
        assert forces.numpy() == pytest.approx(calculator.get_property("forces", atoms), abs=1e-9)
        if charges:
            assert charges[0].numpy() == pytest.approx(calculator.get_property("charges", atoms), abs=1e-9)


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every family as TorchScript."""
    folder = tmp_path_factory.mktemp("scripts")
    return {
        family: export_force_field(force_field(family), folder / f"{family}.pt", format="torchscript", dtype="float64")
        for family in FAMILIES
    }


def test_every_family_runs_without_this_program(scripts: dict[str, Path]) -> None:
    check({path: (family, "torchscript") for family, path in scripts.items()})


def test_a_program_of_torch_export_runs_without_this_program(tmp_path: Path) -> None:
    check({export_force_field(force_field("schnet"), tmp_path / "model.pt2", dtype="float64"): ("schnet", "export")})


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"schnet"}))
def test_programs_of_torch_export_of_the_other_families(family: str, tmp_path: Path) -> None:
    check({export_force_field(force_field(family), tmp_path / "model.pt2", dtype="float64"): (family, "export")})


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="AOTInductor needs a C++ compiler")
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_machine_code_runs_without_this_program(family: str, tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    export_force_field(force_field(family), path, format="aotinductor", dtype="float64")
    check({path: (family, "aotinductor")})


def test_periodic_cells(scripts: dict[str, Path]) -> None:
    model = force_field("schnet")
    diamond = bulk("C", "diamond", a=3.6)
    diamond.rattle(0.05, seed=0)
    diamond.calc = ForceFieldCalculator(model, dtype="float64")
    energy, forces = torch.jit.load(scripts["schnet"])(*arguments(diamond, model.cutoff))
    assert float(energy) == pytest.approx(diamond.get_potential_energy(), abs=1e-5)  # shifts of `graph_of` are float32
    assert forces.numpy() == pytest.approx(diamond.get_forces(), abs=1e-5)


def test_long_range_physics_of_molecules_gives_no_finite_energy_for_a_cell(scripts: dict[str, Path]) -> None:
    model, card = force_field("spookynet"), {CARD: ""}
    loaded = torch.jit.load(scripts["spookynet"], _extra_files=card)
    assert json.loads(card[CARD])["periodic"] is False
    charged = arguments(molecule("H2O"), model.cutoff, charge=1.0)
    water = molecule("H2O")
    water.calc = ForceFieldCalculator(model, dtype="float64", charge=1)
    assert float(loaded(*charged)[0]) == pytest.approx(water.get_potential_energy(), abs=1e-9)
    energy = loaded(*arguments(bulk("C", "diamond", a=3.6), model.cutoff))[0]
    assert not np.isfinite(float(energy))


def test_single_precision_is_near_the_double(tmp_path: Path) -> None:
    model = force_field("schnet")
    loaded = torch.jit.load(export_force_field(model, tmp_path / "model.pt", format="torchscript"))
    atoms = molecule("CH3CH2OH")
    given = [part.float() if part.is_floating_point() else part for part in arguments(atoms, model.cutoff)]
    energy, forces = loaded(*given)
    atoms.calc = ForceFieldCalculator(model, dtype="float64")
    assert energy.dtype == torch.float64 and forces.dtype == torch.float32
    assert float(energy) == pytest.approx(atoms.get_potential_energy(), abs=1e-3)
    assert forces.numpy() == pytest.approx(atoms.get_forces(), abs=1e-3)


@pytest.mark.slow
def test_exporting_leaves_the_model_and_later_predictions_as_they_are(tmp_path: Path) -> None:
    # what a network keeps from one call to the next must not be symbols of the trace
    model = force_field("allegro")
    atoms = molecule("H2O")
    atoms.calc = ForceFieldCalculator(model)
    energy = atoms.get_potential_energy()
    for _ in range(2):
        export_force_field(model, tmp_path / "model.pt", format="torchscript")
    atoms.calc = ForceFieldCalculator(model)
    assert atoms.get_potential_energy() == energy


def test_bad_settings(tmp_path: Path) -> None:
    assert set(SUFFIXES) == {"export", "torchscript", "aotinductor"}
    with pytest.raises(ConfigError, match="format: 'onnx' is not allowed; expected one of export, torchscript"):
        export_force_field(force_field("schnet"), tmp_path / "a.pt2", format="onnx")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"should end in \.pt2 for the format 'export'"):
        export_force_field(force_field("schnet"), tmp_path / "a.bin")
