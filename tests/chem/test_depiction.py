"""Drawings in few integers hold every atom, bond and label of RDKit's molecule."""

import json

import numpy as np
import pytest
from rdkit import Chem

from chemscale.chem.depiction import (
    DOUBLE,
    DOUBLE_LEFT,
    DOUBLE_RIGHT,
    HASH,
    SINGLE,
    TRIPLE,
    UNITS_PER_ANGSTROM,
    WEDGE,
    Depiction,
    depict,
)

SMILES = (
    "CCO", "c1ccccc1", "C#N", "N[C@@H](C)C(=O)O", "[NH4+].[Cl-]", "C[N+](=O)[O-]", "[2H]C", "c1ccc2[nH]ccc2c1",
    "F/C=C/F", "O=C1c2ccccc2C(=O)c2ccccc21", "C[Si](C)(C)C", "C", "[Na+]", "B1OBO1",
    "CC(=O)O[C@H]1CC[C@@]2(C)C3CC[C@]4(C)C(=O)CCC4C3CC=C2C1",
)  # fmt: skip


def drawn(smiles: str) -> tuple[Chem.Mol, Depiction]:
    molecule = Chem.MolFromSmiles(smiles)
    return molecule, depict(molecule)


def styles(drawing: Depiction) -> list[int]:
    return list(drawing.bonds[2::3])


@pytest.mark.parametrize("smiles", SMILES)
def test_atoms_bonds_and_labels_are_those_of_the_molecule(smiles: str) -> None:
    molecule, drawing = drawn(smiles)
    xy, bonds, labels = json.loads(json.dumps(drawing.to_json()))
    assert len(xy) == 2 * molecule.GetNumAtoms() and len(bonds) == 3 * molecule.GetNumBonds()
    pairs = {frozenset(bonds[i : i + 2]) for i in range(0, len(bonds), 3)}
    assert pairs == {frozenset((b.GetBeginAtomIdx(), b.GetEndAtomIdx())) for b in molecule.GetBonds()}
    named = {labels[i]: labels[i + 1 : i + 4] for i in range(0, len(labels), 4)}
    for atom in molecule.GetAtoms():
        if atom.GetSymbol() != "C" or atom.GetDegree() == 0:
            symbol = f"{atom.GetIsotope() or ''}{atom.GetSymbol()}"
            assert named[atom.GetIdx()] == [symbol, atom.GetTotalNumHs(), atom.GetFormalCharge()]


def test_bonds_have_the_length_of_a_drawing() -> None:
    _, drawing = drawn("c1ccccc1")
    places = np.array(drawing.xy).reshape(-1, 2)
    for i in range(0, len(drawing.bonds), 3):
        length = np.linalg.norm(places[drawing.bonds[i]] - places[drawing.bonds[i + 1]])
        assert length == pytest.approx(1.5 * UNITS_PER_ANGSTROM, abs=2)


def test_rings_have_single_and_double_bonds_with_the_second_line_inside() -> None:
    _, drawing = drawn("c1ccccc1")
    places = np.array(drawing.xy).reshape(-1, 2)
    assert sorted(styles(drawing)).count(SINGLE) == 3
    for i in range(0, len(drawing.bonds), 3):
        first, second, style = drawing.bonds[i : i + 3]
        if style == SINGLE:
            continue
        along, inwards = places[second] - places[first], places.mean(0) - places[first]
        to_the_left = along[0] * inwards[1] - along[1] * inwards[0] > 0
        assert style == (DOUBLE_LEFT if to_the_left else DOUBLE_RIGHT)


def test_chains_and_stereo_centres_have_their_bonds() -> None:
    assert styles(drawn("C=C")[1]) == [DOUBLE] and styles(drawn("C#N")[1]) == [TRIPLE]
    left, right = styles(drawn("N[C@@H](C)C(=O)O")[1]), styles(drawn("N[C@H](C)C(=O)O")[1])
    assert {WEDGE, HASH} == ({*left} | {*right}) & {WEDGE, HASH} and left != right


def test_the_molecule_itself_stays_as_it_was() -> None:
    molecule = Chem.MolFromSmiles("c1ccccc1[C@H](N)C")
    depict(molecule)
    assert molecule.GetNumConformers() == 0 and Chem.MolToSmiles(molecule) == Chem.CanonSmiles("c1ccccc1[C@H](N)C")
