"""Properties of molecules: values of a well-known one, and what tables need of each."""

import pytest
from rdkit import Chem

from chemscale.chem.properties import DIGITS, PROPERTIES, TITLES, properties_of, property_table

ASPIRIN = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")


def test_aspirin() -> None:
    assert dict(zip(PROPERTIES, properties_of(ASPIRIN), strict=True)) == pytest.approx(
        {"logp": 1.31, "sa": 1.58, "mw": 180.16, "qed": 0.55}, abs=0.01
    )
    assert property_table([ASPIRIN]).tolist() == [list(properties_of(ASPIRIN))]
    assert property_table([]).shape == (0, 4)


def test_every_property_has_a_title_and_digits() -> None:
    assert list(TITLES) == list(DIGITS) == list(PROPERTIES)
