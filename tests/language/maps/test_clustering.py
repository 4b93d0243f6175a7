"""Silhouettes: worked by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from chemscale.language.maps import clustering
from chemscale.language.maps.clustering import cosine_silhouettes, silhouette


def test_four_vectors_by_hand() -> None:
    # Two along x, two along y: a = 0, b = 1 for all.
    vectors = np.array([[1.0, 0], [2, 0], [0, 1], [0, 3]])
    assert cosine_silhouettes(vectors, np.array([0, 0, 1, 1])).tolist() == [1, 1, 1, 1]
    # Mixed groups: a = 1; to the other group (0 + 1) / 2; s = (0.5 - 1) / 1.
    assert cosine_silhouettes(vectors, np.array([0, 1, 0, 1])) == pytest.approx([-0.5] * 4)
    assert cosine_silhouettes(np.ones((4, 2)), np.array([0, 1, 0, 1])) == pytest.approx([0] * 4, abs=1e-9)


def test_the_same_as_scikit_learn() -> None:
    random = np.random.default_rng(0)
    codes = np.concatenate([np.arange(5), np.arange(5), random.integers(0, 5, 190)])
    vectors = random.normal(size=(200, 7)) + 0.7 * codes[:, None]
    theirs = silhouette_samples(vectors, codes, metric="cosine")
    np.testing.assert_allclose(cosine_silhouettes(vectors, codes), theirs, atol=1e-10)


def test_groups_that_are_there_beat_their_shuffles_and_small_ones_are_left_out() -> None:
    random = np.random.default_rng(1)
    vectors = np.concatenate([random.normal(loc, 0.3, (20, 3)) for loc in ((3, 0, 0), (0, 3, 0))])
    vectors = np.concatenate([vectors, random.normal(size=(9, 3))])
    groups = ["a"] * 20 + ["b"] * 20 + ["c"] * 4 + [""] * 5
    found = silhouette(vectors, groups, seed=0)
    assert found is not None and (found.n_molecules, found.n_groups) == (40, 2)
    assert (
        found.value > 0.8 and abs(found.shuffled) < 0.1 and found.value > found.shuffled + 5 * found.shuffled_deviation
    )
    assert found == silhouette(vectors, groups, seed=0)


def test_one_group_is_no_clustering() -> None:
    assert silhouette(np.eye(12), ["a"] * 12, seed=0) is None
    assert silhouette(np.eye(12), [""] * 12, seed=0) is None


def test_vectors_are_brought_to_length_one_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    unit_rows = clustering._unit_rows
    monkeypatch.setattr(clustering, "_unit_rows", lambda vectors: calls.append(1) or unit_rows(vectors))
    silhouette(np.random.default_rng(0).normal(size=(20, 3)), ["a"] * 10 + ["b"] * 10, seed=0)
    assert len(calls) == 1
