"""TPE in a Lightning `Trainer`: records the loss of every batch, and stops the fit where the policy says so."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chemscale.base.errors import ConfigError
from chemscale.tpe.callbacks.checks import Checks
from chemscale.tpe.callbacks.curve_file import Setting
from chemscale.tpe.callbacks.library_base import LibraryBased
from chemscale.tpe.callbacks.processes import told_by_first
from chemscale.tpe.callbacks.recorder import Recorder
from chemscale.tpe.columns import VALIDATION_NAMES, plain_name
from chemscale.tpe.estimators import Reading
from chemscale.tpe.policies.decision import Decision, Policy


class LightningCallback(LibraryBased):
    """A Lightning `Callback`: `Trainer(..., callbacks=[LightningCallback("curves", "lr0.1")])`.

    The training loss is what `training_step` returns, in the first process. A fit that goes on from a checkpoint goes
    on in its file.
    """

    modules = ("lightning.pytorch", "pytorch_lightning")
    base = "Callback"
    install = "lightning"

    def __init__(
        self,
        folder: str | Path,
        run: str,
        *,
        policy: Policy | None = None,
        total_epochs: float | None = None,
        steps_per_epoch: int | None = None,
        settings: Mapping[str, Setting] | None = None,
        loss: str | None = None,
        validation_loss: str | None = None,
        reading: Reading | None = None,
        least_runs: int = 4,
    ) -> None:
        """Prepare; the file is written from the first batch on.

        Args:
            folder: shared by the runs that are compared.
            run: this run's name, its own within the folder.
            policy: who goes on; None only records.
            total_epochs: the full budget; the trainer's `max_epochs` where absent.
            steps_per_epoch: batches of an epoch, where the data loader has no length.
            settings: such as {"lr": 0.1, "seed": 0}.
            loss: a logged metric to record in place of what `training_step` returns.
            validation_loss: the logged validation loss; guessed where absent (val_loss, valid/loss, ...).
            reading: how the curves are read.
            least_runs: no run is stopped before so many have reached the policy's first place.

        Raises:
            UserError: neither lightning nor pytorch_lightning is installed.
        """
        self.folder = Path(folder)
        self.run = run
        self.policy = policy
        self.total_epochs = total_epochs
        self.steps_per_epoch = steps_per_epoch
        self.settings = dict(settings or {})
        self.loss = loss
        self.validation_loss = validation_loss
        self.reading = reading
        self.least_runs = least_runs
        self._checks = Checks(None, None)
        self._recorder: Recorder | None = None
        self._progress = 0.0

    @property
    def decision(self) -> Decision | None:
        """The last decision on the run; None before the first, and in processes that do not record."""
        return None if self._recorder is None else self._recorder.decision

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Learn the full budget."""
        self._recorder = None
        self._checks = Checks(self.policy, self._total_epochs(trainer))

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Stop the fit after this batch where the policy says so; all of the last batch is recorded by now."""
        # a resumed fit says only here for sure where it goes on
        if self._recorder is None and trainer.is_global_zero:
            self._progress = trainer.current_epoch + batch_idx / self._steps_per_epoch(trainer)
            self._recorder = self._open()
        self._look(trainer)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Record the loss of the batch."""
        steps = self._steps_per_epoch(trainer)
        self._progress = trainer.current_epoch + (batch_idx + 1) / steps
        if self._recorder is not None:
            loss = self._training_loss(trainer, pl_module, outputs)
            self._recorder.step(loss, progress=self._progress, step=round(self._progress * steps))

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Record the validation loss."""
        if self._recorder is None or trainer.sanity_checking:
            return
        name = self.validation_loss or _guessed(trainer.callback_metrics)
        if name is not None:
            self._recorder.validation(_metric(trainer, "validation_loss", name))

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Stop the fit where the policy says so."""
        self._look(trainer)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Let go of the file: a notebook may fit again."""
        self.teardown(trainer, pl_module, "fit")

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Let go of the file."""
        if self._recorder is not None:
            self._recorder.close()

    def _open(self) -> Recorder:
        return Recorder(
            self.folder,
            self.run,
            total_epochs=self._checks.total_epochs,
            policy=self.policy,
            settings=self.settings,
            resumed_at=self._progress,
            reading=self.reading,
            least_runs=self.least_runs,
        )

    def _look(self, trainer: Any) -> None:
        if self._progress <= 0 or not self._checks.due(self._progress):
            return
        decision = None if self._recorder is None else self._recorder.judge()
        if told_by_first(decision is not None and decision.action == "stop"):
            trainer.should_stop = True

    def _training_loss(self, trainer: Any, pl_module: Any, outputs: Any) -> Any:
        if self.loss is not None:
            return _metric(trainer, "loss", self.loss)
        found = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if found is None:
            raise ConfigError(
                "loss: training_step returned no loss. Return it, or log it on every step and give its name as `loss`."
            )
        # Lightning divides the loss of automatic optimisation by the number of accumulated batches
        return float(found) * (trainer.accumulate_grad_batches if pl_module.automatic_optimization else 1)

    def _steps_per_epoch(self, trainer: Any) -> int:
        steps = self.steps_per_epoch or trainer.num_training_batches
        if not math.isfinite(steps):
            raise ConfigError("steps_per_epoch: the training data has no length. Say how many batches make an epoch.")
        return int(steps)

    def _total_epochs(self, trainer: Any) -> float | None:
        if self.total_epochs is not None or self.policy is None:
            return self.total_epochs
        if trainer.max_epochs is None or trainer.max_epochs < 1:
            raise ConfigError(
                f"total_epochs: the trainer has max_epochs = {trainer.max_epochs}. Say how many epochs the budget is."
            )
        return float(trainer.max_epochs)


def _guessed(metrics: Mapping[str, Any]) -> str | None:
    plain = {plain_name(name): name for name in metrics}
    return next((plain[name] for name in VALIDATION_NAMES if name in plain), None)


def _metric(trainer: Any, role: str, name: str) -> Any:
    if name not in trainer.callback_metrics:
        there = ", ".join(trainer.callback_metrics) or "none"
        raise ConfigError(f"{role}: no metric `{name}` was logged. Logged are: {there}.")
    return trainer.callback_metrics[name]
