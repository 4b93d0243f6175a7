"""Where the curve also goes, for those who watch runs elsewhere."""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from chemscale.base.errors import UserError
from chemscale.base.records import CurvePoint


class CurveLogger(Protocol):
    """Two methods: that is all a logger has to offer."""

    def log(self, point: CurvePoint) -> None:
        """Take one evaluation."""

    def close(self) -> None:
        """The run has ended."""


class TensorBoardLogger:
    """Writes the curve as TensorBoard scalars into `<run>/tensorboard`."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        module = _import("torch.utils.tensorboard", "tensorboard")
        self._writer = module.SummaryWriter(str(folder / "tensorboard"))

    def log(self, point: CurvePoint) -> None:
        """Take one evaluation."""
        for name in ("train_loss", "validation_loss", "learning_rate"):
            self._writer.add_scalar(name, getattr(point, name), point.step)

    def close(self) -> None:
        """Flush and close the event file."""
        self._writer.close()


class WandbLogger:
    """Sends the curve to Weights & Biases, one run per folder name."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self._run = _import("wandb", "wandb").init(project="chemscale", name=folder.name, config=config, dir=folder)

    def log(self, point: CurvePoint) -> None:
        """Take one evaluation."""
        self._run.log(vars(point), step=point.step)

    def close(self) -> None:
        """Mark the run as ended."""
        self._run.finish()


LOGGERS: dict[str, Callable[[Path, dict[str, Any]], CurveLogger]] = {
    "tensorboard": TensorBoardLogger,
    "wandb": WandbLogger,
}


def open_loggers(names: Sequence[str], folder: Path, config: dict[str, Any]) -> list[CurveLogger]:
    """Open the loggers asked for.

    Raises:
        UserError: one is not installed.
    """
    return [LOGGERS[name](folder, config) for name in names]


def _import(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"training.loggers asks for {package}: pip install {package}") from error
