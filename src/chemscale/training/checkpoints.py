"""Checkpoints: the latest state of a run, to continue exactly, and its best weights, to use."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from chemscale.base.errors import DataError, StorageError
from chemscale.base.files import replacing

LATEST = "latest.pt"
BEST = "best.safetensors"


@dataclass(frozen=True)
class LatestState:
    """Where a run stands after `step` optimiser steps."""

    step: int
    examples: int
    labels: int
    seconds: float
    cpu_seconds: float
    model: dict[str, Tensor]
    optimiser: dict[str, Any]
    plateau: dict[str, float]
    step_losses: Tensor
    curve: list[dict[str, float]]


def save_latest(folder: Path, state: LatestState) -> None:
    """Write the latest state; a kill in the middle leaves the one before."""
    with _writing(folder / LATEST) as temporary:
        torch.save(vars(state), temporary)


def load_latest(folder: Path) -> LatestState | None:
    """The latest state, or None where there is none.

    Raises:
        DataError: the file cannot be read.
    """
    path = folder / LATEST
    if not path.exists():
        return None
    try:
        return LatestState(**torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        raise DataError(f"{path}: not a readable checkpoint ({error}). Delete it to start the run anew.") from error


def save_best(folder: Path, model: nn.Module) -> None:
    """Write the model's weights as safetensors."""
    weights = {name: value.detach().contiguous().cpu() for name, value in model.state_dict().items()}
    with _writing(folder / BEST) as temporary:
        save_file(weights, temporary)


def load_best(folder: Path) -> dict[str, Tensor]:
    """The best weights of a run.

    Raises:
        DataError: the run has no evaluated checkpoint yet.
    """
    path = folder / BEST
    if not path.exists():
        raise DataError(f"{path}: no such file; the run has not reached its first evaluation")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise DataError(f"{path}: damaged ({error}); train the run again in another folder") from None


@contextmanager
def _writing(path: Path) -> Iterator[Path]:
    # torch and safetensors have errors of their own for a full disk
    try:
        with replacing(path) as temporary:
            yield temporary
    except (OSError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise StorageError(
            f"{path}: cannot be written ({reason}). What was written before is kept: "
            "make room, and run the same command again."
        ) from error
