"""Molecules as vectors: hidden states of a trained ChemGPT, pooled over the tokens of the molecule.

A molecule is `[bos] symbols [eos]`, as in training and as the published tokenizers write it ([CLS] ... [SEP]). All of
these tokens are pooled over and no other is: batches are padded on the right, where no real token looks, so a molecule
has the same vector alone and in any batch, to the rounding of float32.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch

from chemscale.base.errors import UserError
from chemscale.chem.smiles import MoleculeError, canonical_smiles, parse_smiles
from chemscale.language.encoded_part import MAX_CHARACTERS
from chemscale.language.trained import Checkpoint
from chemscale.training.precision import float32_products

Pooling = Literal["mean", "last", "max"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)
Vectors = npt.NDArray[np.float32]

MOLECULES_SORTED_TOGETHER = 8192
# Fastest or within a few percent of it at widths 64 to 256 (benchmarks/embeddings.py); larger batches leave the cache.
TOKENS_PER_BATCH = 2048


@dataclass(frozen=True)
class Embeddings:
    """The vectors of some molecules.

    Attributes:
        vectors: [n_molecules, width]; NaN where a molecule has none.
        reasons: why, by row.
        n_beyond: molecules with a vector and more tokens than the model was trained on, as far as that is known.
    """

    vectors: Vectors
    reasons: dict[int, str]
    n_beyond: int = 0


class Embedder:
    """Embeds molecules with one checkpoint, on the device that its model is on.

    Attributes:
        layer: number of blocks whose output is pooled, 0 to n_layers.
        pooling: `mean` and `max` over all tokens, `last` takes the state at `[eos]`, which has seen all others.
        canonical: write every molecule in RDKit's canonical form first.
    """

    def __init__(
        self, checkpoint: Checkpoint, layer: int = -1, pooling: Pooling = "mean", canonical: bool = False
    ) -> None:
        """Choose what is pooled, and how.

        Args:
            checkpoint: the model and its tokenizer.
            layer: numbered as `transformers` does: 0 is the embedding, k the output of block k, and n_layers or -1 the
                output of the last block after the final normalisation; -2 is that of the block before.
            pooling: see the class.
            canonical: see the class. Without it a molecule in two spellings has two vectors.

        Raises:
            UserError: there is no such layer or pooling.
        """
        n_layers = checkpoint.model.config.n_layers
        if not -n_layers - 1 <= layer <= n_layers:
            raise UserError(f"layer: {layer}; this model has layers 0 (embedding) to {n_layers}, or -1 for the last")
        if pooling not in POOLINGS:
            raise UserError(f"pooling: {pooling!r}; allowed: {', '.join(POOLINGS)}")
        self.checkpoint, self.pooling, self.canonical = checkpoint, pooling, canonical
        self.layer = layer if layer >= 0 else n_layers + 1 + layer

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return self.checkpoint.model.config.width

    def embed(self, smiles: Sequence[str]) -> Embeddings:
        """Embed molecules given as SMILES; what cannot be embedded is a row of NaN with a reason."""
        vectors = np.full((len(smiles), self.width), np.nan, dtype=np.float32)
        reasons: dict[int, str] = {}
        longest, n_beyond = self.checkpoint.trained_tokens or self.checkpoint.model.config.max_positions, 0
        for start in range(0, len(smiles), MOLECULES_SORTED_TOGETHER):
            rows: list[int] = []
            ids: list[list[int]] = []
            for row, text in enumerate(smiles[start : start + MOLECULES_SORTED_TOGETHER], start):
                try:
                    ids.append(self.token_ids(text))
                    rows.append(row)
                except UserError as error:
                    reasons[row] = str(error)
            vectors[rows] = self.embed_ids(ids)
            n_beyond += sum(len(row) > longest for row in ids)
        return Embeddings(vectors, reasons, n_beyond)

    def token_ids(self, smiles: str) -> list[int]:
        """The ids of a molecule, `[bos]` and `[eos]` included [tokens].

        Raises:
            MoleculeError: the text is no molecule, or longer than the model allows.
            UserError: it has a symbol that the vocabulary lacks.
        """
        tokenizer, longest = self.checkpoint.tokenizer, self.checkpoint.model.config.max_positions
        smiles = smiles.strip()
        if "\ufffd" in smiles:
            raise MoleculeError("not UTF-8 text")
        if len(smiles) > MAX_CHARACTERS:
            raise MoleculeError(f"longer than {MAX_CHARACTERS:,} characters")
        if self.canonical:
            smiles = canonical_smiles(smiles)
        elif tokenizer.encoding == "smiles":
            parse_smiles(smiles)  # the tokens of a text that is no molecule may all be known
        ids = tokenizer.encode(smiles)
        if len(ids) > longest:
            raise MoleculeError(f"{len(ids)} tokens, but the model has {longest} positions")
        return ids

    def embed_ids(self, ids: Sequence[Sequence[int]]) -> Vectors:
        """Embed molecules given as token ids with their ends [n_molecules, width]; all are sorted by length."""
        lengths = np.array([len(row) for row in ids], dtype=np.int64)
        vectors = np.empty((len(ids), self.width), dtype=np.float32)
        device = self.checkpoint.model.token_embedding.weight.device
        with torch.inference_mode(), float32_products(device, self.width):
            for rows in batches_by_length(lengths, TOKENS_PER_BATCH):
                padded = self._padded([ids[row] for row in rows], lengths[rows]).to(device)
                states = self.checkpoint.model.layer_states(padded, self.layer)
                vectors[rows] = pool(states, torch.from_numpy(lengths[rows]).to(device), self.pooling).cpu().numpy()
        return vectors

    def _padded(self, ids: Sequence[Sequence[int]], lengths: npt.NDArray[np.int64]) -> torch.Tensor:
        padded = np.full((len(ids), int(lengths.max())), self.checkpoint.tokenizer.pad_id, dtype=np.int64)
        padded[np.arange(padded.shape[1]) < lengths[:, None]] = np.concatenate([np.asarray(row) for row in ids])
        return torch.from_numpy(padded)


def pool(states: torch.Tensor, lengths: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """One vector of the real tokens of every sequence [batch, width].

    Args:
        states: [batch, tokens, width], pads on the right.
        lengths: real tokens, at least 1, on the same device [batch].
        pooling: see `Embedder`.
    """
    if pooling == "last":
        return states[torch.arange(len(states), device=states.device), lengths - 1]
    real = torch.arange(states.shape[1], device=states.device) < lengths[:, None]
    if pooling == "max":
        return states.masked_fill(~real[:, :, None], float("-inf")).amax(1)
    return (states * real[:, :, None]).sum(1) / lengths[:, None]


def batches_by_length(lengths: npt.NDArray[np.int64], n_tokens: int) -> Iterator[npt.NDArray[Any]]:
    """Rows of similar length, shortest first, so many that a padded batch has at most `n_tokens`, but one at least."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * lengths[order[stop]] <= n_tokens:
            stop += 1
        yield order[start:stop]
        start = stop
