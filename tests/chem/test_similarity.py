"""Similarities in blocks are those of all pairs."""

import numpy as np
import pytest

from chemscale.chem.fingerprints import WORDS, Fingerprints, tanimoto
from chemscale.chem.similarity import mean_similarity, nearest_similarity


def random_fingerprints(count: int, seed: int) -> Fingerprints:
    bits = np.random.default_rng(seed).random((count, 64 * WORDS)) < 0.05
    return np.packbits(bits, axis=1, bitorder="little").view(np.uint64)


def test_blocks_agree_with_all_pairs() -> None:
    first, second = random_fingerprints(1100, 0), random_fingerprints(8200, 1)
    pairs = tanimoto(first, second)
    np.testing.assert_allclose(nearest_similarity(first, second), pairs.max(axis=1), rtol=1e-6)
    np.testing.assert_allclose(mean_similarity(first, second), pairs.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(mean_similarity(first, second, 2), np.sqrt((pairs**2).mean(axis=1)), rtol=1e-6)


def test_two_empty_fingerprints_are_alike() -> None:
    empty = np.zeros((1, WORDS), dtype=np.uint64)
    assert nearest_similarity(empty, empty) == [1.0]
    assert nearest_similarity(empty, random_fingerprints(3, 0)) == [0.0]


def test_an_empty_library_has_no_neighbours() -> None:
    with pytest.raises(ValueError, match="no fingerprints"):
        nearest_similarity(random_fingerprints(1, 0), random_fingerprints(0, 0))
    assert len(nearest_similarity(random_fingerprints(0, 0), random_fingerprints(2, 0))) == 0
