"""The quality of molecules as text: what stands in it, what is left out, and the width of a terminal."""

import pytest

from chemscale.language.quality import assess, compare_with
from chemscale.language.quality_text import quality_text

GENERATED = ["CCO", "OCC", "CC(=O)Nc1ccc(O)cc1", "C1CC", "", "[Na+].[Cl-]", "[CH3]", "c1ccc2ccccc2c1", "C1CCCCCCC1"]
REFERENCE = ["C(C)O", "Cc1ccc2ccccc2c1", "CC(=O)Nc1ccccc1", "nonsense"]


@pytest.mark.parametrize("reference", [None, REFERENCE])
def test_the_text_fits_a_terminal(reference: list[str] | None) -> None:
    text = str(assess(GENERATED * 3, reference, unique_at=(2,)))
    assert max(map(len, text.splitlines())) <= 80
    assert "0.7778  (21)" in text
    assert ("novel" in text) == ("distance" in text) == (reference is not None)
    assert "ring of 8 atoms" in text


def test_properties_have_their_titles_and_digits() -> None:
    lines = quality_text(assess(["CCO"])).splitlines()
    assert [line.split()[0] for line in lines[-4:]] == ["LogP", "SA", "weight", "QED"]
    assert lines[-2].split()[-5:] == ["46.1", "46.1", "46.1", "to", "46.1"]
    assert lines[-4].split()[1] == "-0.00"


def test_a_number_that_is_not_defined_is_a_dash() -> None:
    lines = str(assess(["", "C1CC"], REFERENCE)).splitlines()
    found = {line[:40].strip(): line.split()[-1] for line in lines if line}
    assert found["novel"] == found["internal diversity"] == "-"
    assert lines[-1].split() == ["QED", "-", "-", "-", "to", "-", "-"]


def test_rare_reasons_are_counted_together() -> None:
    atoms = ["P", "[SiH4]", "I", "[SeH2]", "B", "[AsH3]", "[GeH4]"]
    lines = [line for line in str(assess(atoms)).splitlines() if "  not: " in line]
    assert len(lines) == 6 and lines[-1].split() == ["not:", "other", "reasons", "2"]


def test_a_long_reference_is_cut() -> None:
    text = str(compare_with("C" * 200 + "c1ccccc1", ["CCc1ccccc1", "nonsense"]))
    lines = text.splitlines()
    assert lines[0].endswith("...") and len(lines[0]) == 80 and max(map(len, lines)) <= 80
    assert "same scaffold                    1.0000" in text
