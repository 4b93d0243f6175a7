"""Labels: which kind a column is, what is missing, and which scaffolds stand by themselves."""

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem import Crippen

from chemscale.base.errors import ConfigError
from chemscale.chem.molecule_labels import MoleculeLabel, check_label_names, molecule_label, scaffold_label

SMILES = ["CCO", "c1ccccc1C", "c1ccccc1O", "C1CCCCC1", "c1ccncc1", "CC"]
MOLECULES = [Chem.MolFromSmiles(smiles) for smiles in SMILES]


def column(*texts: str, n_classes: int = 8) -> MoleculeLabel:
    return molecule_label("y", [], pd.DataFrame({"y": list(texts)}), n_classes)


def test_many_numbers_are_a_number() -> None:
    label = column("1.5", "", "-2e1", "nan", "3")
    assert label.classes == () and not label.is_binary
    np.testing.assert_array_equal(label.values, [1.5, np.nan, -20, np.nan, 3])
    assert label.known.tolist() == [True, False, True, False, True]


def test_zero_and_one_are_two_classes_also_with_gaps() -> None:
    label = column("1", "0", "", "1.0", "0", "0")
    assert label.classes == ("0", "1") and label.is_binary
    np.testing.assert_array_equal(label.values, [1, 0, np.nan, 1, 0, 0])


def test_few_whole_numbers_are_classes_and_few_broken_ones_are_not() -> None:
    assert column(*"3355113355").classes == ("1", "3", "5")
    assert column("0.5", "1.5", "0.5", "1.5", "0.5", "0.5").classes == ()
    assert column("10", "11", "12", "13").classes == ()  # as many levels as molecules


def test_infinities_are_missing_and_make_no_text_of_a_number() -> None:
    label = column("1.5", "inf", "2", "-Infinity", "", "1e999")
    assert label.classes == () and label.n_infinite == 3
    np.testing.assert_array_equal(label.values, [1.5, np.nan, 2, np.nan, np.nan, np.nan])
    outcomes = column("1", "0", "inf", "1", "0")
    assert outcomes.is_binary and outcomes.n_infinite == 1
    np.testing.assert_array_equal(outcomes.values, [1, 0, np.nan, 1, 0])
    assert column("1.5", "nan", "2").n_infinite == 0


def test_texts_are_classes_by_frequency_and_the_rest_is_other() -> None:
    label = column("b", "a", "b", "c", "", "d", "b", "a", n_classes=2)
    assert label.classes == ("b", "a", "other") and label.n_rest == 1
    np.testing.assert_array_equal(label.values, [0, 1, 0, 2, np.nan, 2, 0, 1])
    assert not column("b", "a", "b", "c", n_classes=1).is_binary


def test_one_class_too_many_takes_the_place_of_other() -> None:
    assert column("b", "a", "b", n_classes=1).classes == ("b", "a")


def test_what_cannot_colour_is_refused() -> None:
    with pytest.raises(ConfigError, match="occurs twice"):
        column("a", "b", "c")
    with pytest.raises(ConfigError, match="empty"):
        column("", " ")
    for texts in (("inf", "inf", ""), ("nan", "NA")):
        with pytest.raises(ConfigError, match="no finite number"):
            column(*texts)


def test_scaffolds_are_classes_and_molecules_without_rings_apart() -> None:
    label = molecule_label("scaffold", MOLECULES, pd.DataFrame({"y": SMILES}), 1)
    assert label.classes == ("c1ccccc1", "other", "no ring") and label.n_rest == 2
    np.testing.assert_array_equal(label.values, [2, 0, 0, 1, 1, 2])
    assert scaffold_label(["c1ccccc1", "C1CC1", "C1CC1"]).classes == ("C1CC1", "c1ccccc1")
    only = scaffold_label(["", ""])
    assert only.classes == ("no ring",) and only.values.tolist() == [0, 0]


def test_properties_are_rdkits_and_columns_come_first() -> None:
    label = molecule_label("logp", MOLECULES, pd.DataFrame({"y": SMILES}))
    assert label.values == pytest.approx([Crippen.MolLogP(molecule) for molecule in MOLECULES])
    own = molecule_label("logp", MOLECULES, pd.DataFrame({"logp": ["1.5", "2.5", "3.5", "4", "5", "6"]}))
    assert own.values[0] == 1.5


def test_names_are_found_and_wrong_ones_told() -> None:
    assert check_label_names(["EXPT", "scaffold", "expt", "LogP"], ["expt", "y"]) == ("expt", "scaffold", "logp")
    assert check_label_names(["A", "a"], ["a", "A"]) == ("A", "a")
    with pytest.raises(ConfigError, match="did you mean 'expt'"):
        check_label_names(["exptt"], ["expt", "calc"])
