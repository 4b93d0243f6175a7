"""The verbs of embeddings and search as Python functions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import chemscale
from chemscale.base.errors import UserError
from chemscale.language.neighbours import METRICS, open_library


def test_all_public_verbs_are_there_and_the_right_ones() -> None:
    for name in chemscale.__all__:
        assert callable(getattr(chemscale, name)), name
    functions = {name: getattr(chemscale, name).__name__ for name in ("embed", "generate")}
    assert functions == {"embed": "embed_file", "generate": "generate_to_file"}
    with pytest.raises(AttributeError, match="no attribute 'embedding'"):
        _ = chemscale.embedding


def test_molecules_are_embedded(trained_run: Path, smiles_file: Path, tmp_path: Path) -> None:
    report = chemscale.embed(trained_run, smiles_file, tmp_path / "e.npy")
    assert report.n_embedded == len(np.load(report.out)) == 400


def test_neighbours_of_a_molecule(trained_run: Path, smiles_file: Path, tmp_path: Path) -> None:
    found = chemscale.neighbours(trained_run, smiles_file, "OCC", k=5, metric="l1", out=tmp_path / "near.csv")
    rows, distances = open_library(trained_run, smiles_file).by_embedding(["CCO"], 5, "l1")[0]
    assert found.table["distance"].tolist()[1:] == distances.tolist() and len(rows) == 5
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "near.csv"), found.table)
    assert set(found.evaluation.deltas) == {"l1", "Tanimoto", "random"} and found.evaluation.k == 100


def test_a_comparison_has_deltas_and_wins_in_one_table(trained_run: Path, smiles_file: Path) -> None:
    found = chemscale.compare_neighbours(trained_run, smiles_file, n_queries=4, k=6, seed=1)
    assert found.evaluation.k == 6 and len(found.evaluation.queries) == 4
    assert set(found.table["method"]) == {*METRICS, "Tanimoto", "random"}
    wins = found.table.dropna(subset="win_rate")
    assert wins["win_rate"].tolist() == found.evaluation.wins()["win_rate"].tolist() and len(wins) == 12
    again = chemscale.compare_neighbours(trained_run, smiles_file, n_queries=4, k=6, seed=1, metric="l2")
    assert set(again.table["method"]) == {"l2", "Tanimoto", "random"}


def test_settings_are_checked_before_the_work() -> None:
    with pytest.raises(UserError, match="metric: 'dot'; allowed: cosine, l1, l2"):
        chemscale.neighbours("absent", "absent.smi", "C", metric="dot")
    with pytest.raises(UserError, match="query 'C1CC'"):
        chemscale.neighbours("absent", "absent.smi", "C1CC")
    with pytest.raises(UserError, match="k: 0"):
        chemscale.neighbours("absent", "absent.smi", "C", k=0)
    for name in ("n_queries", "k"):
        with pytest.raises(UserError, match=f"{name}: 0"):
            chemscale.compare_neighbours("absent", "absent.smi", **{name: 0})
