"""SMILES: canonical form, reasons, tokens."""

import pytest

from chemscale.chem.smiles import MoleculeError, canonical_smiles, is_smiles, split_smiles


def test_spellings_of_one_molecule_have_one_canonical_form() -> None:
    assert canonical_smiles("OCC") == canonical_smiles("C(O)C") == "CCO"
    assert canonical_smiles(" C1=CC=CC=C1 ") == "c1ccccc1"


def test_stereo_charge_isotope_and_fragments_are_kept() -> None:
    assert canonical_smiles("[13CH3][C@H](F)/C=C/[O-].[Na+]").count(".") == 1
    assert "@" in canonical_smiles("C[C@H](F)Cl")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("C1CC", "syntax"),
        ("hello", "syntax"),
        ("CCO ethanol", "white space"),
        ("C\nC", "white space"),
        ("C(C)(C)(C)(C)C", "valence"),
        ("c1cccc1", "kekulize"),
    ],
)
def test_a_refused_text_has_its_reason(text: str, reason: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MoleculeError, match=f"(?i){reason}"):
        canonical_smiles(text)
    assert not is_smiles(text)
    assert capfd.readouterr().err == ""


def test_tokens_are_atoms_brackets_bonds_rings_and_branches() -> None:
    text = "C[C@@H](Br)c1ccc%12[nH]%(101)cc1/C=C\\Cl.[Na+]"
    tokens = split_smiles(text)
    assert "".join(tokens) == text
    assert tokens[:7] == ["C", "[C@@H]", "(", "Br", ")", "c", "1"]
    assert {"%12", "%(101)", "[nH]", "/", "\\", "Cl", ".", "[Na+]"} <= set(tokens)


@pytest.mark.parametrize(("text", "position"), [("CC?O", 3), ("C[", 2), ("CCx", 3), ("%1", 1)])
def test_an_unknown_character_is_named_with_its_place(text: str, position: int) -> None:
    with pytest.raises(MoleculeError, match=f"character {position} "):
        split_smiles(text)
