"""Verdicts and reasons of the filters of MOSES."""

import json
from pathlib import Path

import pytest
from rdkit import Chem

from chemscale.chem.alert_tables import Alert
from chemscale.chem.alerts import AlertSet
from chemscale.chem.moses_filters import judge, judge_all

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "moses.json").read_text())


def test_verdicts_are_those_of_the_reference_implementation() -> None:
    assert [verdict.passes for verdict in judge_all(GOLDEN["generated"])] == GOLDEN["passes"]


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("CC(=O)Nc1ccc(O)cc1", ""),
        ("C", ""),
        ("[CH3]", ""),
        ("[2H]C", ""),
        ("C1CCCCCC1", ""),
        ("C1CCCCCCC1", "ring of 8 atoms"),
        ("C1CCCCCCCCCCC1", "ring of 12 atoms"),
        ("CC(=O)[O-].[Na+]", "charged O"),
        ("[Na]", "atom Na"),
        ("CP", "atom P"),
        ("CI", "atom I"),
        ("*C", "atom *"),
        ("CC=O", "MCF7"),
        ("C1OC1", "MCF5"),
        ("CSSC", "MCF16"),
        ("Oc1ccccc1O", "catechol_A(92)"),
        ("", "unreadable"),
        ("C1CC", "unreadable"),
        ("C(C)(C)(C)(C)C", "unreadable"),
    ],
)
def test_reasons(smiles: str, reason: str, capfd: pytest.CaptureFixture[str]) -> None:
    verdict = judge(smiles)
    assert verdict == (reason == "", reason)
    assert capfd.readouterr().err == ""
    if reason != "unreadable":
        assert judge(Chem.MolFromSmiles(smiles)) == verdict


def test_none_is_unreadable_and_an_empty_list_has_no_verdicts() -> None:
    assert judge(None).reason == "unreadable"
    assert judge_all([]) == []


def test_many_aromatic_rings_are_written_and_read_again() -> None:
    assert judge("c1ccc2c(c1)ccc1ccc3ccc4ccc5ccccc5c4c3c12").reason in ("", "polycyclic")


def test_alerts_of_ones_own_replace_those_of_moses() -> None:
    own = AlertSet([Alert("hydroxyl", "[OX2]-[#1]")])
    assert judge("CCO", own).reason == "hydroxyl"
    assert judge("CC=O", own).passes
