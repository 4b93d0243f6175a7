"""An index of vectors: principal components of embeddings, and nearest neighbours among them."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import UserError
from chemscale.language.array_file import row_blocks
from chemscale.language.nearest.approximate import ApproximateIndex
from chemscale.language.nearest.exact import Metric, nearest_vectors
from chemscale.language.nearest.projection import Projection

N_COMPONENTS = 100  # as Frey et al. 2023 search


class NeighbourIndex:
    """Vectors of a library that can be searched.

    Attributes:
        projection: from embeddings to what is compared.
        vectors: projected embeddings of the library [n_library, n_components]; may be a memory map.
        approximate: an index that searches faster and misses some; None for none.
    """

    def __init__(
        self,
        projection: Projection,
        vectors: npt.NDArray[np.float32],
        approximate: ApproximateIndex | None = None,
    ) -> None:
        self.projection, self.vectors, self.approximate = projection, vectors, approximate

    @classmethod
    def fit(cls, embeddings: npt.NDArray[Any], n_components: int = N_COMPONENTS) -> Self:
        """An index of embeddings in memory [n_library, width], all finite.

        Raises:
            DataError: there are none, or one is not finite.
        """
        projection = Projection.fit(row_blocks(embeddings), n_components)
        parts = [projection(block) for block in row_blocks(embeddings)]
        return cls(projection, np.concatenate(parts))

    def __len__(self) -> int:
        return len(self.vectors)

    def search(
        self, embeddings: npt.NDArray[Any], k: int, metric: Metric = "cosine"
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The k nearest of every query: exact, and as far as there is an approximate index for the metric by that.

        Args:
            embeddings: queries, not yet projected [n_queries, width].
            k: how many; no more than the library has are returned.
            metric: `cosine`, `l1` or `l2`, between projected vectors.

        Returns:
            Rows of the library [n_queries, k] (-1 where an approximate search found fewer), and distances, nearest
            first [n_queries, k].

        Raises:
            UserError: an argument is not allowed, or a query is NaN.
        """
        width = self.projection.mean.shape[0]
        if embeddings.ndim != 2 or embeddings.shape[1] != width:
            raise UserError(f"queries have shape {embeddings.shape}; expected [n_queries, {width}]")
        queries = self.projection(embeddings)
        if self.approximate is None:
            return nearest_vectors(queries, self.vectors, k, metric)
        if self.approximate.metric != metric:
            raise UserError(f"this approximate index is for {self.approximate.metric}, not for {metric}")
        return self.approximate.search(queries, self.vectors, k)
