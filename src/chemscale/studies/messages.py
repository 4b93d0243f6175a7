"""What the parent and its workers say to each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """A run to carry out, to its end or until a step, where it pauses with a checkpoint."""

    name: str
    values: dict[str, Any]
    folder: Path
    until_step: int | None = None


@dataclass(frozen=True)
class Progress:
    """A run has got so far, in optimiser steps."""

    name: str
    done: int
    total: int
    validation_loss: float


@dataclass(frozen=True)
class Ended:
    """A run has ended: finished, diverged, paused, failed, or busy where another process is training it."""

    name: str
    status: str
    message: str = ""
