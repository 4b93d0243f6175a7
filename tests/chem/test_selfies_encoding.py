"""SELFIES: round trips, symbols, and the spellings of two versions."""

import pytest
import selfies

from chemscale.chem.selfies_encoding import (
    decode_selfies,
    encode_selfies,
    major_version,
    selfies_version,
    spelling_version,
    split_selfies,
)
from chemscale.chem.smiles import MoleculeError, canonical_smiles

MOLECULES = ["CCO", "c1ccccc1C(=O)N", "C[C@H](F)/C=C/Cl", "[Na+].[O-]C(=O)C", "[13CH4]", "C1CC1C#N"]


@pytest.mark.parametrize("smiles", MOLECULES)
def test_round_trip_gives_the_same_molecule(smiles: str) -> None:
    assert canonical_smiles(decode_selfies(encode_selfies(smiles))) == canonical_smiles(smiles)


@pytest.mark.parametrize("smiles", MOLECULES)
def test_symbols_agree_with_the_library(smiles: str) -> None:
    text = encode_selfies(smiles)
    assert split_selfies(text) == list(selfies.split_selfies(text))


@pytest.mark.parametrize("text", ["CCO", "[C]C[O]", "[C", "C]", "[C][", "[[C]]", "[C]]["])
def test_what_is_not_selfies_is_refused(text: str) -> None:
    with pytest.raises(MoleculeError, match="not SELFIES"):
        split_selfies(text)


def test_the_empty_text_has_no_symbols() -> None:
    assert split_selfies("") == []


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("", "empty"),
        ("C C", "parse"),
        ("*CC", "parse"),
        ("c1ccccc1c", "kekul"),
        ("C(C)(C)(C)(C)C", "constraints.*5 bond"),
        ("[Xx]", "parse"),
    ],
)
def test_what_cannot_be_encoded_has_its_reason_in_one_line(smiles: str, reason: str) -> None:
    with pytest.raises(MoleculeError, match=reason) as caught:
        encode_selfies(smiles)
    assert "\n" not in str(caught.value)
    assert "SMILES:" not in str(caught.value)


def test_a_symbol_of_version_1_is_refused_and_read_in_compatibility_mode() -> None:
    with pytest.raises(MoleculeError):
        decode_selfies("[C][Branch1_2][C][=O][NHexpl]")
    assert decode_selfies("[C][C][Branch1_2][C][=O][O]", compatible=True) == "CC(=O)O"


@pytest.mark.parametrize(
    ("symbols", "version"),
    [
        (["[C]", "[=O]", "[Ring1]", "."], None),
        (["[C]", "[Branch1_2]"], 1),
        (["[C@Hexpl]"], 1),
        (["[Expl=Ring1]"], 1),
        (["[C]", "[=Branch1]"], 2),
        (["[Branch1]"], 2),
        (["[C@@H1]"], 2),
        (["[O-1]"], 2),
        (["[=Ring2]"], 2),
        (["[Branch1]", "[NHexpl]"], 1),
    ],
)
def test_the_spelling_tells_the_version(symbols: list[str], version: int | None) -> None:
    assert spelling_version(symbols) == version


def test_the_installed_version_spells_as_version_2() -> None:
    symbols = [symbol for smiles in MOLECULES for symbol in split_selfies(encode_selfies(smiles))]
    assert spelling_version(symbols) == major_version(selfies_version()) == 2
