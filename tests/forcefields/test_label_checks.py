"""Every wrong unit and sign that the check knows, on labels that are made wrong on purpose."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.lj import LennardJones
from ase.collections import g2

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.frames import Frames
from chemscale.forcefields.label_checks import bond_ratio, check_labels, energy_ratio, force_faults
from chemscale.forcefields.preparation import frames_for, write_frames
from chemscale.forcefields.units import BOHR, HARTREE, KCAL_PER_MOL, KJ_PER_MOL, LabelUnits, label_units

EV = label_units("eV", "angstrom")
ATOMIC = label_units("hartree", "bohr")
# total energies in hartree, by accurate calculations of the atoms
ATOMS = {1: -0.5, 6: -37.845, 7: -54.589, 8: -75.067}


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    """Ethanol that shakes; a pair potential of ASE on top of the atoms' energies."""
    random, ethanol = np.random.default_rng(0), molecule("CH3CH2OH")
    atoms_energy = HARTREE * sum(ATOMS[number] for number in ethanol.numbers.tolist())
    made = []
    for _ in range(300):
        moved = ethanol.copy()
        moved.positions += 0.03 * random.standard_normal((9, 3))
        moved.calc = LennardJones(sigma=1.3, epsilon=0.5, rc=50.0)
        made.append(
            Frame(moved.numbers, moved.positions, atoms_energy + moved.get_potential_energy(), moved.get_forces())
        )
    return write_frames(made, tmp_path_factory.mktemp("labels") / "frames", source="made", record={})


def wrong(frames: Frames, energy: float = 1.0, length: float = 1.0, force: float = 1.0) -> Frames:
    """The frames with their labels times factors, as if they had been read in wrong units."""
    return dataclasses.replace(
        frames,
        energies=frames.energies * energy,
        positions=frames.positions * np.float32(length),
        forces=frames.forces * np.float32(force),
    )


def test_right_labels_pass(frames: Frames) -> None:
    check = check_labels(frames, EV, "made")
    assert check.contradictions == ()
    assert check.slope == pytest.approx(1, abs=0.05)
    assert check.bond_ratio == pytest.approx(1, abs=0.1)
    assert check.energy_ratio == pytest.approx(1, abs=0.04)
    assert "times the work of the forces" in check.verdict
    assert frames.record["label_check"]["verdict"] == check.verdict


@pytest.mark.parametrize(
    ("read_as", "energy", "length", "force", "advice"),
    [
        (EV, 1, 1, -1, "look like gradients, and were read as forces; set data.force_sign = 'gradients'"),
        (EV, 1, 1, 1 / KCAL_PER_MOL, "forces look like kcal/mol/angstrom"),
        (EV, 1, 1, BOHR / HARTREE, "forces look like hartree/bohr"),
        (EV, 1, 1, -BOHR / HARTREE, "forces look like hartree/bohr"),
        (EV, 1, 1, 1 / HARTREE, "forces look like hartree/angstrom"),
        (ATOMIC, 1, 1, 1 / BOHR, "data.force_energy_unit = 'hartree' and data.force_length_unit = 'angstrom'"),
        (label_units("hartree", "angstrom"), 1, 1, BOHR, "forces look like hartree/bohr"),
        (EV, 1 / KCAL_PER_MOL, 1, 1, "energies look like kcal/mol"),
        (EV, 1 / KCAL_PER_MOL, 1, 1 / KCAL_PER_MOL, "set data.energy_unit = 'kcal/mol'"),
        (EV, 1 / HARTREE, 1, 1 / HARTREE, "set data.energy_unit = 'hartree'"),
        (label_units("hartree", "angstrom"), HARTREE, 1, HARTREE, "set data.energy_unit = 'eV'"),
        (label_units("kcal/mol", "angstrom"), KCAL_PER_MOL / KJ_PER_MOL, 1, KCAL_PER_MOL / KJ_PER_MOL, "'kJ/mol'"),
        (EV, 1, 1 / BOHR, BOHR, "positions look like bohr, and were read as angstrom; set data.length_unit = 'bohr'"),
        (label_units("eV", "bohr"), 1, BOHR, 1 / BOHR, "set data.length_unit = 'angstrom'"),
    ],
)
def test_wrong_labels_are_named(
    frames: Frames, read_as: LabelUnits, energy: float, length: float, force: float, advice: str
) -> None:
    spoilt = wrong(frames, energy, length, force)
    with pytest.raises(DataError, match="made: its labels contradict each other") as caught:
        check_labels(spoilt, read_as, "made")
    assert advice in str(caught.value)
    assert "data.trust_labels = true" in str(caught.value)
    assert advice in " ".join(check_labels(spoilt, read_as, "made", strict=False).contradictions)


def test_gradients_that_were_turned_once_too_often_are_forces(frames: Frames) -> None:
    check = check_labels(wrong(frames, force=-1), label_units("eV", "angstrom", "gradients"), "made", strict=False)
    assert "look like forces, and were read as gradients; set data.force_sign = 'forces'" in check.contradictions[0]


@pytest.mark.parametrize("slope", [0.8, 1.0, 1.25])
def test_a_slope_near_one_is_no_fault(slope: float) -> None:
    assert force_faults(slope, EV) == ()


@pytest.mark.parametrize("slope", [3e7, -3e7, 8.0, -8.0])
def test_a_factor_that_is_no_unit_is_not_judged(slope: float) -> None:
    assert force_faults(slope, EV) == ()


def test_random_labels_and_placeholders_are_not_judged(frames: Frames) -> None:
    random = np.random.default_rng(0)
    noise = dataclasses.replace(frames, forces=random.standard_normal(frames.forces.shape).astype(np.float32))
    check = check_labels(noise, EV, "made")
    assert "cannot be checked: only" in check.verdict
    constant = dataclasses.replace(frames, energies=np.zeros(len(frames)))
    assert "the energies do not change" in check_labels(constant, EV, "made").verdict


def test_frames_far_apart_are_not_judged(tmp_path: Path) -> None:
    made = [Frame(molecule(name).numbers, molecule(name).positions, -1.0) for name in ("H2O", "CH4", "C6H6")]
    frames = write_frames(made, tmp_path / "frames", source="made", record={})
    check = check_labels(frames, EV, "made")
    assert check.verdict == "forces cannot be checked: no two geometries of one molecule are near enough"
    assert check.slope is None


def test_bonds_of_the_g2_molecules_are_near_one(tmp_path: Path) -> None:
    names = [name for name in g2.names if len(molecule(name)) > 2]
    made = [Frame(molecule(name).numbers, molecule(name).positions, -1.0) for name in names]
    frames = write_frames(made, tmp_path / "frames", source="made", record={})
    assert bond_ratio(frames) == pytest.approx(1.0, abs=0.05)


def test_a_dissociating_pair_has_no_bond_length(tmp_path: Path) -> None:
    made = [Frame(np.array([1, 1]), np.array([[0.0, 0, 0], [x, 0, 0]]), -1.0) for x in np.linspace(0.5, 6, 30)]
    made += [Frame(np.array([18, 18]), np.array([[0.0, 0, 0], [3.8, 0, 0]]), -1.0)] * 5
    assert bond_ratio(write_frames(made, tmp_path / "frames", source="made", record={})) is None


@pytest.mark.parametrize(("number", "total"), [(1, -0.5), (6, -37.845), (8, -75.067), (17, -460.15), (26, -1263.6)])
def test_total_energies_of_atoms_are_estimated_within_eight_per_cent(tmp_path: Path, number: int, total: float) -> None:
    made = [Frame(np.array([number]), np.zeros((1, 3)), total * HARTREE)]
    ratio = energy_ratio(write_frames(made, tmp_path / "frames", source="made", record={}))
    assert ratio == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("ratio", [0.06, 0.2, 0.239, -1.0, 0.0])
def test_energies_of_another_kind_are_not_judged(frames: Frames, ratio: float) -> None:
    shifted = dataclasses.replace(frames, energies=frames.energies + (ratio - 1) * frames.energies.mean())
    assert check_labels(shifted, EV, "made").contradictions == ()


def test_nothing_is_judged_where_no_energy_is_known(frames: Frames) -> None:
    check = check_labels(dataclasses.replace(frames, energies=np.full(len(frames), np.nan)), EV, "made")
    assert check.energy_ratio is None
    assert check.contradictions == ()


@pytest.mark.data
@pytest.mark.parametrize("source", ["rmd17/aspirin", "amons", "s66x8", "azobenzenes", "acac"])
def test_published_labels_pass_and_their_gradients_do_not(source: str) -> None:
    try:
        real = frames_for(source)
    except DataError as error:
        pytest.skip(str(error))
    check = check_labels(real, EV, source)
    assert check.slope == pytest.approx(1, abs=0.15)
    assert check.contradictions == ()
    for factor, advice in ((-1, "gradients"), (BOHR / HARTREE, "forces look like hartree/bohr")):
        assert advice in " ".join(check_labels(wrong(real, force=factor), EV, source, strict=False).contradictions)
