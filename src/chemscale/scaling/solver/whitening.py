"""Sums over subsets, and the whitener of errors that subsets share, without a matrix of all pairs of points."""

from typing import Any

import numpy as np


class Subsets:
    """Points in subsets; arrays are [..., n_points, n_columns] or [n_points].

    Attributes:
        labels: the subset of every point, from 0 on without gaps [n_points].
        sizes: points of every subset [n_subsets].
    """

    def __init__(self, labels: np.ndarray) -> None:
        self.labels = labels
        self.sizes = np.bincount(labels)
        self._order = np.argsort(labels, kind="stable")
        self._starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])

    def __len__(self) -> int:
        return len(self.sizes)

    def sums(self, columns: np.ndarray) -> np.ndarray:
        """The sum over every subset [..., n_subsets, n_columns] or [n_subsets]."""
        axis = max(columns.ndim - 2, 0)
        total: np.ndarray = np.add.reduceat(columns.take(self._order, axis=axis), self._starts, axis=axis)
        return total


class SubsetWhitener:
    """V^-1/2 of V = 1 + ratio ZZ^T, Z the points' subsets: in one of m, the mean is divided by sqrt(1 + m ratio).

    It is used like the symmetric matrix that it stands for: `whitener @ columns`.
    """

    def __init__(self, subsets: Subsets, ratio: float) -> None:
        self.subsets, self.ratio = subsets, ratio
        self._share = (1 - 1 / np.sqrt(1 + subsets.sizes * ratio)) / subsets.sizes

    @property
    def T(self) -> "SubsetWhitener":  # noqa: N802
        """The transpose is the same matrix."""
        return self

    def __matmul__(self, columns: "np.ndarray | SubsetWhitener") -> np.ndarray:
        array = np.asarray(columns)
        axis = max(array.ndim - 2, 0)
        share = self._share if array.ndim == 1 else self._share[:, None]
        part: np.ndarray = (share * self.subsets.sums(array)).take(self.subsets.labels, axis=axis)
        return array - part

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The matrix [n_points, n_points]; for few points."""
        return self @ np.eye(len(self.subsets.labels), dtype=dtype)
