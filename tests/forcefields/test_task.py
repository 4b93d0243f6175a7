import json
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
import torch
from ase.calculators.singlepoint import SinglePointCalculator

from chemscale.base.errors import ConfigError, DataError
from chemscale.base.records import RunFolder
from chemscale.forcefields.companion import load_companion
from chemscale.forcefields.cost import force_field_workload
from chemscale.forcefields.families import FAMILIES
from chemscale.forcefields.task import ForceFieldData, ForceFieldLoss, ForceFieldTask, check_frames
from chemscale.forcefields.trained import load_run
from chemscale.studies.run import parse_run
from chemscale.training.config import TrainingConfig
from chemscale.training.loop import train


def task_of(path: Path, *, loss: dict[str, Any] | None = None, batch_size: int = 8, **data: Any) -> ForceFieldTask:
    values = {"source": str(path), "validation_size": 10} | data
    model = FAMILIES["schnet"].config.parse({"width": 16, "depth": 2})
    return ForceFieldTask(model, ForceFieldData.parse(values), ForceFieldLoss.parse(loss or {}), batch_size, seed=0)


def frames_of_epoch(task: ForceFieldTask, epoch: int) -> list[int]:
    steps = range(epoch * task.steps_per_epoch, (epoch + 1) * task.steps_per_epoch)
    return [int(index) for step in steps for index in task.batch(step).source[2]]


def test_the_loss_is_the_mean_over_components_of_eq_5(frames_file: Path) -> None:
    task = task_of(frames_file)
    model, batch = task.build_model(), task.batch(0)
    predicted = model.predict(batch.graph, batch.positions)
    by_hand = (predicted.forces - batch.forces).abs().mean()
    model.eval()
    assert float(task.loss_sum(model, batch)) / batch.n_labels == pytest.approx(float(by_hand), rel=1e-6)
    squared = task_of(frames_file, loss={"kind": "l2"})
    by_hand = (predicted.forces - batch.forces).square().mean()
    assert float(squared.loss_sum(model, batch)) / batch.n_labels == pytest.approx(float(by_hand), rel=1e-6)


def test_energies_enter_per_atom_weighted_by_atoms(frames_file: Path) -> None:
    task = task_of(frames_file, loss={"energy_weight": 2.0, "force_weight": 0.0})
    model, batch = task.build_model().eval(), task.batch(0)
    predicted = model.predict(batch.graph, batch.positions)
    n_atoms = np.diff(batch.graph.frames.offsets.numpy())
    errors = (predicted.energies - batch.energies).abs().numpy()
    by_hand = 2.0 * (n_atoms * errors / n_atoms).sum() / n_atoms.sum()
    assert float(task.loss_sum(model, batch)) / batch.n_labels == pytest.approx(by_hand, rel=1e-4)


def test_micro_batches_have_the_gradient_of_the_batch(frames_file: Path) -> None:
    task = task_of(frames_file, loss={"energy_weight": 0.5})
    model, batch = task.build_model(), task.batch(0)
    parameters = list(model.parameters())
    whole = torch.autograd.grad(task.loss_sum(model, batch), parameters, allow_unused=True)
    parts = [torch.autograd.grad(task.loss_sum(model, part), parameters, allow_unused=True) for part in batch.split(3)]
    for gradient, *pieces in zip(whole, *parts, strict=True):
        if gradient is not None:
            torch.testing.assert_close(sum(pieces), gradient, rtol=1e-4, atol=1e-4)


def test_an_epoch_visits_every_training_frame_once(frames_file: Path) -> None:
    for settings in ({"batch_size": 8}, {"batch_size": 20, "batch_by": "atoms"}):
        task = task_of(frames_file, **settings)
        visited, again = (frames_of_epoch(task, epoch) for epoch in (0, 1))
        assert sorted(visited) == sorted(task.split.train.tolist())
        labels = sum(task.batch(step).n_labels for step in range(task.steps_per_epoch))
        assert labels == task.labels_per_epoch
        again = [
            int(i) for step in range(task.steps_per_epoch) for i in task.batch(step + task.steps_per_epoch).source[2]
        ]
        assert sorted(again) == sorted(visited) and again != visited


def test_a_force_field_learns_ten_frames_and_its_energies_are_usable(frames_file: Path, tmp_path: Path) -> None:
    task = task_of(frames_file, size=10, batch_size=5)
    config = TrainingConfig.parse({"steps": 400, "batch_size": 5, "learning_rate": 5e-3, "evaluations": 4})
    result = train(task, config, tmp_path / "run")
    assert result is not None and result.status == "finished"
    losses = np.load(tmp_path / "run" / "steps.npy")
    assert losses[-20:].mean() < 0.12 * losses[:5].mean()
    assert result.losses["force_mae"] == pytest.approx(1000 * result.losses["validation_loss"], rel=1e-4)
    # the elements' energies differ by a thousand eV: a wrong constant would be seen at once
    assert result.losses["energy_mae"] < 500
    scale, references, trained_on, model = load_companion(tmp_path / "run")
    assert trained_on == task.elements
    assert scale == pytest.approx(float(task.build_model().scale))
    assert references[8] < references[6] < references[1] < 0
    assert model["species"] == [1, 6, 8]
    assert json.loads((tmp_path / "run" / "energies.json").read_text())["fitted_after_training"] is True


def test_held_out_formulas_come_with_a_second_judgement(frames_file: Path, tmp_path: Path) -> None:
    task = task_of(frames_file, split="formulas", size=20)
    formulas = [
        tuple(sorted(task.frames.numbers[task.frames.offsets[i] : task.frames.offsets[i + 1]])) for i in range(60)
    ]
    trained = {formulas[i] for i in task.split.train.tolist()}
    assert not trained & {formulas[i] for i in task.split.validation.tolist()}
    assert task.split.seen is not None
    assert not set(task.split.seen.tolist()) & set(task.split.train.tolist())
    config = TrainingConfig.parse({"steps": 5, "batch_size": 5, "learning_rate": 1e-3, "evaluations": 1})
    result = train(task, config, tmp_path / "run")
    assert result is not None and result.losses["seen_force_mae"] > 0


def test_wrong_settings_are_named(frames_file: Path) -> None:
    with pytest.raises(DataError, match="50"):
        task_of(frames_file, size=55)
    with pytest.raises(ConfigError, match="nothing to learn"):
        ForceFieldLoss.parse({"force_weight": 0.0})
    with pytest.raises(ConfigError, match="split"):
        ForceFieldData.parse({"source": "x", "split": "scaffold"})
    with pytest.raises(ConfigError, match=r"model\.species.*8"):
        model = FAMILIES["schnet"].config.parse({"width": 8, "species": [1, 6]})
        ForceFieldTask(model, ForceFieldData(source=str(frames_file)), ForceFieldLoss(), 4, 0)
    assert len(check_frames(ForceFieldData(source=str(frames_file)))) == 16


def write_labels(path: Path, out: Path, *, forces: range, energies: range) -> Path:
    """The same frames with labels only for these numbers."""
    images = ase.io.read(path, ":")
    for number, atoms in enumerate(images):
        known = {"energy": atoms.get_potential_energy()} if number in energies else {}
        known |= {"forces": atoms.get_forces()} if number in forces else {}
        atoms.calc = SinglePointCalculator(atoms, **known)
    ase.io.write(out, images, format="extxyz")
    return out


def test_frames_without_forces_are_left_out_and_never_divide_by_zero(frames_file: Path, tmp_path: Path) -> None:
    path = write_labels(frames_file, tmp_path / "half.xyz", forces=range(0, 60, 2), energies=range(60))
    task = task_of(path, batch_size=1)
    assert all(task.batch(step).n_labels > 0 for step in range(task.steps_per_epoch))
    assert task.labels_per_epoch == sum(task.batch(step).n_labels for step in range(task.steps_per_epoch))
    with pytest.raises(DataError, match="forces"):
        task_of(write_labels(frames_file, tmp_path / "none.xyz", forces=range(0), energies=range(60)))


def test_energies_alone_can_be_learnt(frames_file: Path, tmp_path: Path) -> None:
    path = write_labels(frames_file, tmp_path / "energies.xyz", forces=range(0), energies=range(0, 60, 3))
    task = task_of(path, loss={"force_weight": 0.0, "energy_weight": 1.0})
    model, batch = task.build_model().eval(), task.batch(0)
    n_atoms = np.diff(batch.graph.frames.offsets.numpy())
    by_hand = (model.predict(batch.graph, batch.positions).energies - batch.energies).abs().sum() / n_atoms.sum()
    assert float(task.loss_sum(model, batch)) / batch.n_labels == pytest.approx(float(by_hand), rel=1e-4)


@pytest.mark.parametrize("batch_by", ["frames", "atoms"])
@pytest.mark.parametrize("split", ["random", "formulas"])
def test_what_a_plan_says_is_what_a_run_does(frames_file: Path, batch_by: str, split: str) -> None:
    data = {"source": str(frames_file), "validation_size": 10, "size": 20, "batch_by": batch_by, "split": split}
    values = {"family": "schnet", "model": {"width": 16, "depth": 2}, "data": data, "training": {"epochs": 3}}
    run = parse_run(values | {"training": {"epochs": 3, "batch_size": 7}})
    task = ForceFieldTask(run.model, run.data, run.loss, 7, seed=0)
    planned = force_field_workload(run, "float32")
    resources = task.resources()
    assert planned.steps == 3 * task.steps_per_epoch
    assert planned.labels == 3 * task.labels_per_epoch
    assert planned.data_points == resources["data_points"]
    assert planned.training_flops == pytest.approx(resources["flops_per_label"] * 3 * task.labels_per_epoch, rel=1e-6)
    assert planned.validation_batches == run.training.evaluations * len(list(task.validation_batches()))


def test_elements_that_were_not_trained_on_are_said_and_not_predicted(frames_file: Path, tmp_path: Path) -> None:
    task = task_of(frames_file, size=1)
    missing = set(task.frames.species) - set(task.elements)
    assert missing
    assert task.environment(torch.device("cpu"))["not_trained"]
    config = TrainingConfig.parse({"steps": 2, "batch_size": 1, "evaluations": 1})
    RunFolder(tmp_path / "run").write_config({"family": "schnet"})
    train(task, config, tmp_path / "run")
    with pytest.raises(DataError, match="atomic number"):
        load_run(tmp_path / "run").check_species(torch.tensor(sorted(missing)))
