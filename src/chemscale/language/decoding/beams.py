"""Beam search, many prompts at once; a prompt whose search has ended makes place for the next.

As Hugging Face's `generate` does by default (early_stopping false): in each step the 2 B best continuations of the B
beams of a prompt are looked at; those of the first B that end go to the finished ones, of which the B best by

    log-probability / tokens^length_penalty

are kept; the B best that go on are the new beams. A search ends when B are finished and the best beam, rated at its
present length, is no better than the worst of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from chemscale.language.decoding.begun import BegunPrompt, Continuation, Request, begin_prompts
from chemscale.language.decoding.rows import Rows
from chemscale.language.decoding.sampling import Sampling
from chemscale.language.decoding.step import Decoder

NEVER = -1e9  # log-probability of beams that do not exist yet


@dataclass
class _Search:
    """The search for one prompt; arrays have one entry, or one row, for each beam."""

    begun: BegunPrompt
    table: Rows
    length: int
    current: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int64]
    chosen: int
    scores: npt.NDArray[np.float32]
    taken: list[Rows] = field(default_factory=list)
    finished: list[tuple[float, float, tuple[int, ...], bool]] = field(default_factory=list)


class BeamSearch:
    """Finds the likeliest continuations of prompts.

    Args:
        decoder: the model's step.
        sampling: `beams`, `length_penalty`, `max_tokens` and `batch_size` count.
        eos_id: ends a sequence.
        banned: ids that are never taken.
    """

    def __init__(self, decoder: Decoder, sampling: Sampling, eos_id: int, banned: Sequence[int]) -> None:
        self._decoder, self._sampling, self._eos_id = decoder, sampling, eos_id
        self._beams = sampling.beams or 1
        self._banned = torch.tensor(sorted(banned), dtype=torch.int64, device=decoder.device)
        self._longest = sampling.longest(decoder.max_positions)

    def run(self, requests: Iterable[Request]) -> Iterator[Continuation]:
        """The best continuations of every request, best first, for at most as many samples as there are beams."""
        at_a_time = max(1, self._sampling.batch_size // self._beams)
        queue = begin_prompts(self._decoder, requests, at_a_time)
        searches: list[_Search] = []
        while True:
            while len(searches) < at_a_time and (begun := next(queue, None)) is not None:
                searches.append(self._start(begun))
            if not searches:
                return
            self._advance(searches)
            for search in searches:
                if self._is_over(search):
                    yield from self._finish(search)
            searches = [search for search in searches if search.begun.unfinished]

    def _start(self, begun: BegunPrompt) -> _Search:
        beams, before = self._beams, len(begun.rows)
        table = np.zeros((beams, self._longest), dtype=np.int32)
        table[:, :before] = begun.rows
        scores = np.full(beams, NEVER, dtype=np.float32)
        scores[0] = 0.0  # the beams are all alike: one of them counts
        current = np.full(beams, begun.prompt[-1], dtype=np.int64)
        return _Search(begun, table, before, current, np.zeros((beams, self._longest), dtype=np.int64), 0, scores)

    def _advance(self, searches: list[_Search]) -> None:
        """One more token for every beam of every search."""
        n, beams = len(searches), self._beams
        rows = self._decoder.take_rows(n * beams).reshape(n, beams)
        for search, own in zip(searches, rows, strict=True):
            search.table[:, search.length] = own
            search.taken.append(own)
            search.length += 1
        candidates, indices, vocabulary = self._best(searches)
        for i, search in enumerate(searches):
            search.chosen += 1
            self._take(search, candidates[i], indices[i] // vocabulary, indices[i] % vocabulary)

    def _best(self, searches: list[_Search]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], int]:
        """The 2 B best continuations of each search: log-probabilities, and beam * vocabulary + token."""
        device, beams = self._decoder.device, self._beams
        lengths = np.repeat([search.length for search in searches], beams).astype(np.int32)
        table = np.concatenate([search.table[:, : lengths.max()] for search in searches])
        current = np.concatenate([search.current for search in searches])
        hidden = self._decoder.advance(current, table, lengths)
        scores = self._decoder.scores(hidden).log_softmax(1).index_fill_(1, self._banned, float("-inf"))
        running = torch.from_numpy(np.concatenate([search.scores for search in searches])).to(device)
        totals = (scores + running[:, None]).view(len(searches), -1)
        best = totals.topk(min(2 * beams, totals.shape[1]), dim=1)
        return best.values.cpu().numpy(), best.indices.cpu().numpy(), scores.shape[1]

    def _take(
        self,
        search: _Search,
        scores: npt.NDArray[np.float32],
        parents: npt.NDArray[np.int64],
        tokens: npt.NDArray[np.int64],
    ) -> None:
        """Put ended candidates to the finished ones, and make the others the new beams."""
        at_limit = search.length + 1 >= self._longest
        ends = (tokens == self._eos_id) | at_limit
        rated = search.chosen**self._sampling.length_penalty
        for place in np.flatnonzero(ends[: self._beams]):
            score = float(scores[place])
            if score <= NEVER / 2:
                continue
            ids = (*search.tokens[parents[place], : search.chosen - 1].tolist(), int(tokens[place]))
            search.finished.append((score / rated, score, ids, bool(tokens[place] == self._eos_id)))
        search.finished = sorted(search.finished, key=lambda found: -found[0])[: self._beams]
        going = np.argsort(ends, kind="stable")[: self._beams]
        search.table = search.table[parents[going]]
        search.tokens = search.tokens[parents[going]]
        search.tokens[:, search.chosen - 1] = tokens[going]
        search.current = tokens[going]
        search.scores = np.where(ends[going], np.float32(NEVER), scores[going]).astype(np.float32)

    def _is_over(self, search: _Search) -> bool:
        if search.length + 1 >= self._longest:
            return True
        if len(search.finished) < self._beams:
            return False
        return float(search.scores[0]) / search.chosen**self._sampling.length_penalty <= search.finished[-1][0]

    def _finish(self, search: _Search) -> Iterator[Continuation]:
        begun = search.begun
        for sample, (_, score, ids, complete) in zip(begun.waiting, search.finished, strict=False):
            yield Continuation(sample, ids[:-1] if complete else ids, score, complete)
        begun.unfinished = 0
        self._decoder.rows.give_back(np.concatenate([*search.taken, begun.rows]))
