import numpy as np
import pytest

from chemscale.chem import property_worker
from chemscale.chem.properties import property_table
from chemscale.chem.smiles import MoleculeError, parse_smiles


def test_any_number_of_processes_gives_the_same_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(property_worker, "MOLECULES_PER_ORDER", 3)
    smiles = ["CCO", "c1ccccc1", "CC(=O)Nc1ccc(O)cc1", "CCN(CC)CC", "OCC(O)CO", "CC#N", "C1COCCN1"]
    expected = property_table([parse_smiles(text) for text in smiles])
    for workers in (None, 1, 2):
        blocks = list(property_worker.properties_of(smiles, workers))
        assert [len(block) for block in blocks] == [3, 3, 1]
        assert (np.concatenate(blocks) == expected).all()
    assert list(property_worker.properties_of([])) == []
    with pytest.raises(MoleculeError):
        list(property_worker.properties_of(["C1CC"]))
