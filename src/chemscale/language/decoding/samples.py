"""Many samples at once; a finished one makes place for the next, so that no step is spent on a finished row."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from chemscale.language.decoding.begun import BegunPrompt, Continuation, Request, begin_prompts
from chemscale.language.decoding.draws import uniform_draws
from chemscale.language.decoding.rows import Rows
from chemscale.language.decoding.sampling import Sampling, choose_tokens
from chemscale.language.decoding.step import Decoder, Tokens


@dataclass
class Slots:
    """The sequences in work; all arrays have one entry, or one row, per sequence.

    Attributes:
        table: row of every position [sequences, longest].
        length: positions kept so far.
        current: the token to be fed next.
        tokens: what was chosen so far [sequences, longest].
        chosen: how many were chosen.
        log_probability: of what was chosen.
        sample: number of the sample.
        begun: the prompt.
    """

    table: Rows
    length: Rows
    current: Tokens
    tokens: Tokens
    chosen: npt.NDArray[np.int64]
    log_probability: npt.NDArray[np.float64]
    sample: npt.NDArray[np.int64]
    begun: list[BegunPrompt] = field(default_factory=list)

    @classmethod
    def empty(cls, count: int, longest: int) -> "Slots":
        """Room for `count` sequences of at most `longest` tokens."""
        return cls(
            table=np.zeros((count, longest), dtype=np.int32),
            length=np.zeros(count, dtype=np.int32),
            current=np.zeros(count, dtype=np.int64),
            tokens=np.zeros((count, longest), dtype=np.int64),
            chosen=np.zeros(count, dtype=np.int64),
            log_probability=np.zeros(count),
            sample=np.zeros(count, dtype=np.int64),
        )

    def move(self, source: int, target: int) -> None:
        """Put one sequence in the place of another."""
        for array in (self.length, self.current, self.chosen, self.log_probability, self.sample):
            array[target] = array[source]
        for rows in (self.table, self.tokens):
            rows[target] = rows[source]
        self.begun[target] = self.begun[source]


class Sampler:
    """Draws samples of a model.

    Args:
        decoder: the model's step.
        sampling: greedy or by drawing.
        eos_id: ends a sequence.
        banned: ids that are never taken.
        key: of the draws.
    """

    def __init__(self, decoder: Decoder, sampling: Sampling, eos_id: int, banned: Sequence[int], key: int) -> None:
        self._decoder, self._sampling, self._eos_id, self._key = decoder, sampling, eos_id, key
        self._banned = torch.tensor(sorted(banned), dtype=torch.int64, device=decoder.device)
        self._longest = sampling.longest(decoder.max_positions)

    def run(self, requests: Iterable[Request]) -> Iterator[Continuation]:
        """The samples of all requests, in the order in which they end."""
        slots = Slots.empty(self._sampling.batch_size, self._longest)
        queue = begin_prompts(self._decoder, requests, self._sampling.batch_size)
        open_prompts: deque[BegunPrompt] = deque()
        n = 0
        while True:
            n = self._fill(slots, n, open_prompts, queue)
            if n == 0:
                return
            ended = self._advance(slots, n)
            for place in ended[::-1]:  # from the end, so that a place that is filled from the end is still in work
                yield self._finish(slots, int(place))
                n -= 1
                slots.move(n, int(place))
                slots.begun.pop()

    def _fill(self, slots: Slots, n: int, open_prompts: deque[BegunPrompt], queue: Iterator[BegunPrompt]) -> int:
        """Put waiting samples into free places; gives the number of places in work."""
        while n < len(slots.length):
            while open_prompts and not open_prompts[0].waiting:
                open_prompts.popleft()
            if not open_prompts:
                following = next(queue, None)
                if following is None:
                    return n
                open_prompts.append(following)
                continue
            prompt = open_prompts[0]
            before = len(prompt.rows)
            slots.table[n, :before] = prompt.rows
            slots.length[n], slots.current[n], slots.chosen[n] = before, prompt.prompt[-1], 0
            slots.log_probability[n], slots.sample[n] = 0.0, prompt.waiting.popleft()
            slots.begun.append(prompt)
            n += 1
        return n

    def _advance(self, slots: Slots, n: int) -> npt.NDArray[np.int64]:
        """One token for each sequence; gives the places whose sequence has ended."""
        slots.table[np.arange(n), slots.length[:n]] = self._decoder.take_rows(n)
        slots.length[:n] += 1
        hidden = self._decoder.advance(slots.current[:n], slots.table[:n], slots.length[:n])
        scores = self._decoder.scores(hidden)
        draws = uniform_draws(self._key, slots.sample[:n], slots.chosen[:n])
        logarithms = scores.log_softmax(1)
        tokens = choose_tokens(
            scores.index_fill_(1, self._banned, float("-inf")),
            self._sampling,
            torch.from_numpy(draws).to(scores.device),
        )
        slots.log_probability[:n] += logarithms.gather(1, tokens[:, None])[:, 0].double().cpu().numpy()
        chosen = tokens.cpu().numpy()
        slots.tokens[np.arange(n), slots.chosen[:n]] = chosen
        slots.chosen[:n] += 1
        slots.current[:n] = chosen
        # one more position is needed for a token that is not the end
        return np.flatnonzero((chosen == self._eos_id) | (slots.length[:n] + 1 >= self._longest))

    def _finish(self, slots: Slots, place: int) -> Continuation:
        tokens = slots.tokens[place, : slots.chosen[place]].tolist()
        complete = tokens[-1] == self._eos_id
        prompt = slots.begun[place]
        self._decoder.rows.give_back(slots.table[place, len(prompt.rows) : slots.length[place]])
        prompt.unfinished -= 1
        if not prompt.unfinished:
            self._decoder.rows.give_back(prompt.rows)
        ids = tokens[:-1] if complete else tokens
        return Continuation(int(slots.sample[place]), tuple(ids), float(slots.log_probability[place]), complete)
