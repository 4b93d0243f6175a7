"""The parts of the verb map: embedding in blocks, what is said beforehand, rejects."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chemscale.chem.molecule_table import MoleculeTable
from chemscale.language.embedder import Embedder
from chemscale.language.trained import load_checkpoint
from chemscale.verbs import maps


def test_blocks_embed_as_one_call_does(trained_run: Path, smiles_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smiles = smiles_file.read_text().split()[:20]
    smiles[3], smiles[11] = "C(C", "[Xe]"
    embedder = Embedder(load_checkpoint(trained_run))
    whole = embedder.embed(smiles)
    monkeypatch.setattr(maps, "_BLOCK", 6)
    blocks = maps._embed(embedder, smiles)
    np.testing.assert_allclose(blocks.vectors, whole.vectors, atol=1e-5)
    assert blocks.reasons == whole.reasons and set(blocks.reasons) == {3, 11}


def test_minutes_are_announced(capsys: pytest.CaptureFixture[str]) -> None:
    maps._warn_of_minutes(20_000)
    assert capsys.readouterr().err == ""
    maps._warn_of_minutes(30_000)
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "30,000" in said.err and "--limit N" in said.err


def test_rejects_are_one_line_each(tmp_path: Path) -> None:
    table = MoleculeTable(Path("a.csv"), (2, 4, 5), ("CC", "C\tC\nN", "x"), pd.DataFrame(index=range(3)))
    path = maps._write_rejects(table, {2: "no\nmolecule", 1: "two words"}, tmp_path)
    assert path is not None
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    assert lines[0] == ["row", "line", "smiles", "reason"] and all(len(line) == 4 for line in lines)
    assert [line[:2] for line in lines[1:]] == [["1", "4"], ["2", "5"]]
    assert maps._write_rejects(table, {}, tmp_path) is None and not path.exists()
