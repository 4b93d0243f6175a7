"""The command line as a user meets it: what it prints, what it leaves, how it ends.

One train and one study run as real processes; everything else calls `main` in this process, which is the same code
without seconds of start-up.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from chemscale import verbs
from chemscale.base.records import RunFolder
from chemscale.studies.presets import preset_names

RUN = """
family = "chemgpt"

[model]
width = 8
n_layers = 2
n_heads = 2

[data]
source = "molecules.smi"
validation_size = 40

[training]
batch_size = 16
epochs = 1
evaluations = 2
"""
STUDY = (
    RUN.replace("width = 8\n", "")
    + """
[study]
title = "A study of <three> widths"

[grid]
model.width = [4, 8, 16]
data.size = [40, 120]
"""
)
STUDY_COMMAND = ("study", "study.toml", "--out", "study", "--workers", "2")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


Chemscale = Callable[..., Ended]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, smiles_file: Path) -> Path:
    """A user's folder: molecules, a run file, a study file."""
    folder = tmp_path_factory.mktemp("cli")
    shutil.copy(smiles_file, folder / "molecules.smi")
    (folder / "run.toml").write_text(RUN)
    (folder / "study.toml").write_text(STUDY)
    (folder / "empty.smi").touch()
    (folder / "no-molecules.smi").write_text("hello\nworld!!\n")
    (folder / "broken.toml").write_text("family = 'chemgpt'\n[model\n")
    return folder


@pytest.fixture(scope="module")
def study(folder: Path) -> Ended:
    """A study of six tiny runs in `study`, made by a real process."""
    return as_process(folder, *STUDY_COMMAND)


@pytest.fixture
def chemscale(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command_line: Callable[..., tuple[int, str, str]]
) -> Chemscale:
    """Calls the command line in this process, in the user's folder, with an empty data folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CHEMSCALE_DATA", str(folder / "data"))

    return lambda *arguments: Ended(*command_line(*arguments))


def as_process(folder: Path, *arguments: str) -> Ended:
    command = [str(Path(sys.executable).with_name("chemscale")), *arguments]
    environment = os.environ | {"COLUMNS": "160"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    return Ended(done.returncode, done.stdout, done.stderr)


def stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def printed_path(out: str, label: str) -> Path:
    lines = [line for line in out.splitlines() if line.startswith(label)]
    return Path(lines[-1].removeprefix(label).strip())


def test_help_names_every_verb(chemscale: Chemscale) -> None:
    ended = chemscale("--help")
    assert ended.status == 0
    for verb in ("train", "study", "report", "status", "presets", "keys", "data"):
        assert f"│ {verb} " in ended.out
    ended = chemscale("data", "--help")
    for verb in ("list", "get", "info", "verify", "prepare"):
        assert f"│ {verb} " in ended.out
    assert "--set" in chemscale("train", "--help").out


def test_train_trains_one_run_and_says_where_it_is(folder: Path) -> None:
    ended = as_process(folder, "train", "run.toml", "--out", "trained", "--set", "data.size=100")
    assert ended.status == 0, ended.err
    run = RunFolder(folder / printed_path(ended.out, "run folder"))
    assert run.path.parent == folder / "trained"
    result = run.result()
    assert f"finished after {result.resources['steps']:.0f} steps" in ended.out
    assert f"validation loss  {result.losses['validation_loss']:.4f}" in ended.out
    assert run.config()["data"]["size"] == result.resources["data_points"] == 100
    assert result.resources["steps"] == len(run.step_losses()) == 7
    for name in ("config.json", "curve.jsonl", "steps.npy", "checkpoint/best.safetensors"):
        assert (run.path / name).stat().st_size > 0


def test_a_finished_run_is_not_trained_again(chemscale: Chemscale) -> None:
    first = chemscale("train", "run.toml", "--out", "twice")
    before = stamps(Path("twice"))
    second = chemscale("train", "run.toml", "--out", "twice")
    assert first.status == second.status == 0
    assert first.out == second.out
    assert stamps(Path("twice")) == before


def test_a_study_leaves_its_table_its_figures_and_its_report(study: Ended, folder: Path) -> None:
    assert study.status == 0, study.err
    laws = pd.read_csv(folder / "study" / "fits.csv").query("x == 'n_parameters'")
    assert len(laws) == 2
    for beta in laws["beta"]:
        assert f" {beta:.3f} " in study.out
    assert printed_path(study.out, "report") == Path("study/report.html")
    table = pd.read_csv(folder / "study" / "table.csv")
    assert sorted(zip(table["model.width"], table["data.size"], strict=True)) == [
        (width, size) for width in (4, 8, 16) for size in (40, 120)
    ]
    assert (table["status"] == "finished").all()
    assert table["validation_loss"].between(1, 4).all()
    assert json.loads((folder / "study" / "study.json").read_text())["grid"]["model"] == {"width": [4, 8, 16]}
    page = (folder / "study" / "report.html").read_text()
    assert "A study of &lt;three&gt; widths" in page
    assert "chemscale study study.toml --out study" in page
    assert all(name in page for name in table["run"])
    figures = {path.name for path in (folder / "study" / "figures").iterdir()}
    assert figures >= {
        f"{name}.{kind}" for name in ("loss_against_model_size", "learning_curves") for kind in ("svg", "png")
    }


def test_the_same_command_again_trains_nothing(study: Ended, folder: Path, chemscale: Chemscale) -> None:
    before = stamps(folder / "study" / "runs")
    again = chemscale(*STUDY_COMMAND)
    assert (again.status, again.out) == (0, study.out)
    assert stamps(folder / "study" / "runs") == before


def test_another_study_in_the_same_folder_is_refused(study: Ended, chemscale: Chemscale) -> None:
    ended = chemscale(*STUDY_COMMAND, "--set", "training.epochs=2")
    assert ended.status == 2
    assert "study: holds another study (6 of its runs are not in this one" in ended.err


def test_status_shows_every_run_of_the_grid(study: Ended, chemscale: Chemscale) -> None:
    ended = chemscale("status", "study")
    *rows, summary = ended.out.splitlines()
    assert summary == "6 finished"
    table = verbs.table(Path("study")).set_index("run")
    assert len(rows) == len(table) == 6
    for row in rows:
        state, loss, *_, name = row.split()
        assert (state, loss) == ("finished", f"{table.loc[name, 'validation_loss']:.4f}")
    assert "model.width=16  data.size=120" in rows[-1]


def test_an_unfinished_study_has_a_status_and_a_report(study: Ended, chemscale: Chemscale) -> None:
    shutil.copytree("study", "unfinished")
    runs = [Path("unfinished/runs") / name for name in verbs.table(Path("study"))["run"]]
    shutil.rmtree(runs[0])
    (runs[1] / "result.json").unlink()
    RunFolder(runs[2]).write_failure("ValueError: no luck", "Traceback ...")
    (runs[2] / "result.json").unlink()
    ended = chemscale("status", "unfinished")
    assert ended.status == 0
    assert ended.out.splitlines()[-1] == "1 new, 1 unfinished, 1 failed, 3 finished"
    assert "ValueError: no luck" in ended.out
    ended = chemscale("report", "unfinished")
    assert ended.status == 0
    assert "3 of 6 runs are not finished: `chemscale study` with the same settings continues them." in ended.err
    assert printed_path(ended.out, "report") == Path("unfinished/report.html")
    assert "3 of 6 runs are not finished" in Path("unfinished/report.html").read_text()
    assert len(pd.read_csv("unfinished/table.csv")) == 3


def test_a_failed_run_is_named_and_the_others_are_kept(chemscale: Chemscale) -> None:
    settings = [f"grid.{key}" for key in ("model.width=[4]", "data.size=[40]", "model.max_positions=[32, 512]")]
    overrides = [part for setting in settings for part in ("--set", setting)]
    ended = chemscale("study", "study.toml", "--out", "failing", "--workers", "1", *overrides)
    assert ended.status == 1
    assert "failed: chemgpt-472-n40-s0-" in ended.err
    assert "model.max_positions is 32, but sequences have 512 tokens" in ended.err
    assert "Traceback" not in ended.err
    assert printed_path(ended.out, "report").exists()
    assert chemscale("status", "failing").out.splitlines()[-1] == "1 failed, 1 finished"


def test_a_run_that_diverges_ends_with_status_1(chemscale: Chemscale) -> None:
    ended = chemscale("train", "run.toml", "--out", "diverging", "--set", "training.learning_rate=1e30")
    assert ended.status == 1
    assert ended.out.startswith("diverged after")


def test_an_interrupted_study_says_how_to_go_on(chemscale: Chemscale, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verbs, "study", interrupt)
    ended = chemscale("study", "study.toml")
    assert ended.status == 130
    assert "the same command goes on" in ended.err


def test_presets_lists_every_preset_with_its_title(chemscale: Chemscale) -> None:
    ended = chemscale("presets")
    assert [line.split()[0] for line in ended.out.splitlines()] == preset_names()
    assert all(len(line.split()) > 4 for line in ended.out.splitlines())


def test_keys_lists_every_key_with_its_default(chemscale: Chemscale) -> None:
    lines = {line.split()[0]: line for line in chemscale("keys").out.splitlines()}
    assert {"model.width", "data.source", "training.learning_rate"} <= set(lines)
    assert lines["training.batch_size"].split()[1] == "64"


def test_data_list_has_every_source(chemscale: Chemscale) -> None:
    out = chemscale("data", "list").out
    for name in ("pubchem10m", "moses", "zinc250k", "freesolv", "tox21", "rmd17", "ani1x"):
        assert f"{name} " in out


def test_data_info_knows_sources_and_files(chemscale: Chemscale) -> None:
    out = chemscale("data", "info", "moses").out
    assert "1,584,663" in out and "absent: `chemscale data get moses`" in out
    out = chemscale("data", "info", "molecules.smi").out
    assert "records  400" in out
    assert "first    CCO, c1ccccc1, CC(=O)Nc1ccc(O)cc1" in out


def test_data_verify_ends_with_its_verdict(chemscale: Chemscale, folder: Path) -> None:
    ended = chemscale("data", "verify", "freesolv")
    assert (ended.status, "missing" in ended.out) == (1, True)
    (folder / "data").mkdir()
    (folder / "data" / "FreeSolv_SAMPL.csv").write_text("smiles\nCCO\n")
    ended = chemscale("data", "verify", "freesolv")
    assert ended.status == 1
    assert "wrong" in ended.out and "delete it and get it again" in ended.out
    (folder / "data" / "pubchem_10m.txt.zip").write_text("anything")
    ended = chemscale("data", "verify", "pubchem10m")
    assert (ended.status, "hash unknown" in ended.out) == (0, True)


def test_a_corpus_is_prepared_once_and_trained_on(chemscale: Chemscale) -> None:
    command = ("data", "prepare", "molecules.smi", "--out", "corpus", "--workers", "1", "--drop-duplicates")
    ended = chemscale(*command)
    counts = json.loads(Path("corpus/corpus.json").read_text())["counts"]
    assert ended.status == 0
    assert ended.out.startswith(f"corpus: {counts['kept']} molecules, ")
    assert counts["kept"] + counts["duplicates"] == 400
    before = stamps(Path("corpus"))
    assert chemscale(*command).out == ended.out
    assert stamps(Path("corpus")) == before
    train = ("train", "run.toml", "--out", "on-corpus", "--set", "data.source=corpus")
    ended = chemscale(*train)
    assert ended.status == 2
    assert "data.drop_duplicates is False, but corpus was prepared with True" in ended.err
    ended = chemscale(*train, "--set", "data.drop_duplicates=true")
    assert ended.status == 0, ended.err


# what is wrong: the command, and what its message must say
USER_ERRORS = {
    "wrong key": ("train run.toml --set model.widht=3", "model.widht: unknown key; did you mean 'width'?"),
    "wrong table": ("train run.toml --set trainign.epochs=3", "trainign: unknown key; did you mean 'training'?"),
    "wrong type": ("train run.toml --set training.learning_rate=fast", "training.learning_rate: "),
    "out of range": ("train run.toml --set data.limit=0", "data.limit: "),
    "two budgets": ("train run.toml --set training.steps=3", "exactly one budget"),
    "no equals sign": ("train run.toml --set training.epochs", "--set training.epochs: expected key=value"),
    "no table": ("train run.toml --set model.width.x=3", "model.width is a value, not a table"),
    "missing file": ("train nothing.toml", "nothing.toml: no such file"),
    "not TOML": ("train broken.toml", "broken.toml: not valid TOML"),
    "unknown preset": ("train smoke/chemgtp", "did you mean 'smoke/chemgpt'?"),
    "a study to train": ("train study.toml", "use `chemscale study study.toml`"),
    "a run to study": ("study run.toml", "use `chemscale train run.toml`"),
    "a study preset to train": ("train demo", "use `chemscale study demo`"),
    "unknown executor": ("study study.toml --out none --executor loacl", "executor: 'loacl' is not one of"),
    "missing molecules": ("train run.toml --set data.source=nothing.smi", "'nothing.smi': no file"),
    "source not here": ("train run.toml --set data.source=moses", "Run `chemscale data get moses`"),
    "misspelt source": ("train run.toml --set data.source=mosess", "did you mean 'moses'?"),
    "empty file": ("train run.toml --set data.source=empty.smi", "empty.smi: is empty"),
    "no molecules": ("train run.toml --set data.source=no-molecules.smi", "none of its 2 lines"),
    "size too large": ("train run.toml --set data.size=5000", "data.size is 5000, but 'molecules.smi' has 360"),
    "grid too large": (
        "study study.toml --out none --set grid.data.size=[5000]",
        "data.size is 5000, but 'molecules.smi'",
    ),
    "unknown device": ("train run.toml --set device=gpu", "device: "),
    "device not here": ("train run.toml --set device=cuda:99", "device: cuda:99 is not here"),
    "out is a file": ("train run.toml --out molecules.smi", "cannot be made a folder"),
    "status of nothing": ("status nowhere", "nowhere: no study here"),
    "report of nothing": ("report nowhere", "nowhere: no study here"),
    "info of nothing": ("data info nothing.csv", "'nothing.csv': no file"),
    "verify of nothing": ("data verify mose", "did you mean 'moses'?"),
    "get of nothing": ("data get mose", "did you mean 'moses'?"),
    "wrong encoding": ("data prepare molecules.smi --out none --encoding inchi", "selfies or smiles"),
    "endless library": ("data prepare embedded --out none", "limit"),
    "keys of no family": ("keys chemgtp", "did you mean 'chemgpt'?"),
}


@pytest.mark.parametrize("case", USER_ERRORS)
def test_a_user_s_error_is_one_message_and_status_2(case: str, chemscale: Chemscale, tmp_path: Path) -> None:
    command, message = USER_ERRORS[case]
    arguments = command.split()
    if arguments[0] == "train" and "--out" not in arguments:
        arguments += ["--out", str(tmp_path)]
    ended = chemscale(*arguments)
    assert ended.status == 2
    assert message in ended.err
    assert ended.err.startswith("error: ")
    assert "Traceback" not in ended.err
    assert ended.out == ""


@pytest.mark.parametrize("command", ["trian run.toml", "train", "train run.toml --epochs 3", "study demo --workers 0"])
def test_a_wrong_command_line_is_status_2_without_a_traceback(command: str, chemscale: Chemscale) -> None:
    ended = chemscale(*command.split())
    assert ended.status == 2
    assert "chemscale" in ended.err and "Traceback" not in ended.err


@pytest.mark.parametrize("place", [0, 1, 4])
def test_debug_shows_the_traceback(place: int, chemscale: Chemscale) -> None:
    command = ["train", "run.toml", "--set", "model.widht=3"]
    command.insert(place, "--debug")
    ended = chemscale(*command)
    assert ended.status == 2
    assert "Traceback" in ended.err and "parse_run" in ended.err
    assert ended.err.splitlines()[-1].startswith("error: model.widht: unknown key")
