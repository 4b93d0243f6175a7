"""Which rows of the kept keys and values are free: a stack of row numbers that grows when it runs out."""

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int32]


class FreeRows:
    """Row numbers to give out and to take back; the last that came back go out first, while they are in the cache."""

    def __init__(self, n_rows: int) -> None:
        self.n_rows = n_rows
        self._stack: Rows = np.arange(n_rows - 1, -1, -1, dtype=np.int32)
        self._free = n_rows

    @property
    def in_use(self) -> int:
        """Rows that are given out."""
        return self.n_rows - self._free

    def take(self, count: int) -> Rows:
        """`count` free rows; there are more rows afterwards where these were too few, see `n_rows`."""
        if count > self._free:
            self._grow(count)
        self._free -= count
        return self._stack[self._free : self._free + count].copy()

    def give_back(self, rows: Rows) -> None:
        """Take rows back that nobody reads any more."""
        self._stack[self._free : self._free + len(rows)] = rows
        self._free += len(rows)

    def _grow(self, count: int) -> None:
        more = max(self.n_rows, count)
        stack = np.empty(self.n_rows + more, dtype=np.int32)
        stack[:more] = np.arange(self.n_rows + more - 1, self.n_rows - 1, -1)
        stack[more : more + self._free] = self._stack[: self._free]
        self._stack = stack
        self.n_rows += more
        self._free += more
