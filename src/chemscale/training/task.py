"""What the training loop needs of a world."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from chemscale.training.arithmetic import Arithmetic


class Batch(Protocol):
    """Examples of one step. Losses are sums over labels, so that padding and micro-batches never dilute them."""

    @property
    def n_examples(self) -> int:
        """Examples in the batch."""

    @property
    def n_labels(self) -> int:
        """Labels in the batch (language: real tokens; force fields: force components)."""

    def to(self, device: torch.device) -> Any:
        """The same batch on another device."""

    def split(self, parts: int) -> Iterator[Any]:
        """Cut into at most `parts` micro-batches."""


class Task(Protocol):
    """One world's side of a run: data, model and loss. Batches are a pure function of the step."""

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps in one pass over the training subset."""

    @property
    def labels_per_epoch(self) -> int:
        """Labels in one pass over the training subset."""

    @property
    def data_hash(self) -> str:
        """Identifies the data, so that a run is never continued on other data."""

    @property
    def arithmetic(self) -> Arithmetic:
        """What the world's models allow of the arithmetic."""

    def build_model(self) -> nn.Module:
        """The model, freshly initialised from the run's seed."""

    def save_companions(self, folder: Path) -> None:
        """Write what the trained model needs beside its weights (a vocabulary, reference energies)."""

    def batch(self, step: int) -> Any:
        """The batch of a step, counted from 0 through all epochs."""

    def validation_batches(self) -> Iterable[Any]:
        """The fixed validation set."""

    def loss_sum(self, model: Any, batch: Any) -> Tensor:
        """The loss summed over the batch's labels, a scalar in float32."""

    def resources(self) -> dict[str, float]:
        """Parameters, capacity, data points and FLOPs per label; the loop adds steps, seconds and memory.

        The key `flops_per_label` is the training cost of one label in closed form.
        """

    def environment(self, device: torch.device) -> dict[str, str]:
        """Names of what was used besides torch (attention operator, tokenizer ...), for the record."""

    def finish(self, model: Any, folder: Path) -> dict[str, float]:
        """Complete the best model once training is over (fitted constants go beside its weights), and judge it.

        Returns:
            Further losses for the run's record, by name.
        """
