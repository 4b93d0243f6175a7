"""Lists of SMILES read once."""

import pytest

from chemscale.chem.molecule_set import read_set


def test_what_is_no_molecule_is_none_and_silent(capfd: pytest.CaptureFixture[str]) -> None:
    found = read_set(["OCC", "", "C1CC", "CCO", " c1ccccc1 ", "CCO ethanol", "  ", "[Na+].[Cl-]"])
    assert found.smiles == ("CCO", "", "", "CCO", "c1ccccc1", "", "", "[Cl-].[Na+]")
    assert [molecule is None for molecule in found.molecules] == [False, True, True, False, False, True, True, False]
    assert found.valid_smiles == ["CCO", "CCO", "c1ccccc1", "[Cl-].[Na+]"]
    assert len(found.valid) == 4
    assert capfd.readouterr().err == ""


def test_an_empty_list_is_an_empty_set() -> None:
    assert read_set([]).valid == read_set([]).valid_smiles == []
