"""TPE in a Hugging Face `Trainer`: records what it logs, and stops it where the policy says so."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chemscale.base.errors import ConfigError
from chemscale.tpe.callbacks.checks import Checks
from chemscale.tpe.callbacks.curve_file import Setting
from chemscale.tpe.callbacks.library_base import LibraryBased
from chemscale.tpe.callbacks.processes import told_by_first
from chemscale.tpe.callbacks.recorder import Recorder
from chemscale.tpe.estimators import Reading
from chemscale.tpe.policies.decision import Decision, Policy


class HuggingFaceCallback(LibraryBased):
    """A `transformers.TrainerCallback`: `Trainer(..., callbacks=[HuggingFaceCallback("curves", "lr0.1")])`.

    Set `logging_steps=1`, so that the loss of every step is seen, and `logging_nan_inf_filter=False`, or else the
    trainer hides losses that are not finite. A run that goes on from a checkpoint goes on in its file.
    """

    modules = ("transformers",)
    base = "TrainerCallback"
    install = "transformers"

    def __init__(
        self,
        folder: str | Path,
        run: str,
        *,
        policy: Policy | None = None,
        total_epochs: float | None = None,
        settings: Mapping[str, Setting] | None = None,
        loss: str = "loss",
        validation_loss: str = "eval_loss",
        reading: Reading | None = None,
        least_runs: int = 4,
    ) -> None:
        """Prepare; the file is written from the first logged loss on.

        Args:
            folder: shared by the runs that are compared.
            run: this run's name, its own within the folder.
            policy: who goes on; None only records.
            total_epochs: the full budget; `num_train_epochs` where absent.
            settings: such as {"lr": 0.1, "seed": 0}.
            loss: the training loss in the trainer's logs.
            validation_loss: the validation loss in the trainer's logs.
            reading: how the curves are read.
            least_runs: no run is stopped before so many have reached the policy's first place.

        Raises:
            UserError: transformers is not installed.
        """
        self.folder = Path(folder)
        self.run = run
        self.policy = policy
        self.total_epochs = total_epochs
        self.settings = dict(settings or {})
        self.loss = loss
        self.validation_loss = validation_loss
        self.reading = reading
        self.least_runs = least_runs
        self._checks = Checks(None, None)
        self._recorder: Recorder | None = None

    @property
    def decision(self) -> Decision | None:
        """The last decision on the run; None before the first, and in processes that do not record."""
        return None if self._recorder is None else self._recorder.decision

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Open the run's file in the first process."""
        total = self._total_epochs(args)
        self._checks = Checks(self.policy, total)
        self._recorder = None
        if state.is_world_process_zero:
            self._recorder = Recorder(
                self.folder,
                self.run,
                total_epochs=total,
                policy=self.policy,
                settings=self.settings,
                resumed_at=float(state.epoch or 0.0) if state.global_step else 0.0,
                reading=self.reading,
                least_runs=self.least_runs,
            )

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        """Record the losses among `logs`."""
        if self._recorder is None or not logs:
            return
        if self.loss in logs:
            self._recorder.step(logs[self.loss], progress=state.epoch, step=state.global_step)
        if self.validation_loss in logs:
            self._recorder.validation(logs[self.validation_loss])

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop the training after this step where the policy says so; all of the last step is recorded by now."""
        if not state.global_step or not self._checks.due(float(state.epoch or 0.0)):
            return
        decision = None if self._recorder is None else self._recorder.judge()
        if told_by_first(decision is not None and decision.action == "stop"):
            control.should_training_stop = True

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Let go of the file."""
        if self._recorder is not None:
            self._recorder.close()

    def _total_epochs(self, args: Any) -> float | None:
        if self.total_epochs is not None or self.policy is None:
            return self.total_epochs
        if args.max_steps > 0:
            raise ConfigError(
                f"total_epochs: the trainer counts steps (max_steps = {args.max_steps}). Say how many epochs they are."
            )
        return float(args.num_train_epochs)
