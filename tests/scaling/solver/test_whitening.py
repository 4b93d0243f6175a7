"""Sums over subsets, and the whitener against the matrix that it stands for."""

import tracemalloc

import numpy as np
import pytest

from chemscale.base.seeds import stream
from chemscale.scaling.solver import clusters
from chemscale.scaling.solver.whitening import Subsets, SubsetWhitener

LABELS = stream(0, "whitening").permutation(np.repeat(np.arange(7), [1, 2, 9, 4, 3, 6, 5]))
SAME = (LABELS[:, None] == LABELS[None, :]).astype(float)


def test_sums_are_those_of_every_subset() -> None:
    columns = stream(1, "columns").standard_normal((2, 30, 3))
    expected = np.stack([columns[:, label == LABELS].sum(axis=1) for label in range(7)], axis=1)
    subsets = Subsets(LABELS)
    np.testing.assert_allclose(subsets.sums(columns), expected)
    np.testing.assert_allclose(subsets.sums(columns[0]), expected[0])
    np.testing.assert_allclose(subsets.sums(columns[0, :, 1]), expected[0, :, 1])
    assert len(subsets) == 7 and sorted(subsets.sizes) == [1, 2, 3, 4, 5, 6, 9]


@pytest.mark.parametrize("ratio", [0.1, 1.0, 30.0])
def test_the_whitener_makes_the_covariance_one(ratio: float) -> None:
    whitener, covariance = SubsetWhitener(Subsets(LABELS), ratio), np.eye(30) + ratio * SAME
    np.testing.assert_allclose(whitener @ covariance @ whitener.T, np.eye(30), atol=1e-12)
    np.testing.assert_allclose(whitener.T @ whitener, np.linalg.inv(covariance), atol=1e-12)
    columns = stream(2, "columns").standard_normal((30, 4))
    for array in (columns, columns[:, 0], np.stack([columns, 2 * columns])):
        np.testing.assert_allclose(whitener @ (whitener @ array), np.linalg.inv(covariance) @ array, atol=1e-12)


def test_many_points_need_no_matrix_of_all_pairs() -> None:
    """20,000 points: one matrix of all pairs has 3.2 GB."""
    draw = stream(3, "many")
    subsets, columns = Subsets(np.arange(20_000) % 100), draw.standard_normal((20_000, 5))
    residual = draw.standard_normal(20_000) + draw.standard_normal(100)[subsets.labels]
    tracemalloc.start()
    ratio = clusters._restricted_ratio(residual, columns, subsets)
    freedom = clusters._freedom(columns, subsets, ratio)
    whitened = SubsetWhitener(subsets, ratio) @ columns
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6 and whitened.shape == columns.shape
    assert 0.5 < ratio < 2.0 and (freedom > 10_000).all()
