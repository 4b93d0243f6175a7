"""The nearest molecules by Tanimoto similarity of Morgan fingerprints: exact, block by block."""

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import UserError
from chemscale.chem.fingerprints import WORDS, Fingerprints, tanimoto

QUERIES = 8  # whose similarities to the whole library are held: 64 MB for a million molecules
BLOCK = 8_192  # 1 MB of fingerprints: what the second cache of a core holds


class FingerprintIndex:
    """Fingerprints of a library that can be searched.

    Attributes:
        fingerprints: as `chem.fingerprints.morgan_fingerprints` gives them [n_library, WORDS]; may be a memory map.
    """

    def __init__(self, fingerprints: Fingerprints) -> None:
        self.fingerprints = fingerprints

    def __len__(self) -> int:
        return len(self.fingerprints)

    def search(self, queries: Fingerprints, k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The k most similar molecules of every query; of equally similar ones the first in the library.

        Args:
            queries: [n_queries, WORDS].
            k: how many; no more than the library has are returned.

        Returns:
            Rows of the library [n_queries, k], and distances 1 - Tanimoto similarity [n_queries, k].

        Raises:
            UserError: k is below 1, or the queries are no such fingerprints.
        """
        if k < 1:
            raise UserError(f"k: {k}; give a number of neighbours from 1")
        if queries.ndim != 2 or queries.shape[1] != WORDS or queries.dtype != np.uint64:
            raise UserError(f"queries have shape {queries.shape} of {queries.dtype}; expected [n, {WORDS}] of uint64")
        k = min(k, len(self))
        indices = np.empty((len(queries), k), dtype=np.int64)
        distances = np.empty((len(queries), k))
        for start in range(0, len(queries), QUERIES):
            for row, values in enumerate(self.similarities(queries[start : start + QUERIES]), start):
                last = np.partition(values, len(values) - k)[len(values) - k]
                candidates = np.flatnonzero(values >= last)
                indices[row] = candidates[np.argsort(-values[candidates], kind="stable")[:k]]
                distances[row] = 1.0 - values[indices[row]]
        return indices, distances

    def similarities(self, queries: Fingerprints) -> npt.NDArray[np.float64]:
        """Tanimoto similarities [n_queries, n_library]."""
        out = np.empty((len(queries), len(self)))
        for start in range(0, len(self), BLOCK):
            out[:, start : start + BLOCK] = tanimoto(queries, np.asarray(self.fingerprints[start : start + BLOCK]))
        return out
