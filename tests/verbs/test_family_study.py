"""Studies and tunes of several families: laws, pages and rankings stay apart."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ase.build import molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from chemscale.base.errors import ConfigError, DataError
from chemscale.base.records import CurvePoint, RunFolder, RunResult
from chemscale.studies.execute import EXECUTORS, record_study
from chemscale.studies.messages import Ended, Job
from chemscale.studies.run import execute_run, parse_run
from chemscale.studies.study import parse_study
from chemscale.studies.tuning.family_tunes import values_by_family
from chemscale.verbs.training import law_table, report_study
from chemscale.verbs.tuning import FamilyTunesResult, tune

BETAS = {"schnet": 0.17, "painn": 0.26}
STUDY: dict[str, Any] = {
    "study": {"title": "Two families", "notes": "As asked."},
    "model": {"depth": 4},
    "data": {"source": "frames", "split": "formulas"},
    "training": {"steps": 10, "precision": "float32"},
    "grid": {
        "family": ["schnet", "painn"],
        "model": {"width": [8, 16]},
        "data": {"size": [100, 1000, 10000]},
        "seed": [0, 1],
    },
}


def finish(folder: Path, values: dict[str, Any]) -> None:
    """A study whose runs are all finished, with the losses of a planted law."""
    study = parse_study(values)
    record_study(study, folder)
    for run in study.runs:
        capacity, size = run.model.capacity(), run.data.size
        loss = 2 * size ** -BETAS[run.family] * (capacity / 64) ** -0.1 * (1 + 1e-3 * run.seed)
        losses = {"validation_loss": loss, "final_validation_loss": loss, "train_loss": 0.9 * loss}
        losses |= {"force_mae": 1000 * loss, "seen_force_mae": 900 * loss * (size / 100) ** -0.05}
        resources = {
            "n_parameters": run.model.n_parameters(),
            "capacity": capacity,
            "data_points": size,
            "seconds": 2.0,
            "cpu_seconds": float(capacity),
            "training_flops": 1e9 * capacity * size,
        }
        place = RunFolder(folder / "runs" / run.name())
        place.path.mkdir(parents=True)
        place.write_config(run.to_dict())
        place.write_curve([CurvePoint(k, float(k), k, k, loss, loss, 1e-3, float(k)) for k in (1, 2)])
        place.write_result(RunResult("finished", losses, resources, {"precision": "float32"}, "hash"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study")
    finish(path, STUDY)
    return path


def test_every_family_has_laws_of_its_own_and_a_page(folder: Path) -> None:
    result = report_study(folder)
    assert result.families is not None and result.joint is None and result.data_unit == "frames"
    for family, fit in result.families.laws.fits.items():
        assert fit.law is not None
        assert fit.law.beta == pytest.approx(BETAS[family], abs=1e-4)
        assert (folder / "families" / family / "report.html").exists()
    assert result.families.laws.model_size == "capacity" and result.families.laws.size == 64
    assert result.families.held_out is not None and result.families.held_out.loss == "force_mae"
    assert {fit.x for fit in result.fits} == {"capacity", "data_points"}
    page = result.report.read_text()
    assert "Loss against data at capacity 64" in page and "As asked." in page and "No law is fitted" not in page
    assert "held-out formulas" in page


def test_all_families_are_in_no_one_law(folder: Path) -> None:
    with pytest.raises(DataError, match=r"holds runs of .*painn.*families/.*/table\.csv"):
        law_table(folder)


def test_one_family_has_the_common_page_with_its_units(tmp_path: Path) -> None:
    grid = STUDY["grid"] | {"family": ["painn"]}
    finish(tmp_path, STUDY | {"grid": grid})
    result = report_study(tmp_path)
    assert result.families is None and not (tmp_path / "families").exists()
    page = result.report.read_text().split("<script>")[0]
    assert "eV/Å" in page and "training frames" in page and "capacity" in page
    assert "nats" not in page and "training molecules" not in page
    assert "(capacity 64)" in page and "force MAE (meV/Å)" in page


def test_a_squared_loss_has_another_unit_and_no_published_exponents_beside_it(tmp_path: Path) -> None:
    finish(tmp_path, STUDY | {"loss": {"kind": "l2"}})
    result = report_study(tmp_path)
    assert result.families is not None and result.families.published == {}
    assert "validation loss (eV/Å)" not in result.report.read_text()


def test_a_tune_of_families_is_one_tune_per_family() -> None:
    values = STUDY | {
        "training": {"epochs": 2, "evaluations": 10},
        "tune": {"keep": 1},
        "grid": {"family": ["schnet", "painn"], "training": {"learning_rate": [1e-3, 1e-2]}},
        "model": {"width": 8},
    }
    found = values_by_family(values)
    assert list(found) == ["schnet", "painn"]
    for family, mine in found.items():
        study = parse_study(mine)
        assert {run.family for run in study.runs} == {family} and len(study.runs) == 2
        assert study.varying == ("training.learning_rate",)
    assert values["grid"]["family"] == ["schnet", "painn"]
    assert values_by_family(found["painn"]) == {}
    assert values_by_family({"family": "painn", "grid": {"seed": [0, 1]}}) == {}
    with pytest.raises(ConfigError, match="stands twice"):
        values_by_family(values | {"grid": values["grid"] | {"family": ["painn", "painn"]}})
    with pytest.raises(ConfigError, match="nobody could be stopped"):
        values_by_family(values | {"tune": {"keep": 2}})


def test_every_family_is_ranked_by_itself_in_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXECUTORS, "here", _run_here)
    frames = _frames(tmp_path / "frames.xyz")
    monkeypatch.setenv("CHEMSCALE_CACHE", str(tmp_path / "cache"))
    config = tmp_path / "tune.toml"
    config.write_text(_TUNE.format(source=frames))
    result = tune(str(config), tmp_path / "out", executor="here")
    assert isinstance(result, FamilyTunesResult)
    for family, one in result.tunes.items():
        assert [run.status for run in one.outcome.runs] == ["finished", "stopped", "stopped"]
        assert all(run.run.startswith(family) for run in one.outcome.runs)
        assert (tmp_path / "out" / family / "best.toml").read_text().startswith(f'family = "{family}"')
        assert "validation loss (eV/Å)" in one.report.read_text()
    assert result.outcome.best == ", ".join(one.outcome.best or "" for one in result.tunes.values())
    assert str(result.outcome).count("FAMILY ") == 2
    assert set(json.loads((tmp_path / "out" / "tune.json").read_text())["families"]) == {"schnet", "painn"}
    page = result.report.read_text()
    assert "href='painn/report.html'" in page and "ranked by itself" in page


_TUNE = """
[study]
title = "Families"
[model]
width = 4
depth = 1
[data]
source = "{source}"
size = 24
validation_size = 8
[training]
epochs = 2
evaluations = 10
batch_size = 8
precision = "float32"
[tune]
keep = 1
fraction = 0.5
[grid]
family = ["schnet", "painn"]
training.learning_rate = [1e-2, 1e-3, 1e-4]
"""


def _run_here(jobs: Sequence[Job], n_workers: int, threads: int, on_message: Any) -> list[Ended]:
    ended = []
    for job in jobs:
        result = execute_run(parse_run(job.values), job.folder, None, job.until_step)
        ended.append(Ended(job.name, result.status if result else "paused"))
        on_message(ended[-1])
    return ended


def _frames(path: Path) -> Path:
    """Rattled molecules with the energies and forces of an effective medium potential."""
    images = []
    for number in range(40):
        atoms = molecule(("CH3OH", "H2O", "NH3")[number % 3])
        atoms.rattle(0.05, seed=number)
        atoms.calc = EMT()
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        images.append(atoms)
    write(path, images, format="extxyz")
    return path
