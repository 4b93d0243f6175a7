"""Generation as a user meets it: a table of molecules, prompts, a sweep, and what it says of bad input."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from chemscale.chem.smiles import is_smiles, parse_smiles

CommandLine = Callable[..., tuple[int, str, str]]
SHORT = ("--set", "sampling.max_tokens=60")
SWEEP = """
[sweep]
title = "small"
molecules = ["CCCCCC(=O)Nc1ccc(O)cc1"]
prompt_lengths = [3, -3]
molecules_per_prompt = 3
[[sweep.strategies]]
vary = "top_k"
values = [5, 50]
sampling.max_tokens = 60
"""


@pytest.fixture
def run(trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The run folder; the working folder is a fresh one."""
    monkeypatch.chdir(tmp_path)
    return str(trained_run)


def test_the_same_seed_gives_the_same_bytes(run: str, smiles_file: Path, command_line: CommandLine) -> None:
    options = ("generate", run, "--n", "30", *SHORT, "--set", "sampling.top_k=10", "--reference", str(smiles_file))
    status, out, err = command_line(*options, "--out", "a.csv")
    assert status == 0, err
    assert "30 molecules (T 1, top 10): a.csv" in out and "passes the filters" in out and "novel" in out
    assert command_line(*options, "--out", "b.csv")[0] == 0
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    assert command_line(*options, "--seed", "1", "--out", "c.csv")[0] == 0
    assert Path("a.csv").read_bytes() != Path("c.csv").read_bytes()
    table = pd.read_csv("a.csv", keep_default_na=False)
    assert list(table["sample"]) == list(range(30))
    assert all(is_smiles(text) for text in table.loc[table["valid"], "smiles"])


def test_prompts_and_scaffolds(run: str, command_line: CommandLine) -> None:
    status, _, err = command_line("generate", run, "--n", "4", "--prompt", "CC(=O)N", *SHORT, "--out", "p.csv")
    assert status == 0, err
    assert set(pd.read_csv("p.csv")["prompt"]) == {"CC(=O)N"}
    scaffold = ("--scaffold", "CCc1ccccc1", "--no-quality")
    status, _, err = command_line("generate", run, "--n", "5", *scaffold, *SHORT, "--out", "s.csv")
    assert status == 0, err
    table = pd.read_csv("s.csv")
    assert len(table) == 5 and "passes_filters" not in table
    assert all(text.startswith("[C][=C][C][=C][C][=C][Ring1][=Branch1]") for text in table["text"])
    ring = parse_smiles("c1ccccc1")
    assert sum(parse_smiles(smiles).HasSubstructMatch(ring) for smiles in table["generated"]) >= 4
    Path("prompts.txt").write_text("CCCC\nCC(=O)N\n")
    options = ("--prompts", "prompts.txt", "--first", "2", "--set", "sampling.beams=3", "--out", "f.csv")
    assert command_line("generate", run, "--n", "3", *options, *SHORT)[0] == 0
    assert list(pd.read_csv("f.csv")["prompt"]) == ["CCCC"] * 3 + ["CC(=O)N"] * 3


def test_a_sweep_compares_checkpoints(run: str, command_line: CommandLine) -> None:
    Path("sweep.toml").write_text(SWEEP)
    shutil.copytree(run, "other/run")
    status, out, err = command_line("generate", run, "other/run", "--sweep", "sweep.toml", "--out", "swept")
    assert status == 0, err
    assert len(set(pd.read_csv("swept/table.csv")["model"])) == 2
    assert "passes the filters, %" in out and "prompts.svg" in out
    assert len(pd.read_csv("swept/table.csv")) == 8
    assert len(pd.read_csv("swept/samples.csv")) == 24
    assert Path("swept/figures/prompts.svg").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--prompt", "C(=O)N("), "the prompt 'C(=O)N(' cannot be encoded: not SMILES"),
        (("--prompt", "CCO", "--scaffold", "c1ccccc1"), "--prompt and --scaffold: only one"),
        (("--scaffold", "CCO"), "has no rings"),
        (("--first", "5"), "none is given"),
        (("--set", "sampling.top_q=5"), "unknown key; did you mean 'top_p'"),
        (("--set", "training.steps=5"), "only sampling.KEY can be set"),
        (("--set", "sampling.beams=2"), "30 molecules of a prompt, but 2 beams gives 2"),
        (("--prompts", "missing.txt"), "missing.txt"),
        (("--reference", "missing.smi"), "missing.smi"),
        (("--scaffold", "c1ccccc1", "--set", "sampling.beams=5"), "30 molecules of a prompt, but 5 beams gives 5"),
        (("--no-quality", "--reference", "known.smi"), "give one of the two"),
        (("--sweep", "frey2023/figure6"), "--n: a sweep says itself"),
        (("--set", "sampling.temperature=1e-9"), "sampling.temperature"),
        (("--prompts", "."), "is a folder"),
        (("--out", "molecules.parquet"), "a name that ends in .csv"),
        (("--out", "/dev/null"), "a name that ends in .csv"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(
    run: str, command_line: CommandLine, options: tuple[str, ...], message: str
) -> None:
    status, _, err = command_line("generate", run, "--n", "30", "--out", "out.csv", *options)
    assert status == 2 and message in err and "Traceback" not in err
    assert not Path("out.csv").exists()


def test_a_folder_that_is_no_checkpoint(command_line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    status, _, err = command_line("generate", str(tmp_path / "empty"), "--out", str(tmp_path / "x.csv"))
    assert status == 2 and "no run here" in err
    status, _, err = command_line("generate", str(tmp_path / "nowhere"), "--out", str(tmp_path / "x.csv"))
    assert status == 2 and "no such folder" in err


def test_a_sweep_needs_a_sweep_and_a_folder(run: str, command_line: CommandLine) -> None:
    status, _, err = command_line("generate", run, "--sweep", "smoke/chemgpt", "--out", "x")
    assert status == 2 and "expected a [sweep] and nothing else" in err
    Path("taken").write_text("")
    status, _, err = command_line("generate", run, "--sweep", "frey2023/figure6", "--out", "taken")
    assert status == 2 and "taken: is a file; a sweep leaves a folder" in err
    status, _, err = command_line("generate", run, "--sweep", "frey2023/figure6", "--out", "swept")
    assert status == 2 and "sweep.molecules" in err and not Path("swept").exists()


@pytest.mark.parametrize("verb", ["train", "study"])
def test_a_sweep_is_not_trained(command_line: CommandLine, verb: str) -> None:
    status, _, err = command_line(verb, "frey2023/figure6")
    assert status == 2 and "chemscale generate CHECKPOINT --sweep frey2023/figure6" in err
