"""Which label is asked for which number, in both spaces."""

import numpy as np

from chemscale.chem.molecule_labels import MoleculeLabel, scaffold_label
from chemscale.verbs.map_numbers import map_numbers

RANDOM = np.random.default_rng(0)
KNOWING = RANDOM.normal(size=(60, 4))
NOISE = RANDOM.normal(size=(60, 4))
SCAFFOLDS = ["c1ccccc1"] * 20 + ["C1CCCCC1"] * 10 + ["C1CC1"] * 4 + [""] * 26
NUMBER = MoleculeLabel("y", "y", np.where(np.arange(60) < 7, np.nan, KNOWING[:, 0]))
BINARY = MoleculeLabel("toxic", "toxic", (KNOWING[:, 0] > 0).astype(float), ("0", "1"))
CLASSES = MoleculeLabel("kind", "kind", np.arange(60.0) % 4, ("a", "b", "c", "other"), 1)


def test_each_kind_of_label_has_its_measure_in_both_spaces() -> None:
    labels = [scaffold_label(SCAFFOLDS), NUMBER, BINARY, CLASSES]
    numbers, silent = map_numbers(KNOWING, NOISE, SCAFFOLDS, labels, seed=0)
    assert silent == []
    assert numbers.groupby(["measure", "label"])["space"].apply(set).to_dict() == {
        (measure, label): {"embedding", "fingerprint"}
        for measure, label in (("silhouette", "scaffold"), ("silhouette", "kind"), ("R2", "y"), ("ROC-AUC", "toxic"))
    }
    table = numbers.set_index(["label", "space"])
    assert table.at[("y", "embedding"), "value"] > 0.4 > table.at[("y", "fingerprint"), "value"]
    assert table.at[("toxic", "embedding"), "value"] > 0.8 and table.at[("toxic", "embedding"), "control"] == 0.5
    # 20 and 10 members; four are too few, none is no ring. Three kinds and no leftovers.
    assert tuple(table.loc[("scaffold", "embedding"), ["n_molecules", "n_groups"]]) == (30, 2)
    assert tuple(table.loc[("kind", "embedding"), ["n_molecules", "n_groups"]]) == (45, 3)


def test_what_has_no_number_is_said() -> None:
    rare = MoleculeLabel("rare", "rare", np.where(np.arange(60) < 3, 1.0, 0.0), ("0", "1"))
    few = MoleculeLabel("few", "few", np.where(np.arange(60) < 11, KNOWING[:, 0], np.nan))
    numbers, silent = map_numbers(KNOWING, NOISE, [""] * 60, [rare, few], seed=0)
    assert numbers.empty and len(silent) == 3
    assert "by scaffold" in silent[0] and "of rare: 3 molecules are of the rarer class" in silent[1]
    assert "of few: 11 molecules have a value" in silent[2]
