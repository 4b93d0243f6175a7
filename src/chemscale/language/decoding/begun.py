"""What is wanted of a prompt, what comes of it, and prompts whose rows are kept for all that continues them."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from chemscale.language.decoding.rows import Rows
from chemscale.language.decoding.step import Decoder


@dataclass(frozen=True)
class Request:
    """Samples wanted of one prompt.

    Attributes:
        prompt: token ids, `[bos]` first.
        samples: the numbers of the samples; they name the draws, so no number may occur twice in one run.
    """

    prompt: tuple[int, ...]
    samples: Sequence[int]


@dataclass(frozen=True)
class Continuation:
    """What the model made of a prompt.

    Attributes:
        sample: its number.
        token_ids: what follows the prompt, `[eos]` left out.
        log_probability: of these tokens and `[eos]` under the model, in nats; temperature and limits do not count.
        complete: whether the model ended it; else it ran into the longest length.
    """

    sample: int
    token_ids: tuple[int, ...]
    log_probability: float
    complete: bool


@dataclass
class BegunPrompt:
    """A prompt whose keys and values are kept, all but those of its last token.

    Attributes:
        prompt: token ids.
        rows: the row of each of its tokens but the last.
        waiting: samples that were not begun yet.
        unfinished: samples that have not ended; with the last of them the rows are free again.
    """

    prompt: tuple[int, ...]
    rows: Rows
    waiting: deque[int]
    unfinished: int


def begin_prompts(decoder: Decoder, requests: Iterable[Request], at_a_time: int) -> Iterator[BegunPrompt]:
    """Feed the prompts, `at_a_time` of them together, and keep their rows."""
    requests = iter(requests)
    while block := list(islice(requests, at_a_time)):
        yield from _begin_together(decoder, block)


def _begin_together(decoder: Decoder, block: list[Request]) -> list[BegunPrompt]:
    order = sorted(range(len(block)), key=lambda i: -len(block[i].prompt))  # those that end last come first
    prompts = [block[i].prompt for i in order]
    table = np.zeros((len(block), max(len(prompts[0]) - 1, 1)), dtype=np.int32)
    for position in range(len(prompts[0]) - 1):
        n = sum(len(prompt) - 1 > position for prompt in prompts)
        table[:n, position] = decoder.take_rows(n)
        tokens = np.array([prompt[position] for prompt in prompts[:n]], dtype=np.int64)
        decoder.advance(tokens, table[:n], np.full(n, position + 1, dtype=np.int32))
    begun = {}
    for place, i in enumerate(order):
        rows = table[place, : len(prompts[place]) - 1].copy()
        begun[i] = BegunPrompt(prompts[place], rows, deque(block[i].samples), len(block[i].samples))
    return [begun[i] for i in range(len(block))]
