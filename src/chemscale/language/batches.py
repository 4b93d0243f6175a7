"""From a corpus to tensors: two protocols, each a pure function of (seed, epoch, step).

molecules   each molecule is its own sequence `[bos] ... [eos]`; batches hold molecules of similar length, so that
            padding stays small; nothing is attended across molecules. The default.
blocks      molecules are joined to one stream and cut into blocks of equal length, attended across molecules, as
            Frey et al. 2023 trained.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from chemscale.base.seeds import stream
from chemscale.language.data import Corpus

IGNORED = -100
BATCHES_SORTED_TOGETHER = 32


@dataclass(frozen=True)
class TokenBatch:
    """Sequences and what should come next.

    Attributes:
        token_ids: [batch, tokens], int64; [pad] on the right.
        targets: [batch, tokens], int64; the next token, `IGNORED` where there is none.
        n_labels: number of targets that count.
    """

    token_ids: Tensor
    targets: Tensor
    n_labels: int

    @property
    def n_examples(self) -> int:
        """Sequences in the batch."""
        return self.token_ids.shape[0]

    def to(self, device: torch.device) -> "TokenBatch":
        """The same batch on another device."""
        if self.token_ids.device == device:
            return self
        return TokenBatch(self.token_ids.to(device), self.targets.to(device), self.n_labels)

    def split(self, parts: int) -> Iterator["TokenBatch"]:
        """Cut the batch into at most `parts` micro-batches."""
        for token_ids, targets in zip(self.token_ids.chunk(parts), self.targets.chunk(parts), strict=True):
            yield TokenBatch(token_ids, targets, int((targets != IGNORED).sum()))


@dataclass(frozen=True)
class MoleculeSequences:
    """The `molecules` protocol over the given molecules of a corpus.

    Attributes:
        corpus: where the ids are.
        indices: the molecules' numbers in the corpus [n_examples].
    """

    corpus: Corpus
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def lengths(self) -> np.ndarray:
        """Labels of every sequence [n_examples]: every symbol and the end of the molecule."""
        return self.corpus.lengths[self.indices] + 1

    @property
    def n_labels(self) -> int:
        """Labels in one epoch."""
        return int(self.lengths.sum())

    def epoch_order(self, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
        """The batches of one epoch, each the positions of its examples.

        All molecules are shuffled, sorted by length within stretches of `BATCHES_SORTED_TOGETHER` batches, cut, and
        the batches of a stretch shuffled: batches of similar length, in an order that is close to random.
        """
        random = stream(seed, "data order", epoch)
        order = random.permutation(len(self.indices))
        lengths = self.corpus.lengths[self.indices]
        batches: list[np.ndarray] = []
        stretch = batch_size * BATCHES_SORTED_TOGETHER
        for start in range(0, len(order), stretch):
            part = order[start : start + stretch]
            part = part[np.argsort(lengths[part], kind="stable")]
            cut = [part[i : i + batch_size] for i in range(0, len(part), batch_size)]
            batches += [cut[i] for i in random.permutation(len(cut))]
        return batches

    def in_order(self, batch_size: int) -> list[np.ndarray]:
        """Batches sorted by length, for evaluation."""
        order = np.argsort(self.corpus.lengths[self.indices], kind="stable")
        return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]

    def batch(self, positions: np.ndarray) -> TokenBatch:
        """The examples at `positions` as one padded batch of `[bos] ids` with targets `ids [eos]`."""
        vocabulary = self.corpus.vocabulary
        flat, lengths = self.corpus.gather(self.indices[positions])
        longest = int(lengths.max()) + 1
        real = np.arange(longest) < lengths[:, None]
        inputs = np.full((len(lengths), longest), vocabulary.pad_id, dtype=np.int64)
        targets = np.full((len(lengths), longest), IGNORED, dtype=np.int64)
        inputs[:, 0] = vocabulary.bos_id
        inputs[:, 1:][real[:, :-1]] = flat
        targets[real] = flat
        targets[np.arange(len(lengths)), lengths] = vocabulary.eos_id
        return TokenBatch(torch.from_numpy(inputs), torch.from_numpy(targets), int(lengths.sum()) + len(lengths))


@dataclass(frozen=True)
class Blocks:
    """The `blocks` protocol: rows of one long stream of tokens.

    Attributes:
        rows: token ids [n_examples, block_tokens]; the first token of a row is only input, the others are labels too.
    """

    rows: np.ndarray

    @classmethod
    def cut(cls, corpus: Corpus, indices: np.ndarray, block_tokens: int, n_blocks: int | None = None) -> "Blocks":
        """Join `[bos] ids [eos]` of the molecules in order and cut; a rest shorter than a block is dropped.

        Args:
            corpus: where the ids are.
            indices: molecules in the order in which they are joined.
            block_tokens: tokens a block.
            n_blocks: stop after so many; None takes all there are.
        """
        if n_blocks is not None:
            ends = np.cumsum(corpus.lengths[indices] + 2)
            indices = indices[: int(np.searchsorted(ends, n_blocks * block_tokens)) + 1]
        flat, lengths = corpus.gather(indices)
        ends = np.cumsum(lengths + 2)
        tokens = np.empty(int(ends[-1]) if len(ends) else 0, dtype=flat.dtype)
        inner = np.ones(len(tokens), dtype=bool)
        inner[ends - 1] = inner[ends - lengths - 2] = False
        tokens[inner] = flat
        tokens[ends - lengths - 2] = corpus.vocabulary.bos_id
        tokens[ends - 1] = corpus.vocabulary.eos_id
        whole = len(tokens) // block_tokens
        rows = tokens[: whole * block_tokens].reshape(whole, block_tokens)
        return cls(rows[:n_blocks])

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def lengths(self) -> np.ndarray:
        """Labels of every block [n_examples]: all its tokens but the first."""
        return np.full(len(self.rows), self.rows.shape[1] - 1)

    @property
    def n_labels(self) -> int:
        """Labels in one epoch."""
        return int(self.lengths.sum())

    def epoch_order(self, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
        """The batches of one epoch in random order, each the positions of its blocks."""
        order = stream(seed, "data order", epoch).permutation(len(self.rows))
        return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]

    def in_order(self, batch_size: int) -> list[np.ndarray]:
        """Batches in the order of the stream, for evaluation."""
        return [np.arange(i, min(i + batch_size, len(self))) for i in range(0, len(self), batch_size)]

    def batch(self, positions: np.ndarray) -> TokenBatch:
        """The blocks at `positions`; each token but the last is input, each but the first is a target."""
        rows = torch.from_numpy(self.rows[positions].astype(np.int64))
        return TokenBatch(rows[:, :-1].contiguous(), rows[:, 1:].contiguous(), len(positions) * (rows.shape[1] - 1))
