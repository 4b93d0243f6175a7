"""The calculator of ASE: energies and forces against closed forms, and what it says of bad structures."""

import copy
import pickle
from pathlib import Path

import ase
import numpy as np
import pytest
import torch
from ase.build import bulk, molecule
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces
from ase.optimize import BFGS
from torch import Tensor, nn

from chemscale.base.errors import ConfigError, DataError
from chemscale.forcefields import ForceFieldCalculator
from chemscale.forcefields.families import FAMILIES, build_model
from chemscale.forcefields.force_field import N_ELEMENTS, ForceField
from chemscale.forcefields.graph import AtomGraph, distances_of
from chemscale.forcefields.output import AtomwiseOutput


class Springs(nn.Module):
    """Between all atoms within the cutoff (r - 1)^2, and charge^2 per frame; no atom knows what an element is."""

    def forward(self, graph: AtomGraph, positions: Tensor) -> AtomwiseOutput:
        halves = 0.5 * (distances_of(graph.vectors(positions)) - 1.0).square()
        count = graph.frames.sum(torch.ones_like(positions[:, :1])).squeeze(-1)
        share = graph.frames.gather(graph.charges.to(positions.dtype) / count)
        energies = graph.first.sum(halves) + graph.second.sum(halves) + share * graph.frames.gather(graph.charges)
        return AtomwiseOutput(energies, charges=share)


def springs(cutoff: float = 3.0) -> ForceField:
    force_field = ForceField(Springs(), [1, 8], cutoff)
    references = torch.zeros(N_ELEMENTS, dtype=torch.float64)
    references[1], references[8] = -13.0, -2000.25
    force_field.set_units(2.0, references)
    return force_field


def small(family: str) -> ForceField:
    return build_model(family, width=8, depth=1, species=[1, 6, 8], backend="torch")


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_energy_and_forces_of_springs(dtype: str, tolerance: float) -> None:
    atoms = ase.Atoms("H3", positions=[[100.0, 0, 0], [101.3, 0, 0], [102.6, 0, 0]])
    atoms.calc = ForceFieldCalculator(springs(), dtype=dtype)  # type: ignore[arg-type]
    energy = atoms.get_potential_energy()
    assert type(energy) is float
    assert energy == pytest.approx(-39.0 + 2.0 * (0.09 + 0.09 + 1.6**2), abs=20 * tolerance)
    assert atoms.get_potential_energy(force_consistent=True) == energy
    pull = 2.0 * 2.0 * (0.3 + 1.6)
    expected = [[pull, 0, 0], [0, 0, 0], [-pull, 0, 0]]
    assert atoms.get_forces() == pytest.approx(np.array(expected), abs=10 * tolerance)
    assert atoms.get_forces().dtype == np.float64


def test_a_pair_just_outside_of_the_cutoff_does_not_count_whatever_the_skin() -> None:
    # this network does not fade at the cutoff: the energy jumps by 2 (3 - 1)^2 = 8 eV where the pair leaves
    atoms = ase.Atoms("H2", positions=[[0, 0, 0], [0, 0, 2.999]])
    atoms.calc = ForceFieldCalculator(springs(), skin=0.5, dtype="float64")
    assert atoms.get_potential_energy() == pytest.approx(-26.0 + 2.0 * 1.999**2)
    atoms.positions[1, 2] = 3.001
    assert atoms.get_potential_energy() == -26.0
    assert atoms.get_forces() == pytest.approx(np.zeros((2, 3)))
    atoms.positions[1, 2] = 2.9
    assert atoms.get_potential_energy() == pytest.approx(-26.0 + 2.0 * 1.9**2)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_forces_are_minus_the_gradient(family: str) -> None:
    atoms = molecule("CH3OH")
    atoms.calc = ForceFieldCalculator(small(family), dtype="float64")
    forces = atoms.get_forces()
    numeric = calculate_numerical_forces(atoms, 1e-5, iatoms=[0, 3])
    assert forces[[0, 3]] == pytest.approx(numeric, abs=1e-6 * max(1.0, np.abs(forces).max()))


def test_an_atom_alone_has_its_reference_energy_and_no_force() -> None:
    atoms = ase.Atoms("O")
    atoms.calc = ForceFieldCalculator(springs())
    assert atoms.get_potential_energy() == -2000.25
    assert (atoms.get_forces() == 0).all()


def test_charges_and_a_total_charge_that_changes_in_info() -> None:
    atoms = molecule("H2O")
    atoms.calc = ForceFieldCalculator(springs(), dtype="float64")
    neutral = atoms.get_potential_energy()
    atoms.info["charge"] = -2
    assert atoms.get_potential_energy() == pytest.approx(neutral + 2.0 * 4)
    assert atoms.get_charges() == pytest.approx([-2 / 3] * 3)
    atoms.calc = ForceFieldCalculator(springs(), dtype="float64", charge=1)
    assert atoms.get_charges().sum() == pytest.approx(1.0)  # the keyword is for every structure


def test_a_force_field_without_charges_says_so() -> None:
    atoms = molecule("H2O")
    atoms.calc = ForceFieldCalculator(small("schnet"))
    with pytest.raises(PropertyNotImplementedError):
        atoms.get_charges()


def test_a_periodic_cell_is_worth_as_many_atoms_as_it_has() -> None:
    calculator = ForceFieldCalculator(
        build_model("schnet", width=8, depth=2, cutoff=4.0, species=[6], backend="torch"), dtype="float64"
    )
    one = bulk("C", "diamond", a=3.6)
    one.calc = calculator
    energy = one.get_potential_energy()
    many = one.repeat((2, 3, 1))
    many.calc = calculator
    assert many.get_potential_energy() == pytest.approx(6 * energy, abs=1e-9)
    many.rattle(0.05, seed=1)
    forces = many.get_forces()
    many.positions += [1.7, -2.3, 0.9]
    many.wrap()
    assert many.get_forces() == pytest.approx(forces, abs=1e-10)
    assert calculate_numerical_forces(many, 1e-5, iatoms=[1]) == pytest.approx(forces[[1]], abs=1e-7)


def test_a_relaxation_ends_where_the_springs_are_at_rest() -> None:
    atoms = ase.Atoms("H2", positions=[[0, 0, 0], [0, 0, 1.7]])
    atoms.calc = ForceFieldCalculator(springs(), dtype="float64")
    BFGS(atoms, logfile=None).run(fmax=1e-8, steps=50)
    assert atoms.get_distance(0, 1) == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_copies_work_in_another_process(family: str) -> None:
    atoms = molecule("H2O")
    atoms.calc = ForceFieldCalculator(small(family), dtype="float64")
    energy = atoms.get_potential_energy()
    for other in (pickle.loads(pickle.dumps(atoms.calc)), copy.deepcopy(atoms.calc)):
        moved = atoms.copy()
        moved.calc = other
        assert moved.get_potential_energy() == energy
        moved.positions[0, 0] += 0.1
        assert moved.get_potential_energy() != energy
    assert atoms.get_potential_energy() == energy


def test_the_model_given_stays_as_it_is() -> None:
    model = small("painn").train()
    ForceFieldCalculator(model, dtype="float64")
    assert model.training
    assert all(weight.dtype == torch.float32 and weight.requires_grad for weight in model.parameters())


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (ase.Atoms("HF", positions=[[0, 0, 0], [0, 0, 1]]), "element with atomic number 9"),
        (ase.Atoms("H2", positions=[[0, 0, 0], [0, 0, np.nan]]), r"atom 1 \(counted from 0\) is at \[0.0, 0.0, nan\]"),
        (ase.Atoms("H2", positions=[[0, 0, 0], [0, 0, 0]]), "atoms 0 and 1 .* are at the same place"),
        (ase.Atoms("H2", positions=[[0, 0, 0], [0, 0, 1]], pbc=True), "set the cell, or pbc=False"),
        (ase.Atoms("H", info={"charge": 0.5}), r"info\['charge'\] is 0.5; expected an integer"),
        (ase.Atoms(), "a structure without atoms"),
    ],
    ids=["element", "nan", "same place", "no cell", "half a charge", "empty"],
)
def test_bad_structures(atoms: ase.Atoms, message: str) -> None:
    atoms.calc = ForceFieldCalculator(springs())
    with pytest.raises(DataError, match=message):
        atoms.get_potential_energy()


def test_bad_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"skin: -0\.1 is not allowed"):
        ForceFieldCalculator(springs(), skin=-0.1)
    with pytest.raises(ConfigError, match="dtype: 'half' is not allowed; expected one of float32, float64"):
        ForceFieldCalculator(springs(), dtype="half")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no run here"):
        ForceFieldCalculator(tmp_path)
