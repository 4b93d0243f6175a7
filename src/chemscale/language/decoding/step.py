"""A ChemGPT that takes one token per sequence at a time and keeps what later tokens need of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from chemscale.language.activation import gelu
from chemscale.language.attention import choose_backend
from chemscale.language.decoding.attention import decode_attention
from chemscale.language.decoding.rows import FreeRows, Rows
from chemscale.language.models.chemgpt import NORM_EPSILON, Block, ChemGPT

FIRST_ROWS = 4096
Tokens = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Layer:
    """Weights of one block; the rows of q, k, v and the columns of the output are in the order [head_dim, n_heads]."""

    window: int | None
    norm_1: tuple[Tensor, Tensor]
    query_key_value: Tensor
    output: tuple[Tensor, Tensor]
    norm_2: tuple[Tensor, Tensor]
    expand: tuple[Tensor, Tensor]
    contract: tuple[Tensor, Tensor]


class Decoder:
    """The model's step, with the keys and values of every token in numbered rows.

    Which rows make up a sequence is the caller's affair: `rows` gives them out, and a sequence is a list of them.
    """

    def __init__(self, model: ChemGPT) -> None:
        config = model.config
        self.n_heads, self.width, self.max_positions = config.n_heads, config.width, config.max_positions
        self.device = model.token_embedding.weight.device
        self.backend = choose_backend(config.attention, self.device, torch.float32)
        self.token_embedding = model.token_embedding.weight.detach().float()
        self._positions = model.position_embedding.weight.detach().float()
        self._final_norm = (model.final_norm.weight.detach().float(), model.final_norm.bias.detach().float())
        self._layers = [_layer(block) for block in model.blocks if isinstance(block, Block)]
        self.rows = FreeRows(FIRST_ROWS)
        self._kept = [self._empty(FIRST_ROWS) for _ in self._layers]

    def take_rows(self, count: int) -> Rows:
        """Rows for `count` new tokens."""
        rows = self.rows.take(count)
        if self.rows.n_rows > len(self._kept[0]):
            self._kept = [self._grown(kept) for kept in self._kept]
        return rows

    def hidden_states(self, token_ids: Tensor, rows: Tensor, lengths: Tensor) -> Tensor:
        """The normalised last states of one new token per sequence; its keys and values are kept.

        Args:
            token_ids: [sequences], int64.
            rows: the row of every position, the new one included, [sequences, at least the longest], int32.
            lengths: positions, the new one included, [sequences], int32.

        Returns:
            [sequences, width]
        """
        x = self.token_embedding[token_ids] + self._positions[lengths.long() - 1]
        for layer, kept in zip(self._layers, self._kept, strict=True):
            qkv = functional.linear(self._norm(x, layer.norm_1), layer.query_key_value)
            seen = decode_attention(qkv, kept, rows, lengths, self.n_heads, layer.window, self.backend)
            x = x + functional.linear(seen, *layer.output)
            inner = gelu(functional.linear(self._norm(x, layer.norm_2), *layer.expand), self.backend)
            x = x + functional.linear(inner, *layer.contract)
        return self._norm(x, self._final_norm)

    def advance(self, tokens: Tokens, rows: Rows, lengths: Rows) -> Tensor:
        """`hidden_states` of arrays, on the model's device."""
        return self.hidden_states(*(torch.from_numpy(array).to(self.device) for array in (tokens, rows, lengths)))

    def scores(self, hidden: Tensor) -> Tensor:
        """Scores of the next token, [sequences, width] -> [sequences, vocabulary]."""
        return functional.linear(hidden, self.token_embedding)

    def _norm(self, x: Tensor, weights: tuple[Tensor, Tensor]) -> Tensor:
        return functional.layer_norm(x, (self.width,), *weights, eps=NORM_EPSILON)

    def _empty(self, n_rows: int) -> Tensor:
        return torch.empty(n_rows, 2 * self.width, device=self.device)

    def _grown(self, kept: Tensor) -> Tensor:
        grown = self._empty(self.rows.n_rows)
        grown[: len(kept)] = kept
        return grown


def _layer(block: Block) -> _Layer:
    width, n_heads = block.query_key_value.in_features, block.n_heads
    order = torch.arange(width).view(n_heads, -1).t().reshape(-1)  # heads innermost
    qkv = block.query_key_value.weight.detach().float().view(3, width, width)[:, order]
    return _Layer(
        window=block.window,
        norm_1=_pair(block.attention_norm),
        query_key_value=qkv.reshape(3 * width, width).contiguous(),
        output=(
            block.attention_output.weight.detach().float()[:, order].contiguous(),
            block.attention_output.bias.detach().float(),
        ),
        norm_2=_pair(block.mlp_norm),
        expand=_pair(block.expand),
        contract=_pair(block.contract),
    )


def _pair(module: torch.nn.LayerNorm | torch.nn.Linear) -> tuple[Tensor, Tensor]:
    return module.weight.detach().float(), module.bias.detach().float()
