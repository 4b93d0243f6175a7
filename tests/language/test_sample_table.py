"""One row for each generated text."""

import subprocess
import sys

import pytest

from chemscale.language.quality import molecule_table


def test_rows_in_order_with_reasons() -> None:
    table = molecule_table(["OCC", "", "CCO", "CC(=O)c1ccccc1", "[Na+].[Cl-]", "C1CC"])
    assert table["smiles"].tolist() == ["CCO", "", "CCO", "CC(=O)c1ccccc1", "[Cl-].[Na+]", ""]
    assert table["valid"].tolist() == [True, False, True, True, True, False]
    assert table["duplicate"].tolist() == [False, False, True, False, False, False]
    assert table["passes_filters"].tolist() == [True, False, True, True, False, False]
    assert table["filter_reason"][1] == table["filter_reason"][5] == "unreadable"
    assert table["scaffold"].tolist() == ["", "", "", "c1ccccc1", "", ""]
    assert table["mw"].isna().tolist() == [False, True, False, False, False, True]
    assert table["mw"][0] == pytest.approx(46.07, abs=0.01)
    assert 0 < table["qed"][3] < 1 < table["sa"][3]


@pytest.mark.parametrize("texts", [[], ["", "C1"]])
def test_nothing_valid_keeps_the_columns(texts: list[str]) -> None:
    table = molecule_table(texts)
    assert len(table) == len(texts)
    assert {
        "smiles",
        "valid",
        "duplicate",
        "passes_filters",
        "filter_reason",
        "mw",
        "logp",
        "qed",
        "sa",
        "scaffold",
    } == set(table.columns)


def test_quality_waits_for_neither_torch_nor_scipy() -> None:
    code = "import sys, chemscale.language.quality; sys.exit(bool({'torch', 'scipy'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
