"""The second world as a user meets it: frames from a file to predictions, and what it says of bad input."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import ase
import ase.io
import numpy as np
import pandas as pd
import pytest
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator

from chemscale.base.records import RunFolder
from chemscale.studies.presets import load
from chemscale.studies.run import execute_run, parse_run

CommandLine = Callable[..., tuple[int, str, str]]
SETTINGS = """
[model]
width = 8
depth = 2

[data]
source = "frames.xyz"
validation_size = 10

[training]
batch_size = 8
steps = 12
learning_rate = 1e-2
evaluations = 2
"""
RUN = 'family = "painn"\n' + SETTINGS
STUDY = SETTINGS + '\n[grid]\nfamily = ["schnet", "painn"]\ndata.size = [10, 20, 40]\nseed = [0, 1]\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with 60 frames of H, C, N and O in effective medium theory, and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHEMSCALE_CACHE", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    images = []
    for symbols, n in (("OHH", 30), ("CHHHH", 30)):
        start = random.normal(0, 1.0, (len(symbols), 3)) * 1.2
        for _ in range(n):
            atoms = ase.Atoms(symbols, start + random.normal(0, 0.1, start.shape), calculator=EMT())
            energy, forces = atoms.get_potential_energy(), atoms.get_forces()
            atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
            images.append(atoms)
    ase.io.write("frames.xyz", images, format="extxyz")
    Path("run.toml").write_text(RUN)
    Path("study.toml").write_text(STUDY)
    return tmp_path


def test_from_a_file_of_frames_to_predictions(folder: Path, command_line: CommandLine) -> None:
    status, out, err = command_line("data", "frames", "frames.xyz", "--out", "prepared")
    assert status == 0, err
    assert "60 frames of 2 molecules" in out
    status, out, err = command_line("train", "run.toml", "--out", "runs", "--set", "data.source=prepared")
    assert status == 0, err
    assert "eV/Å (best)" in out and "force mae" in out and "meV/atom" in out
    run = out.split()[-1]
    assert json.loads((Path(run) / "energies.json").read_text())["species"] == [1, 6, 8]
    status, out, err = command_line("predict", run, "frames.xyz", "--out", "predicted.xyz")
    assert status == 0, err
    assert "60 of 60 structures" in out and "force MAE" in out
    recorded = RunFolder(Path(run)).result().losses["force_mae"]
    images = ase.io.read("predicted.xyz", ":")
    errors = [np.abs(atoms.get_forces() - atoms.arrays["REF_forces"]).mean() for atoms in images]
    assert 0.2 < 1000 * float(np.mean(errors)) / recorded < 5
    # finished: the same command trains nothing, and changes nothing
    before = (Path(run) / "result.json").read_bytes()
    assert command_line("train", "run.toml", "--out", "runs", "--set", "data.source=prepared")[0] == 0
    assert (Path(run) / "result.json").read_bytes() == before


def test_a_run_that_was_cut_ends_with_the_bytes_of_the_whole(folder: Path, command_line: CommandLine) -> None:
    assert command_line("train", "run.toml", "--out", "whole")[0] == 0
    whole = next(Path("whole").iterdir())
    cut = Path("cut") / whole.name
    run = parse_run(load("run.toml"))
    assert execute_run(run, cut, until_step=7) is None
    assert command_line("train", "run.toml", "--out", "cut")[0] == 0
    for name in ("steps.npy", "energies.json", "checkpoint/best.safetensors"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes(), name
    assert RunFolder(cut).result().losses == RunFolder(whole).result().losses


def test_a_study_of_two_families_has_a_law_of_each(folder: Path, command_line: CommandLine) -> None:
    status, out, err = command_line("study", "study.toml", "--out", "study", "--workers", "1")
    assert status == 0, err
    assert "schnet" in out and "painn" in out and "molecules" not in out
    table = pd.read_csv("study/table.csv")
    assert len(table) == 12 and set(table["family"]) == {"schnet", "painn"}
    assert (table["force_mae"] > 0).all() and table["kernels"].isin(["torch", "native"]).all()
    page = Path("study/report.html").read_text()
    assert "eV/Å" in page and "nats per token" not in page
    shutil.rmtree("study/runs/" + table["run"][0])
    status, out, err = command_line("study", "study.toml", "--out", "study", "--workers", "1")
    assert status == 0, err
    assert len(pd.read_csv("study/table.csv")) == 12


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (("data.source=missing.xyz",), "missing.xyz"),
        (("data.source=empty.xyz",), "empty.xyz"),
        (("model.widht=4",), "did you mean 'width'"),
        (("data.size=1000",), "50"),
        (("data.split=scaffold",), "formulas"),
        (("training.precision=bfloat16",), "bfloat16"),
        (("loss.force_weight=0",), "nothing to learn"),
        (("model.cutoff=-1",), "cutoff"),
        (("data.source=flipped.xyz",), "gradient"),
    ],
)
def test_wrong_input_is_one_message(
    folder: Path, command_line: CommandLine, settings: tuple[str, ...], says: str
) -> None:
    Path("empty.xyz").write_text("")
    images = ase.io.read("frames.xyz", ":")
    for atoms in images:
        energy, forces = atoms.get_potential_energy(), -atoms.get_forces()
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
    ase.io.write("flipped.xyz", images, format="extxyz")
    overrides = [part for setting in settings for part in ("--set", setting)]
    status, _, err = command_line("train", "run.toml", "--out", "runs", *overrides)
    assert status == 2
    assert err.startswith("error: ") and says in err and "Traceback" not in err


def test_what_cannot_be_made_or_predicted_is_said(folder: Path, command_line: CommandLine) -> None:
    status, _, err = command_line("data", "make", "dft-frames", "--n", "10", "--out", "x")
    assert status == 2 and "xtb-frames" in err
    status, _, err = command_line("predict", "nowhere", "frames.xyz", "--out", "x.xyz")
    assert status == 2 and "nowhere" in err
    status, _, err = command_line("export", "nowhere", "--out", "x.pt2", "--format", "onnx")
    assert status == 2 and "torchscript" in err
