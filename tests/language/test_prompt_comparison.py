"""What is kept of the molecule of a prompt, and what changes."""

import math

import pytest

from chemscale.base.errors import UserError
from chemscale.chem.smiles import MoleculeError
from chemscale.language.quality import compare_with

TOLUENE = "Cc1ccccc1"


def test_scaffolds_kept_and_grown() -> None:
    found = compare_with(TOLUENE, [TOLUENE, "CCc1ccccc1", "c1ccc(-c2ccccc2)cc1", "C1CCCCC1", "C1CC", "CC=O"])
    assert found.scaffold == "c1ccccc1"
    assert (found.n_generated, found.n_valid, found.n_unique) == (6, 5, 5)
    assert (found.identical, found.same_scaffold, found.contains_scaffold) == (0.2, 0.4, 0.6)
    assert found.passes_filters == 0.8


def test_differences_are_generated_minus_reference() -> None:
    found = compare_with(TOLUENE, ["CCc1ccccc1", "CCCc1ccccc1", TOLUENE])
    assert found.differences["mw"].mean == pytest.approx(14.027, abs=1e-2)
    assert found.differences["mw"].lower_quartile == pytest.approx(7.01, abs=1e-2)
    assert 0 < found.nearest_similarity < 1
    assert found.similarity.mean > found.similarity.lower_quartile


def test_without_rings_there_is_no_scaffold_to_keep() -> None:
    found = compare_with("CCO", ["CCC"])
    assert found.scaffold == ""
    assert math.isnan(found.same_scaffold) and math.isnan(found.contains_scaffold)


def test_nothing_valid_is_nan_and_has_a_text() -> None:
    found = compare_with(TOLUENE, ["", "C1"])
    assert found.n_valid == 0
    assert math.isnan(found.nearest_similarity) and math.isnan(found.same_scaffold)
    assert max(map(len, str(found).splitlines())) <= 80


def test_wrong_input_is_named() -> None:
    with pytest.raises(MoleculeError):
        compare_with("C1CC", ["C"])
    with pytest.raises(UserError, match="nothing was generated"):
        compare_with("C", [])


def test_the_text_fits_a_terminal_for_a_large_molecule() -> None:
    text = str(compare_with("C" * 120 + "c1ccccc1", ["c1ccccc1"]))
    assert max(map(len, text.splitlines())) <= 80
    assert "contains the scaffold" in text
