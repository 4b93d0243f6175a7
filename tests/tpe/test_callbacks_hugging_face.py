"""The Hugging Face callback: what it records is what the trainer logs, through resume, and it stops who should."""

import copy
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import ConfigError
from chemscale.tpe import KeepBest, read_curves
from chemscale.tpe.callbacks import HuggingFaceCallback, Recorder

transformers = pytest.importorskip("transformers", reason="transformers is not installed: pip install chemscale[hf]")
pytest.importorskip("accelerate", reason="accelerate is not installed: the trainer of transformers needs it")
torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")

STEPS = 4
DATA = [{"x": float(x)} for x in np.linspace(0.1, 1.0, 2 * STEPS)]


class Model(torch.nn.Module):
    """Keeps every training loss; one weight, trained towards 0."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(2.0))
        self.seen: list[float] = []

    def forward(self, x, **kwargs):
        loss = (self.weight * x).square().mean()
        if self.training:
            self.seen.append(loss.item())
        return {"loss": loss, "out": x}


def trainer_of(model: Model, callback, folder: Path, epochs: float = 3, rate: float = 0.1, **options):
    arguments = transformers.TrainingArguments(
        output_dir=str(folder / "model"),
        num_train_epochs=epochs,
        learning_rate=rate,
        per_device_train_batch_size=2,
        **{
            "logging_steps": 1,
            "logging_nan_inf_filter": False,
            "eval_strategy": "epoch",
            "save_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
            "use_cpu": True,
            "optim": "sgd",
            "remove_unused_columns": False,
            "label_names": ["x"],
        }
        | options,
    )
    trainer = transformers.Trainer(model, arguments, train_dataset=DATA, eval_dataset=DATA, callbacks=[callback])
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def test_it_is_a_callback_of_transformers_and_of_this_package(tmp_path: Path) -> None:
    callback = HuggingFaceCallback(tmp_path, "a", settings={"lr": 0.1})
    for one in (callback, copy.deepcopy(callback), pickle.loads(pickle.dumps(callback))):
        assert isinstance(one, transformers.TrainerCallback) and isinstance(one, HuggingFaceCallback)
        assert one.run == "a" and one.settings == {"lr": 0.1}


def test_the_losses_recorded_are_those_of_the_steps(tmp_path: Path) -> None:
    model = Model()
    trainer = trainer_of(model, HuggingFaceCallback(tmp_path / "curves", "a"), tmp_path)
    trainer.train()
    (curve,) = read_curves(tmp_path / "curves")
    assert np.allclose(curve.losses, model.seen, atol=1e-4) and curve.n_steps == 3 * STEPS
    assert np.allclose(curve.progress, np.arange(1, 3 * STEPS + 1) / STEPS)
    assert curve.validation_progress.tolist() == [1.0, 2.0, 3.0]
    logged = [row["eval_loss"] for row in trainer.state.log_history if "eval_loss" in row]
    assert curve.validation_losses.tolist() == logged


def test_a_run_that_goes_on_from_a_checkpoint_goes_on_in_its_file(tmp_path: Path) -> None:
    saved = {"save_strategy": "steps", "save_steps": 5}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    trainer_of(Model(), HuggingFaceCallback(whole, "a"), tmp_path / "one", **saved).train()
    trainer_of(Model(), HuggingFaceCallback(parts, "a"), tmp_path / "two", **saved).train()
    with (parts / "a.jsonl").open("a") as stream:
        stream.write('{"run": "a", "epoch": 3.25, "st')
    checkpoint = str(tmp_path / "two" / "model" / "checkpoint-5")
    trainer_of(Model(), HuggingFaceCallback(parts, "a"), tmp_path / "two", **saved).train(checkpoint)
    (one,), (two,) = read_curves(whole), read_curves(parts)
    assert one.progress.tolist() == two.progress.tolist()
    assert np.allclose(one.losses, two.losses, atol=1e-4)
    assert two.notes == ()


def neighbours(folder: Path, losses: list[float]) -> None:
    for index, loss in enumerate(losses):
        with Recorder(folder, f"n{index}", steps_per_epoch=1) as recorder:
            for _ in range(10):
                recorder.step(loss)


def test_a_poor_run_is_stopped_and_a_good_one_goes_on(tmp_path: Path) -> None:
    folder, policy = tmp_path / "curves", KeepBest(share=0.2, keep=1)
    neighbours(folder, [0.5, 0.5, 0.5, 0.5])
    poor = HuggingFaceCallback(folder, "poor", policy=policy)
    stopped = trainer_of(Model(), poor, tmp_path, epochs=10, rate=0.0)
    stopped.train()
    assert stopped.state.epoch == 2.25  # one step after the place at 2 epochs
    assert poor.decision.reason.startswith("place 5 of 5 at 20 % of the budget")
    good = HuggingFaceCallback(folder, "good", policy=policy)
    finished = trainer_of(Model(), good, tmp_path, epochs=10, rate=1.0)
    finished.train()
    assert finished.state.epoch == 10.0 and good.decision.action == "continue"


def test_a_diverged_run_is_stopped(tmp_path: Path) -> None:
    callback = HuggingFaceCallback(tmp_path / "curves", "a", policy=KeepBest(share=0.5))
    trainer = trainer_of(Model(), callback, tmp_path, epochs=10, rate=math.inf, eval_strategy="no")
    trainer.train()
    assert trainer.state.epoch <= 1
    assert callback.decision.reason == "diverged: its loss is not finite"


def test_a_budget_in_steps_is_asked_for_in_epochs(tmp_path: Path) -> None:
    callback = HuggingFaceCallback(tmp_path / "curves", "a", policy=KeepBest())
    with pytest.raises(ConfigError, match=r"total_epochs: the trainer counts steps \(max_steps = 3\)"):
        trainer_of(Model(), callback, tmp_path, max_steps=3).train()
