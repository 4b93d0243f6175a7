"""A small map made up of real molecules and random places."""

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from chemscale.chem.depiction import depict
from chemscale.chem.molecule_labels import molecule_label
from chemscale.chem.scaffolds import murcko_scaffold
from chemscale.report.maps.contents import NUMBER_COLUMNS, MapReport, Picture

SMILES = [
    "c1ccccc1C", "c1ccccc1O", "c1ccncc1", "Cc1ccncc1", "CCO", "CC(=O)O", "C1CCCCC1", "C[C@H](N)C(=O)O", "CC#N",
    "[O-][N+](=O)c1ccccc1", "[Na+].[Cl-]", "C1CC1",
]  # fmt: skip


@pytest.fixture(scope="session")
def made_up_map() -> MapReport:
    """Twelve molecules with a scaffold, a number with a gap, and a class with a gap."""
    molecules = [Chem.MolFromSmiles(smiles) for smiles in SMILES]
    columns = pd.DataFrame({
        "expt <x>": ["", *(f"{value:.1f}" for value in np.linspace(-9.5, 2.5, 11))],
        "toxic": ["1", "0", "0", "", "1", "0", "0", "0", "1", "0", "0", "0"],
    })  # fmt: skip
    names = ("scaffold", "expt <x>", "toxic")
    places = np.random.default_rng(0).normal(size=(2, 12, 2))
    numbers = [
        ("silhouette", "scaffold", "embedding", 0.25, np.nan, -0.1, 0.02, 8, 2),
        ("silhouette", "scaffold", "fingerprint", 0.5, np.nan, -0.2, 0.03, 8, 2),
        ("R2", "expt <x>", "embedding", -0.125, 0.05, 0, np.nan, 11, np.nan),
        ("R2", "expt <x>", "fingerprint", 0.75, 0.0625, 0, np.nan, 11, np.nan),
        ("ROC-AUC", "toxic", "embedding", 0.625, 0.125, 0.5, np.nan, 11, np.nan),
    ]
    labels = [molecule_label(name, molecules, columns, 2) for name in names]
    return MapReport(
        title="Map of <b>",
        lead="12 molecules & more",
        smiles=SMILES,
        lines=list(range(2, 14)),
        names=[f"</script>{place}" for place in range(12)],
        scaffolds=[murcko_scaffold(molecule) for molecule in molecules],
        drawings=[depict(molecule) for molecule in molecules],
        scaffold_drawings={"c1ccccc1": depict(Chem.MolFromSmiles("c1ccccc1"))},
        labels=labels,
        pictures=[
            Picture("pca", "PCA", places[0], ("component 1", "component 2"), "Keeps 10 %.", False),
            Picture("tsne", "t-SNE", places[1], ("", ""), "Keeps 90 %.", True),
        ],
        numbers=pd.DataFrame(numbers, columns=list(NUMBER_COLUMNS)),
        notes=["1 of 13 rows is not on the map."],
        commands=["chemscale map x <y>"],
        facts={"torch": "2"},
    )
