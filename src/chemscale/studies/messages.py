"""What the parent and its workers say to each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """A run to carry out."""

    name: str
    values: dict[str, Any]
    folder: Path


@dataclass(frozen=True)
class Progress:
    """A run has got so far, in optimiser steps."""

    name: str
    done: int
    total: int
    validation_loss: float


@dataclass(frozen=True)
class Ended:
    """A run has ended: finished, diverged, failed, or busy where another process is training it."""

    name: str
    status: str
    message: str = ""
