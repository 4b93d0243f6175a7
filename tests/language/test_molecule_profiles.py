"""Profiles of molecules."""

from rdkit import Chem

from chemscale.chem.fingerprints import morgan_fingerprints
from chemscale.chem.properties import properties_of
from chemscale.chem.scaffolds import murcko_scaffold
from chemscale.language.molecule_profiles import Profile, fingerprints_of, profile, property_values, set_distances


def profiled(smiles: str) -> Profile:
    molecule = Chem.MolFromSmiles(smiles)
    return profile(molecule, properties_of(molecule), murcko_scaffold(molecule))


def test_scaffolds_count_from_two_rings_on() -> None:
    found = [profiled(text).scaffold for text in ("CCc1ccccc1", "c1ccc2ccccc2c1CC", "CCO", "C1CC12CC2C", "C1CC1.C1CC1")]
    assert found == ["", "c1ccc2ccccc2c1", "", "C1CC12CC2", "C1CC1.C1CC1"]


def test_arrays_are_those_of_the_molecules() -> None:
    texts = ["CCO", "CC(=O)Nc1ccccc1"]
    profiles = [profiled(text) for text in texts]
    assert (fingerprints_of(profiles) == morgan_fingerprints(map(Chem.MolFromSmiles, texts))).all()
    assert property_values(profiles).shape == (2, 4)
    assert property_values([]).shape == (0, 4) and fingerprints_of([]).shape[0] == 0


def test_molecules_are_no_distance_from_themselves() -> None:
    profiles = [profiled(text) for text in ("CCO", "CC(=O)Nc1ccccc1", "c1ccc2ccccc2c1CC")]
    found = set_distances(profiles, profiles)
    assert abs(found.nearest - 1) < 1e-6 and abs(found.fragments - 1) < 1e-9 and abs(found.scaffolds - 1) < 1e-9
    assert set(found.properties.values()) == {0.0}
