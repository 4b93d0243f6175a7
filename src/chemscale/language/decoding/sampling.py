"""How the next token is chosen: the settings, and the choice from scores."""

from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from chemscale.base.config import Config
from chemscale.base.errors import ConfigError

LONGEST = 256


class Sampling(Config):
    """How molecules are drawn from a language model.

    Temperature, top-k and nucleus may be combined and are applied in this order. Greedy and beam search draw nothing.
    """

    temperature: float = Field(
        1.0, description="scores are divided by it: below 1 bolder, above 1 more varied", ge=0.01, le=100
    )
    top_k: int | None = Field(None, description="draw from the k likeliest tokens only", ge=1)
    top_p: float | None = Field(
        None, description="draw from the fewest tokens whose probabilities reach p (nucleus)", gt=0, le=1
    )
    greedy: bool = Field(False, description="always take the likeliest token: one molecule for each prompt")
    beams: int | None = Field(None, description="beam search with so many beams instead of drawing", ge=1)
    length_penalty: float = Field(1.0, description="beams are compared by log-probability / tokens^length_penalty")
    max_tokens: int | None = Field(
        None, description="longest sequence, prompt and ends included; none takes 256, or what the model has", ge=3
    )
    batch_size: int = Field(256, description="sequences decoded at a time", ge=1)

    @model_validator(mode="after")
    def _one_strategy(self) -> Self:
        drawn = [name for name in ("temperature", "top_k", "top_p") if getattr(self, name) not in (None, 1.0)]
        if self.greedy and self.beams is not None:
            raise ValueError("greedy and beams exclude each other; one beam is greedy")
        if drawn and (self.greedy or self.beams is not None):
            chosen = "greedy" if self.greedy else "beam search"
            raise ValueError(f"{chosen} draws nothing, so {', '.join(drawn)} cannot be set with it")
        return self

    def longest(self, n_positions: int) -> int:
        """Tokens of the longest sequence of a model with so many positions.

        Raises:
            ConfigError: `max_tokens` is more than the model has.
        """
        if self.max_tokens is None:
            return min(LONGEST, n_positions)
        if self.max_tokens > n_positions:
            raise ConfigError(f"sampling.max_tokens: {self.max_tokens}, but the model has {n_positions} positions")
        return self.max_tokens

    def __str__(self) -> str:
        """A few words, for example `T 0.9, top 50, p 0.95`."""
        if self.beams is not None:
            return f"{self.beams} beams"
        if self.greedy:
            return "greedy"
        parts = [f"T {self.temperature:g}"]
        parts += [f"top {self.top_k}"] if self.top_k else []
        parts += [f"p {self.top_p:g}"] if self.top_p else []
        return ", ".join(parts)


def choose_tokens(scores: Tensor, sampling: Sampling, draws: Tensor) -> Tensor:
    """The next token of every sequence.

    Top-k keeps the k highest scores; top-p then keeps the fewest of them whose probabilities, in falling order, reach
    p (Holtzman et al. 2020, arXiv:1904.09751); the token is the one at which the cumulated probability of what is kept
    passes the draw.

    Args:
        scores: [sequences, vocabulary]; minus infinity where a token may not be taken.
        sampling: greedy or by drawing.
        draws: numbers in [0, 1) [sequences], float64; not looked at by greedy.

    Returns:
        [sequences], int64
    """
    if sampling.greedy:
        return scores.argmax(1)
    scaled = scores / sampling.temperature
    order = None
    if sampling.top_k is not None and sampling.top_k < scaled.shape[1]:
        scaled, order = scaled.topk(sampling.top_k, dim=1)
    elif sampling.top_p is not None and sampling.top_p < 1:
        scaled, order = scaled.sort(dim=1, descending=True)
    cumulated = scaled.softmax(1).double().cumsum(1)
    total = cumulated[:, -1:]
    if sampling.top_p is not None and sampling.top_p < 1:
        before = torch.cat([torch.zeros_like(total), cumulated[:, :-1]], 1)
        last = (before < sampling.top_p * total).sum(1, keepdim=True) - 1
        total = cumulated.gather(1, last)
    place = (cumulated <= draws[:, None] * total).sum(1, keepdim=True).clamp_(max=scaled.shape[1] - 1)
    return (place if order is None else order.gather(1, place))[:, 0]
