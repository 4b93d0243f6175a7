import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from chemscale.base.errors import DataError, StorageError
from chemscale.base.records import RunFolder
from chemscale.training import checkpoints
from chemscale.training.checkpoints import load_best, load_latest
from chemscale.training.config import TrainingConfig
from chemscale.training.loop import train


def config(**changes: Any) -> TrainingConfig:
    return TrainingConfig.parse({"steps": 40, "evaluations": 4, "learning_rate": 1e-2} | changes)


def bytes_of(folder: Path) -> tuple[list[dict[str, Any]], bytes, dict[str, torch.Tensor]]:
    run = RunFolder(folder)
    curve = [dataclasses.asdict(point) | {"seconds": 0} for point in run.curve()]
    return curve, run.step_losses().tobytes(), load_best(run.checkpoints)


def assert_same_run(one: Path, other: Path) -> None:
    (curve_1, steps_1, best_1), (curve_2, steps_2, best_2) = bytes_of(one), bytes_of(other)
    assert curve_1 == curve_2
    assert steps_1 == steps_2
    assert all(torch.equal(best_1[name], best_2[name]) for name in best_1)


def test_a_run_leaves_a_whole_record(task: Any, tmp_path: Path) -> None:
    result = train(task, config(), tmp_path)
    run = RunFolder(tmp_path)
    assert result == run.result()
    assert [point.step for point in run.curve()] == [10, 20, 30, 40]
    assert run.step_losses().shape == (40,)
    assert run.curve()[1].train_loss == pytest.approx(run.step_losses()[10:20].mean(), rel=1e-6)
    assert result.losses["validation_loss"] == min(point.validation_loss for point in run.curve())
    assert result.resources["steps"] == 40
    assert result.resources["training_flops"] == 486.0 * 400
    assert result.environment["precision"] == "float32"
    assert run.curve()[-1].train_loss < 0.5 * run.curve()[0].train_loss


def test_the_loop_does_what_a_plain_loop_does(task: Any, tmp_path: Path) -> None:
    train(task, config(), tmp_path)
    model = task.build_model()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    losses = []
    for step in range(40):
        batch = task.batch(step)
        loss = task.loss_sum(model, batch) / 10
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    np.testing.assert_allclose(RunFolder(tmp_path).step_losses(), losses, rtol=1e-4)


def test_same_seed_same_bytes(make_task: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        train(make_task(), config(), tmp_path / name)
    assert_same_run(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("stop", [1, 10, 17, 39])
@pytest.mark.parametrize("schedule", ["plateau", "cosine"])
def test_stop_and_resume_is_the_uninterrupted_run(make_task: Any, tmp_path: Path, stop: int, schedule: str) -> None:
    settings = config(schedule=schedule, plateau_patience=1, gradient_clip=0.5)
    train(make_task(), settings, tmp_path / "whole")
    assert train(make_task(), settings, tmp_path / "parts", until_step=stop) is None
    assert not RunFolder(tmp_path / "parts").is_finished()
    train(make_task(), settings, tmp_path / "parts")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_accumulation_gives_the_same_run_up_to_rounding(make_task: Any, tmp_path: Path) -> None:
    train(make_task(), config(), tmp_path / "one")
    train(make_task(), config(accumulate=3), tmp_path / "three")
    np.testing.assert_allclose(
        RunFolder(tmp_path / "three").step_losses(), RunFolder(tmp_path / "one").step_losses(), rtol=1e-4
    )


def test_a_loss_that_is_not_finite_ends_the_run_as_diverged(make_task: Any, tmp_path: Path) -> None:
    result = train(make_task(poison_step=15), config(), tmp_path)
    assert result is not None
    assert (result.status, result.stopped_by) == ("diverged", "divergence")
    assert result.losses["validation_loss"] == RunFolder(tmp_path).curve()[0].validation_loss
    assert math.isnan(RunFolder(tmp_path).curve()[-1].train_loss)


def test_a_run_that_ends_worse_than_untrained_has_diverged(task: Any, tmp_path: Path) -> None:
    result = train(task, config(learning_rate=100.0), tmp_path)
    assert result is not None
    assert math.isfinite(result.losses["validation_loss"])
    assert (result.status, result.stopped_by) == ("diverged", "budget")


def test_patience_stops_a_run_that_does_not_improve(task: Any, tmp_path: Path) -> None:
    result = train(task, config(learning_rate=1e-12, steps=400, evaluations=40, stop_patience=3), tmp_path)
    assert result is not None
    assert result.stopped_by == "patience"
    assert result.resources["steps"] < 400


def test_other_data_is_refused(make_task: Any, tmp_path: Path) -> None:
    train(make_task(), config(), tmp_path, until_step=5)
    with pytest.raises(DataError, match="begun on other data"):
        train(make_task(data_hash="others"), config(), tmp_path)


def test_a_broken_checkpoint_says_what_to_do(task: Any, tmp_path: Path) -> None:
    train(task, config(), tmp_path, until_step=5)
    (tmp_path / "checkpoint" / "latest.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(DataError, match="Delete it to start the run anew"):
        train(task, config(), tmp_path)


@pytest.mark.parametrize("writer", ["torch.save", "save_file"])
def test_a_full_disk_is_one_message_and_costs_only_what_was_not_written(
    make_task: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str
) -> None:
    def full(*_: Any) -> None:
        raise RuntimeError("[enforce fail] . file write failed\nstack")

    train(make_task(), config(), tmp_path / "whole")
    train(make_task(), config(), tmp_path / "cut", until_step=15)
    monkeypatch.setattr(checkpoints if writer == "save_file" else torch, writer.removeprefix("torch."), full)
    with pytest.raises(StorageError, match=r"cannot be written \(\[enforce fail\] \. file write failed\)"):
        train(make_task(), config(), tmp_path / "cut")
    monkeypatch.undo()
    train(make_task(), config(), tmp_path / "cut")
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_bfloat16_is_used_when_asked_for_and_recorded(task: Any, tmp_path: Path) -> None:
    result = train(task, config(precision="bfloat16"), tmp_path)
    assert result is not None
    assert result.environment["precision"] == "bfloat16"
    state = load_latest(tmp_path / "checkpoint")
    assert state is not None
    assert all(value.dtype == torch.float32 for value in state.model.values())


def test_progress_is_reported_up_to_the_end(task: Any, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    train(task, config(), tmp_path, on_progress=lambda done, total, loss: seen.append((done, total)))
    assert seen == [(10, 40), (20, 40), (30, 40), (40, 40)]


def test_what_the_task_says_of_the_finished_model_is_recorded(make_task: Any, tmp_path: Path) -> None:
    result = train(make_task(), config(), tmp_path)
    assert result is not None and result.losses["judged"] == 1.0
    assert train(make_task(poison_step=0), config(), tmp_path / "never good").losses.get("judged") is None
