"""The screen never refuses an alert that matches."""

import pytest
from rdkit import Chem

from chemscale.chem.alert_screen import build_screen, is_charged, terms


@pytest.mark.parametrize(
    ("smarts", "expected"),
    [
        ("C", ["C"]),
        ("[#6&!H0]", ["#6", "!H0"]),
        ("[#6;!H0,$(N-[#6&R])]", ["#6", "!H0,$(N-[#6&R])"]),
        ("[$([#6]:[#6]),$(C(=O)[N&!H0])]", ["$([#6]:[#6]),$(C(=O)[N&!H0])"]),
        ("=&!@", ["=", "!@"]),
        ("=,:", ["=,:"]),
    ],
)
def test_terms_are_what_must_hold_together(smarts: str, expected: list[str]) -> None:
    assert terms(smarts) == expected


MOLECULES = {
    "acetamide": "CC(=O)N", "pyridine": "c1ccncc1", "chloride": "CCCl", "zwitterion": "C[N+](C)(C)CC(=O)[O-]",
    "sulfone": "CS(=O)(=O)C", "salt": "[Na+].[Cl-]", "ring": "C1CC1", "biaryl": "c1ccccc1-c1ccccc1", "single": "C",
}  # fmt: skip
SMARTS = [
    "C=O", "[#6]=[#8]", "c:n", "[F,Cl,Br,I]", "[#17,#35]", "[+]", "[-1]", "[#7+]", "[!#6]", "[!#6&!#1]~*", "*", "C1CC1",
    "[$(C=O)]", "[#16](=[#8])=[#8]", "cc", "c-c", "c-,:c", "[N,O]=,-[#6]", "[R]", "[#6]~[#7]", "[Na].[Cl]", "[#8].[#8]",
    "[D3]", "[nX2]", "[!$(C)]", "[C;H2]", "[#6&a]", "N[#6]=O", "[#6][#6](=[#8])[#7]", "[#0]", "[#11]", "[Na+]", "[2H]",
]  # fmt: skip


@pytest.mark.parametrize("smarts", SMARTS)
def test_what_matches_passes(smarts: str) -> None:
    query = Chem.MolFromSmarts(smarts)
    screen = build_screen([query])
    for name, smiles in MOLECULES.items():
        molecule = Chem.MolFromSmiles(smiles)
        if molecule.HasSubstructMatch(query):
            assert screen.candidates(molecule) == [0], name


@pytest.mark.parametrize(
    ("smarts", "smiles"),
    [
        ("C=O", "CCO"),
        ("[F,Cl]", "CCN"),
        ("[N+]", "CN"),
        ("N.N", "CN"),
        ("CCCCC", "CCCC"),
        ("[#6]:[#7]", "CN"),
        ("[!#6&!#1]", "CCC"),
        ("[#6]-[#6](=[#8])-[#7]", "NCC=O"),
    ],
)
def test_what_cannot_match_is_mostly_refused(smarts: str, smiles: str) -> None:
    assert build_screen([Chem.MolFromSmarts(smarts)]).candidates(Chem.MolFromSmiles(smiles)) == []


def test_charges_are_of_atoms_not_of_the_whole() -> None:
    assert is_charged(Chem.MolFromSmiles("C[N+](C)(C)CC(=O)[O-]"))
    assert not is_charged(Chem.MolFromSmiles("CN"))
