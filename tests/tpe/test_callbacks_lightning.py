"""The Lightning callback: what it records is what the model returned, through resume, and it stops who should."""

import copy
import logging
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import ConfigError
from chemscale.tpe import KeepBest, read_curves
from chemscale.tpe.callbacks import LightningCallback, Recorder

lightning = pytest.importorskip("lightning.pytorch", reason="lightning is not installed: pip install lightning")
torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

STEPS = 4


class Model(lightning.LightningModule):
    """Keeps every loss that it returned; one weight, trained towards 0."""

    def __init__(self, rate: float = 0.1, returned: str = "tensor") -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(2.0))
        self.rate, self.returned = rate, returned
        self.seen: list[float] = []
        self.validated: list[float] = []

    def training_step(self, batch, batch_idx):
        loss = (self.weight * batch[0]).square().mean()
        self.seen.append(loss.item())
        self.log("train/loss", loss)
        return {"tensor": loss, "dict": {"loss": loss, "other": 1}}[self.returned]

    def validation_step(self, batch, batch_idx):
        loss = (self.weight * batch[0]).square().mean()
        if not self.trainer.sanity_checking:
            self.validated.append(loss.item())
        self.log("val/loss", loss)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.rate)


def fit(model: Model, callback, folder: Path, epochs: int = 3, checkpoint: str | None = None, others=(), **options):
    data = torch.utils.data.TensorDataset(torch.tensor([0.5, 1.0] * STEPS))
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=[callback, *others],
        default_root_dir=folder,
        **{"enable_checkpointing": False, **options},
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    loader = torch.utils.data.DataLoader(data, 2)
    trainer.fit(model, loader, torch.utils.data.DataLoader(data, 8), ckpt_path=checkpoint)
    return trainer


def test_it_is_a_callback_of_lightning_and_of_this_package(tmp_path: Path) -> None:
    callback = LightningCallback(tmp_path, "a", settings={"lr": 0.1})
    for one in (callback, copy.deepcopy(callback), pickle.loads(pickle.dumps(callback))):
        assert isinstance(one, lightning.Callback) and isinstance(one, LightningCallback)
        assert one.run == "a" and one.settings == {"lr": 0.1}


@pytest.mark.parametrize("returned", ["tensor", "dict"])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_losses_recorded_are_those_returned(tmp_path: Path, returned: str, accumulate: int) -> None:
    model = Model(returned=returned)
    fit(model, LightningCallback(tmp_path, "a"), tmp_path, accumulate_grad_batches=accumulate)
    (curve,) = read_curves(tmp_path)
    assert np.allclose(curve.losses, model.seen, rtol=1e-6) and curve.n_steps == 3 * STEPS
    assert np.allclose(curve.progress, np.arange(1, 3 * STEPS + 1) / STEPS)
    assert curve.validation_progress.tolist() == [1.0, 2.0, 3.0]
    assert np.allclose(curve.validation_losses, model.validated)


def test_a_fit_resumed_after_an_epoch_goes_on_in_its_file(tmp_path: Path) -> None:
    saver = lightning.callbacks.ModelCheckpoint(tmp_path / "saved", save_last=True)
    for run, epochs in (("a", 3), ("b", 2)):
        options = {"others": [saver], "enable_checkpointing": True} if run == "b" else {}
        fit(Model(), LightningCallback(tmp_path, run), tmp_path, epochs=epochs, **options)
    last = str(tmp_path / "saved" / "last.ckpt")
    fit(Model(), LightningCallback(tmp_path, "b"), tmp_path, checkpoint=last)
    one, two = read_curves(tmp_path)
    assert one.progress.tolist() == two.progress.tolist() and one.losses.tolist() == two.losses.tolist()
    assert one.validation_losses.tolist() == two.validation_losses.tolist()


def test_a_named_metric_is_read_in_place_of_the_returned_loss(tmp_path: Path) -> None:
    model = Model()
    fit(model, LightningCallback(tmp_path, "a", loss="train/loss", validation_loss="val/loss"), tmp_path, epochs=1)
    assert np.allclose(read_curves(tmp_path)[0].losses, model.seen)
    with pytest.raises(ConfigError, match=r"validation_loss: no metric `nll` was logged. Logged are: .*val/loss"):
        fit(Model(), LightningCallback(tmp_path, "b", validation_loss="nll"), tmp_path, epochs=1)


def test_a_fit_resumed_inside_an_epoch_goes_on_in_its_file(tmp_path: Path) -> None:
    class SaveThenDie(lightning.Callback):
        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
            if trainer.current_epoch == 1 and batch_idx == 0:
                trainer.save_checkpoint(tmp_path / "last.ckpt")
            if trainer.current_epoch == 1 and batch_idx == 2:
                raise KeyboardInterrupt

    # every batch is alike here: Lightning itself begins the data anew inside the epoch
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    fit(Model(), LightningCallback(whole, "a"), tmp_path)
    with pytest.raises((SystemExit, KeyboardInterrupt)):
        fit(Model(), LightningCallback(parts, "a"), tmp_path, others=[SaveThenDie()])
    assert read_curves(parts)[0].n_steps == STEPS + 3
    fit(Model(), LightningCallback(parts, "a"), tmp_path, checkpoint=str(tmp_path / "last.ckpt"))
    (one,), (two,) = read_curves(whole), read_curves(parts)
    assert one.progress.tolist() == two.progress.tolist()
    assert one.losses.tolist() == two.losses.tolist()


def neighbours(folder: Path, epochs: int, losses: list[float]) -> None:
    for index, loss in enumerate(losses):
        with Recorder(folder, f"n{index}", steps_per_epoch=1) as recorder:
            for _ in range(epochs):
                recorder.step(loss)


def test_a_poor_run_is_stopped_and_a_good_one_goes_on(tmp_path: Path) -> None:
    neighbours(tmp_path, 10, [0.5, 0.5, 0.5, 0.5])
    policy = KeepBest(share=0.2, keep=1)
    poor = LightningCallback(tmp_path, "poor", policy=policy)
    assert fit(Model(rate=0.0), poor, tmp_path, epochs=10).current_epoch == 2
    assert poor.decision.reason.startswith("place 5 of 5 at 20 % of the budget")
    good = LightningCallback(tmp_path, "good", policy=policy)
    assert fit(Model(rate=1.0), good, tmp_path, epochs=10).current_epoch == 10
    assert good.decision.action == "continue"


def test_a_diverged_run_is_stopped(tmp_path: Path) -> None:
    callback = LightningCallback(tmp_path, "a", policy=KeepBest(share=0.5))
    trainer = fit(Model(rate=math.nan), callback, tmp_path, epochs=10)
    assert trainer.current_epoch <= 1
    assert callback.decision.reason == "diverged: its loss is not finite"


def test_a_budget_that_cannot_be_known_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="total_epochs: the trainer has max_epochs = -1"):
        fit(Model(), LightningCallback(tmp_path, "a", policy=KeepBest()), tmp_path, epochs=-1, max_steps=3)
