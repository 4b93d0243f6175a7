"""A random sample of a stream whose length nobody knows beforehand."""

import heapq
from collections.abc import Callable
from typing import Generic, TypeVar

from chemscale.base.seeds import stream

Item = TypeVar("Item")


class Reservoir(Generic[Item]):
    """At most so many items of a stream, each with the same chance; the same ones for the same length of stream.

    Every item draws a number, and those with the smallest numbers stay (bottom-k sampling, Cohen and Kaplan 2007,
    10.1145/1281100.1281133). Even distances would fall in step with prompts that take turns.
    """

    def __init__(self, size: int | None) -> None:
        """Keep at most `size` items; None keeps all."""
        self._size = size
        self._draws = stream(0, "reservoir")
        self._kept: list[tuple[float, int, Item]] = []  # a heap, the largest draw first
        self._n_offered = 0

    def offer(self, make: Callable[[], Item]) -> None:
        """The next item of the stream; it is made only where it is kept for now."""
        draw, place = -float(self._draws.random()), self._n_offered
        self._n_offered += 1
        if self._size is None or len(self._kept) < self._size:
            heapq.heappush(self._kept, (draw, place, make()))
        elif self._kept and draw > self._kept[0][0]:
            heapq.heapreplace(self._kept, (draw, place, make()))

    def items(self) -> list[Item]:
        """What is kept, in the order of the stream."""
        return [item for _, _, item in sorted(self._kept, key=lambda kept: kept[1])]
