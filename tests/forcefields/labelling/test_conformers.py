"""Conformers and their classical Hessian."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem, rdForceFieldHelpers

from chemscale.chem.smiles import MoleculeError
from chemscale.forcefields.labelling.conformers import conformers, numerical_hessian
from chemscale.forcefields.labelling.displacements import nonzero_modes
from chemscale.forcefields.labelling.xtb import LabelError

KCAL_PER_MOL_IN_EV = 0.0433641


def test_ethanol_has_its_atoms_at_bonded_distances() -> None:
    found = conformers("CCO", 1, 7)[0]
    assert sorted(found.atomic_numbers.tolist()) == [1] * 6 + [6, 6, 8]
    assert (found.charge, found.unpaired) == (0, 0)
    assert np.linalg.norm(found.positions[0] - found.positions[1]) == pytest.approx(1.52, abs=0.03)


def test_the_same_seed_gives_the_same_conformers_and_several_differ() -> None:
    first, second = conformers("CCCCO", 2, 3)
    assert np.array_equal(first.positions, conformers("CCCCO", 2, 3)[0].positions)
    assert not np.allclose(first.positions, second.positions, atol=0.1)


@pytest.mark.parametrize(
    ("smiles", "charge", "unpaired"), [("C[NH3+]", 1, 0), ("CC(=O)[O-]", -1, 0), ("C[CH2]", 0, 1), ("[O][O]", 0, 2)]
)
def test_ions_and_radicals_carry_their_charge_and_unpaired_electrons(smiles: str, charge: int, unpaired: int) -> None:
    found = conformers(smiles, 1, 1)[0]
    assert (found.charge, found.unpaired) == (charge, unpaired)


def test_a_numerical_hessian_of_a_quadratic_is_exact() -> None:
    random = np.random.default_rng(0)
    root = random.standard_normal((6, 6))
    matrix = root + root.T
    assert numerical_hessian(lambda flat: matrix @ flat, random.standard_normal((2, 3))) == pytest.approx(matrix)


def test_the_hessian_is_the_curvature_of_the_mmff_energy() -> None:
    found = conformers("CC=O", 1, 5)[0]
    molecule = Chem.AddHs(Chem.MolFromSmiles("CC=O"))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    field = AllChem.MMFFGetMoleculeForceField(molecule, rdForceFieldHelpers.MMFFGetMoleculeProperties(molecule))

    def energy(flat: np.ndarray) -> float:
        return field.CalcEnergy(flat.tolist()) * KCAL_PER_MOL_IN_EV

    at = found.positions.reshape(-1)
    curvatures, modes = nonzero_modes(found.hessian, found.positions)
    assert len(curvatures) == 3 * 7 - 6 and curvatures.min() > 0
    for curvature, mode in list(zip(curvatures, modes.T, strict=True))[5::3]:
        step = 0.003 * mode
        numerical = (energy(at + step) + energy(at - step) - 2 * energy(at)) / 0.003**2
        assert numerical == pytest.approx(curvature, rel=0.01, abs=0.02)


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("CCO.CC", "more than one fragment"),
        ("*C", "wildcard"),
        ("CCCCCCCCCC", "more than 30 atoms"),
        ("[He]", "force field"),
    ],
)
def test_what_cannot_be_embedded_is_refused_with_a_reason(smiles: str, reason: str) -> None:
    with pytest.raises(LabelError, match=reason):
        conformers(smiles, 1, 1, max_atoms=30)


def test_a_text_that_is_no_molecule_is_refused() -> None:
    with pytest.raises(MoleculeError, match="not SMILES"):
        conformers("nonsense", 1, 1)
