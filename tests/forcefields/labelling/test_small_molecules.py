"""The molecules that frames are made of."""

from itertools import islice

import pytest
from rdkit import Chem

from chemscale.base.errors import UserError
from chemscale.forcefields.labelling.small_molecules import small_molecules


@pytest.fixture(scope="module")
def molecules() -> list[str]:
    return list(islice(small_molecules(0), 400))


def test_a_longer_sample_begins_with_a_shorter_one_and_another_seed_gives_others(molecules: list[str]) -> None:
    assert list(islice(small_molecules(0), 50)) == molecules[:50]
    assert list(islice(small_molecules(1), 50)) != molecules[:50]


def test_molecules_are_canonical_and_come_once(molecules: list[str]) -> None:
    assert len(set(molecules)) == len(molecules)
    assert all(Chem.CanonSmiles(smiles) == smiles for smiles in molecules)


def test_sizes_and_elements_are_those_promised(molecules: list[str]) -> None:
    elements = set()
    sizes = []
    for smiles in molecules:
        molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
        sizes.append(molecule.GetNumAtoms())
        elements |= {atom.GetSymbol() for atom in molecule.GetAtoms()}
        assert Chem.GetFormalCharge(molecule) == 0
        assert all(atom.GetNumRadicalElectrons() == 0 for atom in molecule.GetAtoms())
    assert elements == {"H", "C", "N", "O", "F", "S", "Cl"}
    assert min(sizes) >= 9 and max(sizes) <= 21
    assert len(set(sizes)) == 13


@pytest.mark.parametrize(
    "forbidden", ["[O]-[O]", "[#7]-[F,Cl]", "[CX4]([OX2])[OH]", "[CX4]([OH])[NX3]", "[CX4]([F])[Cl]"]
)
def test_unstable_groups_do_not_grow(molecules: list[str], forbidden: str) -> None:
    pattern = Chem.MolFromSmarts(forbidden)
    assert [smiles for smiles in molecules if Chem.MolFromSmiles(smiles).HasSubstructMatch(pattern)] == []


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(UserError, match="seed = -1"):
        small_molecules(-1)
