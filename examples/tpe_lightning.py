"""TPE in a Lightning trainer: six learning rates of a small network, the poor ones stopped at 20 % of the budget.

Needs     pip install lightning
Command   python examples/tpe_lightning.py
Duration  about 20 seconds on one core
Expected  rate 1 diverges and stops at once, 0.001 is stopped after epoch 3 of 15, the others go on with their reasons
"""

import logging
import tempfile
import warnings

import lightning.pytorch as lightning
import torch
from torch.utils.data import DataLoader, TensorDataset

from chemscale.tpe import KeepBest, estimate, read_curves
from chemscale.tpe.callbacks import LightningCallback

RATES, EPOCHS = (0.01, 0.1, 0.0001, 1.0, 0.03, 0.001), 15
QUIET = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)


class Regressor(lightning.LightningModule):
    """Two layers trained by gradient descent."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.layers = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        return torch.nn.functional.mse_loss(self.layers(batch[0])[:, 0], batch[1])

    def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
        self.log("val_loss", self.training_step(batch, 0))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.rate)


def main() -> None:
    """Fit one model a rate; the callback records each and stops those that cannot be among the best two."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning.*")
    x = torch.randn(1000, 8, generator=torch.Generator().manual_seed(0))
    y = torch.sin(x).sum(1)
    train, valid = TensorDataset(x[:800], y[:800]), TensorDataset(x[800:], y[800:])
    with tempfile.TemporaryDirectory() as folder:
        for rate in RATES:
            lightning.seed_everything(0, verbose=False)
            tpe = LightningCallback(folder, f"rate {rate:g}", policy=KeepBest(share=0.2, keep=2))
            trainer = lightning.Trainer(max_epochs=EPOCHS, accelerator="cpu", callbacks=[tpe], **QUIET)
            trainer.fit(Regressor(rate), DataLoader(train, 20, shuffle=True), DataLoader(valid, 200))
            print(f"rate {rate:<6g} {trainer.current_epoch:>2} epochs: {tpe.decision.reason}")
        print(estimate(read_curves(folder), fraction=0.2, total_epochs=EPOCHS))


main()
