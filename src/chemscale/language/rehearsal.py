"""A run's training steps without its data: random tokens in batches of the right shapes, to measure their time."""

from collections.abc import Iterator

import numpy as np
import torch

from chemscale.language.batches import TokenBatch
from chemscale.language.cost import LanguageRun, with_vocabulary
from chemscale.language.expected_data import expected_data
from chemscale.language.task import LanguageTask

SHAPES = 4


class RehearsalTask(LanguageTask):
    """The loss and the model of a `LanguageTask` on random tokens; an epoch is one batch of each of a few lengths.

    Batches of molecules hold similar lengths, so each has the length of one part of the distribution: steps of one
    shape alone would be faster than real ones, because memory is taken anew when the shape changes.
    """

    def __init__(self, run: LanguageRun, n_examples: int) -> None:
        data = expected_data(run.data)
        self.data, self.batch_size, self.seed = run.data, n_examples, 0
        self.model_config = with_vocabulary(run.model, data)
        lengths = np.quantile(data.lengths, (np.arange(SHAPES) + 0.5) / SHAPES).round().astype(int)
        generator = torch.Generator().manual_seed(0)
        self._batches = [_random_batch(n_examples, int(length), data.vocabulary_size, generator) for length in lengths]

    @property
    def steps_per_epoch(self) -> int:
        """One step of every shape."""
        return SHAPES

    @property
    def labels_per_epoch(self) -> int:
        """Labels of one batch of every shape."""
        return sum(batch.n_labels for batch in self._batches)

    def batch(self, step: int) -> TokenBatch:
        """The shapes in turn, the longest first."""
        return self._batches[-1 - step % SHAPES]

    def validation_batches(self) -> Iterator[TokenBatch]:
        """None: nothing is evaluated."""
        return iter(())

    def resources(self) -> dict[str, float]:
        """What the training loop must know of the model, and the operations of a label."""
        lengths = np.array([batch.token_ids.shape[1] for batch in self._batches])
        flops = 3 * self.model_config.forward_flops_per_token(lengths)
        return {"width": self.model_config.width, "flops_per_label": flops}


def _random_batch(n_examples: int, length: int, vocabulary_size: int, generator: torch.Generator) -> TokenBatch:
    ids = torch.randint(vocabulary_size, (n_examples, length + 1), generator=generator)
    return TokenBatch(ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), n_examples * length)
