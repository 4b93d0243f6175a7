"""Embeddings and neighbours as a user meets them, and what is said of bad input."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chemscale.chem.selfies_encoding import encode_selfies, selfies_version, split_selfies
from chemscale.chem.smiles import canonical_smiles
from chemscale.language import ChemGPTConfig, to_huggingface
from chemscale.language.models.chemgpt import build_chemgpt
from chemscale.language.tokenizer import Tokenizer
from chemscale.language.vocabulary import Vocabulary

CommandLine = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def checkpoint(smiles_file: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    texts = [canonical_smiles(text) for text in smiles_file.read_text().split()]
    symbols = (symbol for text in texts for symbol in split_selfies(encode_selfies(text)))
    tokenizer = Tokenizer(Vocabulary.of(symbols, "selfies", selfies_version()))
    config = ChemGPTConfig(width=16, n_layers=2, n_heads=4, vocabulary_size=len(tokenizer))
    folder = tmp_path_factory.mktemp("model")
    to_huggingface(build_chemgpt(config, seed=0), tokenizer, folder)
    return str(folder)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, smiles_file: Path) -> Path:
    """A working folder with a table of molecules, one of them broken."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHEMSCALE_CACHE", str(tmp_path / "cache"))
    molecules = [canonical_smiles(text) for text in smiles_file.read_text().split()[:120]]
    Path("molecules.csv").write_text("smiles,label\nC1CC,0\n" + "".join(f"{text},1\n" for text in molecules))
    return tmp_path


def test_embed(folder: Path, checkpoint: str, command_line: CommandLine) -> None:
    status, out, err = command_line("embed", checkpoint, "molecules.csv", "--out", "e.npy", "--pooling", "last")
    assert status == 0, err
    assert "120 of 121 molecules embedded, 16 numbers each: e.npy" in out and "rows of NaN: 1" in out
    assert np.isnan(np.load("e.npy")).any(1).sum() == 1
    for arguments, message in (
        (["--out", "e.txt"], "written as .npy or .parquet"),
        (["--out", "molecules.csv/e.npy"], "is a file, so nothing can be written below it"),
        (["--out", "e.npy", "--layer", "9"], "this model has layers 0 (embedding) to 2"),
        (["--out", "e.npy", "--pooling", "sum"], "allowed: mean, last, max"),
        (["--out", "e.npy", "--column", "label"], "none of its 121 molecules can be embedded"),
        (["--out", "e.npy", "--column", "no"], "no column 'no'; columns seen: 'smiles', 'label'"),
    ):
        status, out, err = command_line("embed", checkpoint, "molecules.csv", *arguments)
        assert status == 2 and message in err and "Traceback" not in err, (arguments, err)
    status, _, err = command_line("embed", str(folder), "molecules.csv", "--out", "e.npy")
    assert status == 2 and "no run here" in err


def test_embeddings_beyond_the_trained_positions_are_told(
    trained_run: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained_run, run)
    config = json.loads((run / "config.json").read_text())
    assert config["data"]["max_tokens"] == 128
    config["data"]["max_tokens"] = 6
    (run / "config.json").write_text(json.dumps(config))
    molecules = tmp_path / "molecules.smi"
    molecules.write_text("CCO\nCCCO\nCCCCO\nCCCCCO\nC1CC\n")  # 5, 6, 7 and 8 tokens, and none
    arguments = (str(molecules), "--out", str(tmp_path / "e.npy"))
    status, out, err = command_line("embed", str(run), *arguments)
    assert status == 0, err
    assert "2 have more tokens than the 6 that the model was trained on" in out
    assert "more tokens" not in command_line("embed", str(trained_run), *arguments)[1]


def test_neighbours_of_one_molecule(
    folder: Path, checkpoint: str, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    command = ["neighbours", checkpoint, "--library", "molecules.csv", "--query", "OCC", "--k", "4"]
    status, out, err = command_line(*command, "--out", "near.csv")
    assert status == 0, err
    assert "120 molecules, 16 principal components (100.0 % of the variance)" in out and "1 left out" in out
    assert max(len(line) for line in out.splitlines() if "rejects" not in line) <= 100
    table = pd.read_csv("near.csv")
    assert table["smiles"][0] == "CCO" and len(table) == 5 and "CCO" not in set(table["smiles"][1:])
    for row in table.to_dict("records")[1:]:
        assert re.search(rf"^ *{row['rank']} +{1 - row['distance']:.3f} +{row['tanimoto']:.2f} ", out, re.MULTILINE)
    for method in ("embeddings, cosine", "fingerprints", "random"):
        assert re.search(rf"  {method} +LogP \d+\.\d\d  SA \d+\.\d\d  MW \d+\.\d  QED \d\.\d\d\d\n", out)
    built = list((folder / "cache" / "neighbours").iterdir())
    assert len(built) == 1 and built[0].name.startswith("molecules-")
    assert command_line(*command, "--metric", "l2")[0] == 0
    assert list((folder / "cache" / "neighbours").iterdir()) == built


def test_a_comparison_over_many_queries(folder: Path, checkpoint: str, command_line: CommandLine) -> None:
    command = ["neighbours", checkpoint, "--library", "molecules.csv", "--queries", "5", "--index", "index"]
    status, out, err = command_line(*command, "--out", "comparison.csv")
    assert status == 0, err
    assert "5 queries" in out and "wins" in out and (folder / "index" / "library.json").is_file()
    table = pd.read_csv("comparison.csv")
    assert len(table) == 20 and table["win_rate"].notna().sum() == 12
    assert set(table["method"]) == {"cosine", "l1", "l2", "Tanimoto", "random"}


def test_every_option_of_neighbours_counts(folder: Path, checkpoint: str, command_line: CommandLine) -> None:
    command = ["neighbours", checkpoint, "--library", "molecules.csv", "--index", "index"]
    status, out, err = command_line(*command, "--queries", "3", "--k", "7", "--metric", "l2", "--out", "c.csv")
    assert status == 0, err
    assert "|mean over 7 nearest - query|, 3 queries" in out and "most of" not in out and "table: c.csv" in out
    assert set(pd.read_csv("c.csv")["method"]) == {"l2", "Tanimoto", "random"}
    lines = set()
    for seed in ("0", "1"):
        out = command_line(*command, "--query", "CCO", "--seed", seed)[1]
        lines.add(next(line for line in out.splitlines() if line.startswith("  random")))
    assert len(lines) == 2


def test_a_small_library_tells_how_many_neighbours_it_has(
    folder: Path, checkpoint: str, command_line: CommandLine
) -> None:
    Path("few.smi").write_text("\n".join(Path("molecules.csv").read_text().split()[2:14]).replace(",1", "") + "\n")
    query = Path("few.smi").read_text().split()[0]
    status, out, err = command_line("neighbours", checkpoint, "--library", "few.smi", "--query", query, "--k", "20")
    assert status == 0, err
    assert "11 of the 20 asked for: the library has no more molecules other than a query" in out
    assert "of the mean of the 11 nearest" in out and "11 neighbours are most of 12 molecules" in out
    status, out, err = command_line("neighbours", checkpoint, "--library", "few.smi", "--queries", "3")
    assert status == 0, err
    assert "mean over 11 nearest" in out and "11 of the 100 neighbours asked for" in out
    assert len(re.findall(r" 50 % \[", out)) == 12


def test_an_approximate_search_tells_its_recall(folder: Path, checkpoint: str, command_line: CommandLine) -> None:
    pytest.importorskip("faiss", reason="approximate search needs faiss (extra search)")
    command = ["neighbours", checkpoint, "--library", "molecules.csv", "--query", "CCO", "--approximate"]
    status, out, err = command_line(*command)
    assert status == 0, err
    assert "100.0 % of the true 100 nearest are found" in out
    status, out, err = command_line(*command, "--metric", "l1")
    assert status == 2 and "allowed: cosine, l2" in err


def test_bad_requests_are_told(folder: Path, checkpoint: str, command_line: CommandLine) -> None:
    Path("empty.smi").write_text("")
    for arguments, message in (
        (["--library", "molecules.csv"], "give --query SMILES"),
        (["--library", "molecules.csv", "--query", "C", "--queries", "3"], "give --query SMILES"),
        (["--library", "molecules.csv", "--query", "C1CC"], "query 'C1CC': "),
        (["--library", "molecules.csv", "--query", "[U]"], "not in the vocabulary"),
        (["--library", "molecules.csv", "--query", "C" * 3000], "3002 tokens, but the model has 2048 positions"),
        (["--library", "molecules.csv", "--query", "C", "--metric", "dot"], "'dot'; allowed: cosine, l1, l2"),
        (["--library", "empty.smi", "--query", "C"], "is empty"),
        (["--library", "absent.smi", "--query", "C"], "no file or prepared folder"),
        (["--library", "molecules.csv", "--query", "C", "--index", "molecules.csv"], "is a file, expected a folder"),
    ):
        status, _, err = command_line("neighbours", checkpoint, *arguments)
        assert status == 2 and message in err and "Traceback" not in err, (arguments, err)
