"""Principal components of embeddings, from a stream of them, in float64."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import DataError
from chemscale.base.files import replacing

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Projection:
    """The map onto the first principal components, y = (x - mean) components^T.

    Attributes:
        mean: of the vectors that it was fitted to [width].
        components: orthonormal, by falling variance [n_components, width].
        variances: along each component [n_components].
        total_variance: of all directions together.
    """

    mean: npt.NDArray[np.float64]
    components: npt.NDArray[np.float64]
    variances: npt.NDArray[np.float64]
    total_variance: float

    @classmethod
    def fit(cls, blocks: Iterable[npt.NDArray[Any]], n_components: int = 100) -> Self:
        """The first principal components of vectors that come in blocks [n_block, width].

        The eigenvectors of sum (x - m)(x - m)^T / (n - 1). Sums are kept around the mean of the first block, so that
        a mean far from zero costs no digits. With one vector all variances are 0.

        Args:
            blocks: read once; at least one vector.
            n_components: at most so many; no more than the width.

        Raises:
            DataError: there is no vector, or one is not finite.
        """
        n = 0
        shift = total = outer = np.zeros(0)
        for block in blocks:
            if not len(block):
                continue
            values = np.asarray(block, dtype=np.float64)
            if n == 0:
                shift = values.mean(0)
                total, outer = np.zeros_like(shift), np.zeros((len(shift), len(shift)))
            values = values - shift
            n += len(values)
            total = total + values.sum(0)
            outer = outer + values.T @ values
        if n == 0 or not np.isfinite(outer).all():
            raise DataError("principal components need vectors, all of them finite" if n else "there are no vectors")
        offset = total / n
        covariance = (outer - n * np.outer(offset, offset)) / max(n - 1, 1)
        variances, vectors = np.linalg.eigh(covariance)
        kept = np.argsort(variances)[::-1][:n_components]
        return cls(shift + offset, vectors.T[kept], np.maximum(variances[kept], 0.0), float(np.trace(covariance)))

    @property
    def explained(self) -> float:
        """The share of the variance that is kept, 0 to 1; 1 where there is no variance."""
        return float(self.variances.sum() / self.total_variance) if self.total_variance > 0 else 1.0

    def __call__(self, vectors: npt.NDArray[Any]) -> Vectors:
        """Project vectors [n, width] -> [n, n_components]."""
        return ((np.asarray(vectors, dtype=np.float64) - self.mean) @ self.components.T).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez(
                stream,
                mean=self.mean,
                components=self.components,
                variances=self.variances,
                total_variance=self.total_variance,
            )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            total = float(arrays["total_variance"])
            return cls(arrays["mean"], arrays["components"], arrays["variances"], total)
