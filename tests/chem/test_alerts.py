"""Alerts match what they match on molecules with hydrogens, one by one."""

import functools
import json
from pathlib import Path

import pytest
from rdkit import Chem

from chemscale.base.errors import DataError
from chemscale.chem.alert_tables import Alert, moses_alerts
from chemscale.chem.alerts import AlertSet, moses_alert_set
from chemscale.chem.embedded_library import distinct_sample
from chemscale.chem.molecule_set import read_set

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "moses.json").read_text())
# Molecules made to match, and some whose hydrogens are odd.
ALARMING = [
    "O=C1C=CC(=O)C=C1", "S=C1NC(=O)C(=Cc2ccccc2)S1", "c1ccc(cc1)N=Nc1ccccc1", "Oc1ccccc1O", "CN(C)c1ccc(C)cc1",
    "C=C1C(=O)NN(c2ccccc2)C1=O", "N#CC(C#N)=C(S)S", "OCN1CCCC1c1ccccc1O", "C1=CC(=C)OC1=C", "C1=CC(=C(C)C)OC1=O",
    "C1=CC(=C)SC1=C", "NC1=CC=CC=CC1", "[2H]C([2H])([2H])Cl", "[2H]c1ccccc1N", "[H][H]", "C[CH]Cl", "CC(=O)C(=O)C",
    "c1ccc2ccccc2[n+]1C", "C[n+]1ccc2ccccc2c1", "CSSC", "FC(F)(F)C(F)(F)C(F)(F)F", "ClC(Cl)(Cl)Cl", "BrC(Br)Br", "OCOC",
    "NCN", "NNN", "CN=NC", "C1OC1", "C1NC1", "CN=C=O", "CC=O", "C=CC#N", "C=CS(C)(=O)=O", "Clc1ncccc1", "C=CC(=O)N",
    "CC=N",
]  # fmt: skip


SMALL = ["C", "CC", "CCO", "CN", "COC", "C[C@H](N)O", "[2H]C", "[H][H]", "OC1CC1", "c1cc[nH]c1", "CC(C)(C)C", "O"]


def as_written(alerts: tuple[Alert, ...], molecule: Chem.Mol) -> tuple[str, ...]:
    """What the alerts say of a molecule with all its hydrogens."""
    with_hydrogens = Chem.AddHs(molecule)
    return tuple(alert.name for alert in alerts if with_hydrogens.HasSubstructMatch(_query(alert.smarts)))


@functools.cache
def _query(smarts: str) -> Chem.Mol:
    return Chem.MolFromSmarts(smarts)


def test_all_alerts_agree_with_molecules_with_hydrogens() -> None:
    smiles = [*ALARMING, *GOLDEN["generated"], *GOLDEN["reference"][:40], *distinct_sample(60, seed=3)]
    matched = set()
    for molecule in read_set(smiles).valid:
        expected = as_written(moses_alerts(), molecule)
        assert moses_alert_set().every(molecule) == expected, Chem.MolToSmiles(molecule)
        assert moses_alert_set().first(molecule) == (expected[0] if expected else "")
        matched.update(expected)
    assert len(matched) >= 25


@pytest.mark.parametrize(
    "smarts",
    [
        "[#6]-*", "[#6;$([#6]-*)]", "[#6D3]", "[#6;h2]", "[#1]", "[#6]-[#1]", "[#1]-[#6]-[#1]", "[#7]([#1])[#1]",
        "[#6,#1]-[#8]", "[!#6]", "[$([#8]-[#1])]", "[!$([#8]-[#1])]-[#6]", "[OX2H]", "*", "[#1]-*", "[H]C([H])([H])C",
        "[#8]-[#1].[#7]-[#1]", "[CH3]", "[X4]", "C(-*)(-*)-*", "[#6;!$([#6]-[#1])]", "[2H]", "[D1]", "*~*",
    ],
)  # fmt: skip
def test_hydrogens_in_an_alert_of_ones_own(smarts: str) -> None:
    """Any atom, counted neighbours, hydrogens alone and in recursive parts: all mean what they say."""
    alerts = (Alert("own", smarts),)
    compiled = AlertSet(alerts)
    for smiles in SMALL:
        molecule = Chem.MolFromSmiles(smiles)
        assert compiled.every(molecule) == as_written(alerts, molecule), smiles


def test_no_alerts_and_wrong_ones_are_refused() -> None:
    with pytest.raises(DataError, match="no alerts"):
        AlertSet([])
    with pytest.raises(DataError, match="alert bad"):
        AlertSet([Alert("bad", "C(")])
