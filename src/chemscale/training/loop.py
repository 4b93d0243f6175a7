"""The training loop: one for every world.

A run goes on until its budget, its stop rule or a loss that is not finite; it can be killed at any moment and, called
again, continues from its latest checkpoint to the same bytes.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from chemscale.base.errors import DataError
from chemscale.base.files import write_atomically
from chemscale.base.records import CurvePoint, RunFolder, RunResult
from chemscale.training.checkpoints import LatestState, load_best, load_latest, save_best, save_latest
from chemscale.training.config import TrainingConfig
from chemscale.training.environment import describe_environment
from chemscale.training.loggers import CurveLogger, open_loggers
from chemscale.training.memory import peak_memory_bytes, reset_peak_memory
from chemscale.training.precision import autocast, float32_products, resolve_precision
from chemscale.training.schedules import Plateau, learning_rate
from chemscale.training.task import Task

STEPS_BETWEEN_REPORTS = 10
WORSE_THAN_UNTRAINED = 1.5
OnProgress = Callable[[int, int, float], None]


class TrainingRun:
    """The state of one run between its steps."""

    def __init__(self, task: Task, config: TrainingConfig, folder: RunFolder, device: torch.device) -> None:
        self.task, self.folder, self.device = task, folder, device
        self.resources = task.resources()
        width = int(self.resources.get("width", 0))
        self.config = config = config.at_width(width)
        self.model = task.build_model().to(device)
        self.total_steps = config.total_steps(task.steps_per_epoch, task.labels_per_epoch)
        self.precision = resolve_precision(config, device, width, task.arithmetic)
        self.parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimiser = _build_optimiser(self.model, config, device)
        self.compute_loss: Callable[[nn.Module, Any], Tensor] = task.loss_sum
        if config.compile:
            self.compute_loss = torch.compile(task.loss_sum, dynamic=True)
        self.step_losses = torch.full((self.total_steps,), math.nan, device=device)
        self.validation = [batch.to(device) for batch in task.validation_batches()]
        self.plateau = Plateau()
        self.curve: list[CurvePoint] = []
        self.step = self.examples = self.labels = 0
        self.seconds = self.cpu_seconds = 0.0

    def train_step(self) -> None:
        """One optimiser step: the mean loss over the labels of its batch, split into micro-batches on request."""
        rate = learning_rate(self.config, self.step, self.total_steps, self.plateau.scale)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        batch = self.task.batch(self.step).to(self.device)
        parts = [batch] if self.config.accumulate == 1 else batch.split(self.config.accumulate)
        self.optimiser.zero_grad(set_to_none=True)
        for part in parts:
            with autocast(self.precision, self.device):
                loss = self.compute_loss(self.model, part) / max(1, batch.n_labels)
            loss.backward(inputs=self.parameters)  # and to nothing else that asks for a gradient, such as positions
            self._add_step_loss(loss.detach())
        if self.config.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.config.gradient_clip)
        self.optimiser.step()
        self.step += 1
        self.examples += batch.n_examples
        self.labels += batch.n_labels

    def _add_step_loss(self, loss: Tensor) -> None:
        # nan marks a step that was never taken, so the first micro-batch replaces and the others add
        if self.config.accumulate == 1:
            self.step_losses[self.step] = loss
        else:
            self.step_losses[self.step] = torch.nan_to_num(self.step_losses[self.step], nan=0.0) + loss

    @torch.no_grad()
    def validation_loss(self) -> float:
        """The mean loss per label over the whole validation set."""
        self.model.eval()
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for batch in self.validation:
            with autocast(self.precision, self.device):
                total += self.compute_loss(self.model, batch)
        self.model.train()
        return float(total) / sum(batch.n_labels for batch in self.validation)

    def evaluate(self) -> CurvePoint:
        """Evaluate and add a point to the curve; the training loss is the mean of the steps since the last point."""
        since = self.curve[-1].step if self.curve else 0
        point = CurvePoint(
            step=self.step,
            epoch=self.step / self.task.steps_per_epoch,
            examples=self.examples,
            tokens=self.labels,
            train_loss=float(self.step_losses[since : self.step].mean()),
            validation_loss=self.validation_loss(),
            learning_rate=float(self.optimiser.param_groups[0]["lr"]),
            seconds=self.seconds,
        )
        self.curve.append(point)
        return point

    def save(self) -> None:
        """Write the latest checkpoint, the curve and the step losses, in this order of importance."""
        state = LatestState(
            step=self.step,
            examples=self.examples,
            labels=self.labels,
            seconds=self.seconds,
            cpu_seconds=self.cpu_seconds,
            model=self.model.state_dict(),
            optimiser=self.optimiser.state_dict(),
            plateau=self.plateau.state(),
            step_losses=self.step_losses[: self.step].cpu(),
            curve=[vars(point) for point in self.curve],
        )
        save_latest(self.folder.checkpoints, state)
        self.folder.write_curve(self.curve)
        self.folder.write_step_losses(state.step_losses.numpy())

    def restore(self) -> None:
        """Continue from the latest checkpoint, if there is one."""
        state = load_latest(self.folder.checkpoints)
        if state is None:
            return
        self.model.load_state_dict(state.model)
        self.optimiser.load_state_dict(state.optimiser)
        self.plateau.restore(state.plateau)
        self.step_losses[: state.step] = state.step_losses.to(self.device)
        self.curve = [CurvePoint(**point) for point in state.curve]  # type: ignore[arg-type]
        self.step, self.examples, self.labels = state.step, state.examples, state.labels
        self.seconds, self.cpu_seconds = state.seconds, state.cpu_seconds


def train(
    task: Task,
    config: TrainingConfig,
    folder: Path,
    *,
    device: str = "cpu",
    on_progress: OnProgress | None = None,
    until_step: int | None = None,
) -> RunResult | None:
    """Train a task's model in a run folder, from the start or from the folder's latest checkpoint.

    Args:
        task: data, model and loss of one world.
        config: optimiser, schedule, budget, evaluation.
        folder: the run folder; `config.json` is the caller's to write.
        device: where to compute, `cpu` or `cuda[:i]`.
        on_progress: called every few steps with (steps done, steps in all, latest validation loss).
        until_step: pause there with a checkpoint, for whoever decides later whether the run goes on.

    Returns:
        What is written to `result.json`, or None where the run was paused at `until_step`.

    Raises:
        DataError: the folder's checkpoint was trained on other data.
    """
    run_folder = RunFolder(folder)
    _check_same_data(run_folder, task)
    task.save_companions(folder)
    reset_peak_memory()
    run = TrainingRun(task, config, run_folder, torch.device(device))
    run.restore()
    loggers = open_loggers(config.loggers, folder, run_folder.config() if (folder / "config.json").exists() else {})
    try:
        with float32_products(run.device, int(run.resources.get("width", 0)), task.arithmetic) as matmul:
            stopped_by = _run_steps(run, loggers, on_progress, until_step)
            run.save()
            further = {} if stopped_by == "pause" else _finish(run)
    finally:
        for logger in loggers:
            logger.close()
    if stopped_by == "pause":
        return None
    result = _summarise(run, stopped_by, matmul, further)
    run_folder.write_result(result)
    return result


def _run_steps(
    run: TrainingRun, loggers: list[CurveLogger], on_progress: OnProgress | None, until_step: int | None
) -> str:
    """Train until something ends the run; returns what did: budget, patience, divergence or pause."""
    evaluation_steps = _evaluation_steps(run.total_steps, run.config.evaluations)
    clock = _Clock(run)
    run.model.train()
    while not (stopped_by := _reason_to_stop(run, until_step)):
        run.train_step()
        at_evaluation = run.step in evaluation_steps
        if at_evaluation:
            clock.read()
            point = run.evaluate()
            for logger in loggers:
                logger.log(point)
            if run.plateau.update(point.validation_loss, run.config):
                save_best(run.folder.checkpoints, run.model)
        if on_progress and (at_evaluation or run.step % STEPS_BETWEEN_REPORTS == 0):
            on_progress(run.step, run.total_steps, run.curve[-1].validation_loss if run.curve else math.nan)
        if clock.since_checkpoint() > run.config.checkpoint_seconds:
            clock.read()
            run.save()
            clock.checkpointed()
    clock.read()
    return stopped_by


def _reason_to_stop(run: TrainingRun, until_step: int | None) -> str:
    """Why the run takes no further step, from its state alone, so that a resumed run stops where it did before."""
    if run.curve and not math.isfinite(run.curve[-1].validation_loss + run.curve[-1].train_loss):
        return "divergence"
    if run.config.stop_patience is not None and run.plateau.stagnant >= run.config.stop_patience:
        return "patience"
    if run.step >= run.total_steps:
        return "budget"
    return "pause" if until_step is not None and run.step >= until_step else ""


class _Clock:
    """Adds wall and processor seconds to a run, also over several attempts."""

    def __init__(self, run: TrainingRun) -> None:
        self._run = run
        self._wall = self._checkpoint = time.perf_counter()
        self._cpu = time.process_time()

    def read(self) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self._run.seconds += wall - self._wall
        self._run.cpu_seconds += cpu - self._cpu
        self._wall, self._cpu = wall, cpu

    def since_checkpoint(self) -> float:
        return time.perf_counter() - self._checkpoint

    def checkpointed(self) -> None:
        self._checkpoint = time.perf_counter()


def _build_optimiser(model: nn.Module, config: TrainingConfig, device: torch.device) -> torch.optim.Optimizer:
    kind = torch.optim.AdamW if config.optimiser == "adamw" else torch.optim.Adam
    return kind(
        model.parameters(),
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        eps=config.epsilon,
        weight_decay=config.weight_decay,
        fused=device.type in ("cpu", "cuda"),
    )


def _is_worse_than_untrained(run: TrainingRun) -> bool:
    """Whether no evaluation came near the loss of the first step, which is that of the untrained model."""
    best = min((point.validation_loss for point in run.curve), default=math.inf)
    return best > WORSE_THAN_UNTRAINED * float(run.step_losses[0])


def _evaluation_steps(total_steps: int, evaluations: int) -> frozenset[int]:
    return frozenset(math.ceil(total_steps * (i + 1) / evaluations) for i in range(evaluations))


def _check_same_data(folder: RunFolder, task: Task) -> None:
    record = folder.path / "data_hash"
    if record.exists() and record.read_text() != task.data_hash:
        raise DataError(
            f"{folder.path}: this run was begun on other data (the source has changed since). "
            "Delete the folder, or train into another one."
        )
    write_atomically(record, task.data_hash)


def _finish(run: TrainingRun) -> dict[str, float]:
    """Let the task complete and judge the best model; a run that never had one has nothing more to say."""
    if not math.isfinite(run.plateau.best):
        return {}
    run.model.load_state_dict(load_best(run.folder.checkpoints))
    run.model.eval()
    return run.task.finish(run.model, run.folder.path)


def _summarise(run: TrainingRun, stopped_by: str, matmul: str, further: dict[str, float]) -> RunResult:
    losses = [point.validation_loss for point in run.curve if math.isfinite(point.validation_loss)]
    resources = dict(run.resources)
    resources["training_flops"] = resources.pop("flops_per_label", math.nan) * run.labels
    resources |= {
        "tokens_seen": run.labels,
        "steps": run.step,
        "seconds": run.seconds,
        "cpu_seconds": run.cpu_seconds,
        "peak_memory_bytes": peak_memory_bytes(run.device),
    }
    environment = describe_environment(run.device) | run.task.environment(run.device)
    return RunResult(
        status="diverged" if stopped_by == "divergence" or _is_worse_than_untrained(run) else "finished",
        losses={
            "validation_loss": min(losses, default=math.nan),
            "final_validation_loss": run.curve[-1].validation_loss if run.curve else math.nan,
            "train_loss": run.curve[-1].train_loss if run.curve else math.nan,
            **further,
        },
        resources=resources,
        environment=environment | {"precision": run.precision, "matmul": matmul},
        data_hash=run.task.data_hash,
        stopped_by=stopped_by,
    )
