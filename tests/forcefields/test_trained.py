"""A run folder gives back the force field that was trained in it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from chemscale.base.errors import DataError
from chemscale.base.records import RunFolder
from chemscale.forcefields.families import build_model
from chemscale.forcefields.force_field import N_ELEMENTS, ForceField
from chemscale.forcefields.pairs import graph_of
from chemscale.forcefields.trained import force_field_of, load_run
from chemscale.training.checkpoints import BEST, save_best

WATER = ([8, 1, 1], torch.tensor([[0.0, 0.0, 0.1], [0.0, 0.76, -0.48], [0.0, -0.76, -0.48]]))


def write_run(folder: Path, **changes: Any) -> ForceField:
    """A run folder as training leaves it; `changes` go into energies.json."""
    force_field = build_model("painn", width=8, depth=1, cutoff=4.0, species=[1, 8], seed=3)
    energies = {
        "species": [1, 8],
        "scale": 2.5,
        "references": {"1": -13.6, "8": -2041.8},
        "fitted_after_training": True,
        "model": {"width": 8, "depth": 1, "cutoff": 4.0},
        "unit": "eV",
    }
    RunFolder(folder).write_config({"family": "painn", "model": {"width": 8, "depth": 1, "cutoff": 4.0}})
    (folder / "energies.json").write_text(json.dumps(energies | changes))
    save_best(folder / "checkpoint", force_field)
    references = torch.zeros(N_ELEMENTS, dtype=torch.float64)
    references[1], references[8] = -13.6, -2041.8
    force_field.set_units(2.5, references)
    return force_field


def test_the_force_field_comes_back_with_the_scale_and_references_of_energies_json(tmp_path: Path) -> None:
    trained = write_run(tmp_path)
    loaded = load_run(tmp_path)
    graph = graph_of(WATER[0], WATER[1].numpy(), 4.0)
    ours, theirs = loaded.predict(graph, WATER[1]), trained.predict(graph, WATER[1])
    assert not loaded.training
    assert loaded.species == (1, 8) and loaded.cutoff == 4.0
    assert torch.equal(ours.energies, theirs.energies) and torch.equal(ours.forces, theirs.forces)
    assert loaded.references[8] == -2041.8  # float64, not the nearest float32


def test_a_force_field_or_the_name_of_its_run_are_the_same(tmp_path: Path) -> None:
    trained = write_run(tmp_path)
    assert force_field_of(trained) is trained
    assert force_field_of(str(tmp_path)).cutoff == 4.0


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no run here \(config\.json is missing\)"):
        load_run(tmp_path / "nothing")


def test_a_run_of_another_world(tmp_path: Path) -> None:
    write_run(tmp_path)
    RunFolder(tmp_path).write_config({"family": "chemgpt"})
    with pytest.raises(DataError, match=r"its family is 'chemgpt', not one of schnet, painn"):
        load_run(tmp_path)


@pytest.mark.parametrize("file", ["energies.json", f"checkpoint/{BEST}"])
def test_a_run_that_was_never_evaluated(tmp_path: Path, file: str) -> None:
    write_run(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(DataError, match=r"has not begun to train|not reached its first evaluation"):
        load_run(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": None}, "not the energies of a run"),
        ({"references": {"one": 1.0}}, "not the energies of a run"),
        ({"references": {"400": 1.0}}, "not the energies of a run"),
        ({"model": {"width": 16, "depth": 1, "cutoff": 4.0}}, "its weights do not fit the model"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_run(tmp_path, **changes)
    with pytest.raises(DataError, match=message):
        load_run(tmp_path)


def test_damaged_energies(tmp_path: Path) -> None:
    write_run(tmp_path)
    (tmp_path / "energies.json").write_text('{"species": [1')
    with pytest.raises(DataError, match="damaged, not JSON"):
        load_run(tmp_path)
