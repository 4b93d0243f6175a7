"""ChemGPT: a GPT-Neo decoder over molecular tokens (Frey et al. 2023, Methods; Black et al. 2021).

Per block, on the residual stream x [batch, tokens, width]:

    x <- x + W_o attention(LN_1(x))          q, k, v without bias; scores q.k without 1/sqrt(head_width)
    x <- x + W_2 gelu_tanh(W_1 LN_2(x))      inner width 4 x width

Even layers attend to all earlier tokens, odd layers to the current token and the `window - 1` before it.
The head is tied to the token embedding. Initialisation: N(0, 0.02), zero biases. No dropout.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from chemscale.base.config import Config
from chemscale.base.errors import ConfigError
from chemscale.language.activation import gelu
from chemscale.language.attention import causal_attention, choose_backend

INITIAL_DEVIATION = 0.02
NORM_EPSILON = 1e-5


class ChemGPTConfig(Config):
    """Size and shape of a ChemGPT."""

    width: int = Field(description="channels of the residual stream, a multiple of n_heads", ge=1)
    n_layers: int = Field(24, description="number of blocks", ge=1)
    n_heads: int = Field(16, description="attention heads, at every width", ge=1)
    vocabulary_size: int | None = Field(None, description="token ids; taken from the corpus if not given", ge=1)
    max_positions: int = Field(2048, description="longest sequence in tokens (learned positions)", ge=1)
    window: int = Field(256, description="tokens a local layer sees, the current one included", ge=1)
    attention: str = Field("auto", description="auto, torch or native", pattern="^(auto|torch|native)$")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "ChemGPTConfig":
        if self.width % self.n_heads:
            raise ValueError(f"width {self.width} is not a multiple of n_heads {self.n_heads}")
        return self

    def n_parameters(self, embedding: bool = False) -> int:
        """Number of parameters in closed form: n_layers (12 w^2 + 10 w) + 2 w, and (V + P) w with embeddings.

        Raises:
            ValueError: `embedding` is asked for and `vocabulary_size` is not known.
        """
        w = self.width
        body = self.n_layers * (12 * w * w + 10 * w) + 2 * w
        if not embedding:
            return body
        if self.vocabulary_size is None:
            raise ValueError("vocabulary_size is not set: the embedding's size is not known")
        return body + (self.vocabulary_size + self.max_positions) * w

    def capacity(self) -> int:
        """Depth times width, d*w of Frey et al. 2023."""
        return self.n_layers * self.width

    def forward_flops_per_token(self, lengths: npt.NDArray[np.integer[Any]]) -> float:
        """Floating-point operations of one forward pass per token.

        2 N for the matrices, 2 V w for the head, 4 w c for attention in a layer where a token attends to c tokens on
        average (Kaplan et al. 2020, Table 1). Training takes three times as much.

        Args:
            lengths: tokens of the sequences [n_sequences].
        """
        head = 2 * (self.vocabulary_size or 0) * self.width
        windows = [self.window if self.is_local(layer) else None for layer in range(self.n_layers)]
        contexts = {window: mean_context(lengths, window) for window in set(windows)}
        return 2 * self.n_parameters() + head + 4 * self.width * sum(contexts[window] for window in windows)

    def is_local(self, layer: int) -> bool:
        """Whether the layer (from 0) attends within the window only: every second one, beginning with the second."""
        return layer % 2 == 1


def mean_context(lengths: npt.NDArray[np.integer[Any]], window: int | None) -> float:
    """How many tokens a token attends to, itself included, on average over the tokens of sequences [n_sequences]."""
    growing = lengths if window is None else np.minimum(lengths, window)
    return float((growing * (growing + 1) / 2 + (lengths - growing) * growing).sum() / lengths.sum())


class Block(nn.Module):
    """One pre-norm block: attention, then a two-layer perceptron."""

    def __init__(self, config: ChemGPTConfig, layer: int) -> None:
        super().__init__()
        width = config.width
        self.n_heads = config.n_heads
        self.window = config.window if config.is_local(layer) else None
        self.attention_norm = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.attention_output = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.expand = nn.Linear(width, 4 * width)
        self.contract = nn.Linear(4 * width, width)

    def forward(self, x: Tensor, backend: str) -> Tensor:
        """Residual stream in and out, [batch, tokens, width]."""
        qkv = self.query_key_value(self.attention_norm(x))
        x = x + self.attention_output(causal_attention(qkv, self.n_heads, self.window, backend))
        return x + self.contract(gelu(self.expand(self.mlp_norm(x)), backend))


class ChemGPT(nn.Module):
    """A causal language model over token ids; right padding needs no mask, because no token sees a later one."""

    def __init__(self, config: ChemGPTConfig) -> None:
        super().__init__()
        if config.vocabulary_size is None:
            raise ConfigError("ChemGPTConfig.vocabulary_size is not set: pass the number of token ids")
        self.config = config
        self.token_embedding = nn.Embedding(config.vocabulary_size, config.width)
        self.position_embedding = nn.Embedding(config.max_positions, config.width)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layers))
        self.final_norm = nn.LayerNorm(config.width, eps=NORM_EPSILON)
        self.apply(_initialise)

    def hidden_states(self, token_ids: Tensor) -> Tensor:
        """The normalised output of the last block.

        Args:
            token_ids: [batch, tokens], integers; at most `max_positions` tokens.

        Returns:
            [batch, tokens, width]

        Raises:
            ValueError: the sequence is longer than the position table.
        """
        return self.layer_states(token_ids, len(self.blocks))

    def layer_states(self, token_ids: Tensor, layer: int) -> Tensor:
        """The residual stream after so many blocks; after the last one normalised, as `transformers` numbers them.

        Args:
            token_ids: as in `hidden_states`.
            layer: 0 (the embedding) to n_layers (`hidden_states`).

        Returns:
            [batch, tokens, width]

        Raises:
            ValueError: there is no such layer, or the sequence is longer than the position table.
        """
        if not 0 <= layer <= len(self.blocks):
            raise ValueError(f"layer {layer}, but the model has layers 0 to {len(self.blocks)}")
        n_tokens = token_ids.shape[1]
        if n_tokens > self.config.max_positions:
            raise ValueError(f"{n_tokens} tokens, but the model has {self.config.max_positions} positions")
        positions = self.position_embedding.weight[:n_tokens]
        x = self.token_embedding(token_ids) + positions
        backend = choose_backend(self.config.attention, x.device, x.dtype)
        for block in list(self.blocks)[:layer]:
            x = block(x, backend)
        return self.final_norm(x) if layer == len(self.blocks) else x

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of the next token from hidden states: [..., width] -> [..., vocabulary]."""
        return nn.functional.linear(hidden, self.token_embedding.weight)

    def forward(self, token_ids: Tensor) -> Tensor:
        """Scores of every next token: [batch, tokens] -> [batch, tokens, vocabulary]."""
        return self.logits(self.hidden_states(token_ids))

    def n_parameters(self, embedding: bool = False) -> int:
        """Number of parameters as counted; the tied head is counted once, with the embeddings."""
        total = sum(parameter.numel() for parameter in self.parameters())
        tables = self.token_embedding.weight.numel() + self.position_embedding.weight.numel()
        return total if embedding else total - tables


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=INITIAL_DEVIATION)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def build_chemgpt(config: ChemGPTConfig, seed: int) -> ChemGPT:
    """A freshly initialised model; the same seed gives the same weights."""
    generator_state = torch.random.get_rng_state()
    try:
        torch.manual_seed(seed)
        return ChemGPT(config)
    finally:
        torch.random.set_rng_state(generator_state)
