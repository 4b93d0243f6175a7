"""Projections: components against scikit-learn, t-SNE's seed and small sets, and what a picture keeps."""

import warnings

import numpy as np
import pytest
from sklearn.decomposition import PCA

from chemscale.base.errors import DataError, UserError
from chemscale.language.maps import projection
from chemscale.language.maps.projection import neighbours_kept, principal_components, tsne_points, used_perplexity


def test_components_are_those_of_scikit_learn() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 6)) * [5, 3, 2, 1, 1, 1]
    ours, theirs = principal_components(vectors), PCA(2).fit(vectors)
    np.testing.assert_allclose(np.abs(ours.points), np.abs(theirs.transform(vectors)), atol=1e-9)
    np.testing.assert_allclose(ours.explained, theirs.explained_variance_ratio_)


def test_a_turned_sign_changes_nothing() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    assert principal_components(vectors, 99).points.shape == (40, 6)
    first = principal_components(vectors).points
    np.testing.assert_allclose(principal_components(vectors + 7).points, first, atol=1e-4)


def test_tsne_depends_on_its_seed_alone_and_keeps_groups() -> None:
    random = np.random.default_rng(0)
    vectors = np.concatenate([random.normal(loc, 0.1, (8, 5)) for loc in (0, 4)])
    points = tsne_points(vectors, seed=1)
    np.testing.assert_array_equal(points, tsne_points(vectors, seed=1))
    assert points.shape == (16, 2) and neighbours_kept(vectors, points, k=7) > 0.9


@pytest.mark.parametrize("n_different", [1, 3])
def test_copies_are_refused_before_scikit_learn_sees_them(n_different: int) -> None:
    random = np.random.default_rng(0)
    vectors = np.repeat(random.normal(size=(n_different, 6)), 15 // n_different, axis=0)
    with pytest.raises(DataError, match=f"the 15 molecules have {n_different} different embeddings"):
        tsne_points(vectors + 1e-7 * random.normal(size=vectors.shape), seed=0)
    with pytest.raises(DataError, match="have 1 different"):
        tsne_points(np.zeros((15, 6)), seed=0)


def test_few_different_molecules_make_a_picture_without_warnings() -> None:
    vectors = np.repeat(np.random.default_rng(0).normal(size=(4, 6)), [12, 1, 1, 1], axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(tsne_points(vectors, seed=0)).all()


def test_perplexity_fits_small_sets() -> None:
    assert used_perplexity(10) == 3 and used_perplexity(5000) == 30


def test_kept_neighbours_by_hand() -> None:
    line = np.arange(6.0)[:, None] * [[1, 1]]
    assert neighbours_kept(line, line * 3 + 5, k=2) == 1
    # 0 1 2 3 drawn as 0 2 1 3: the nearest of 0, 1, 2, 3 are in truth 1, 0|2, 1|3, 2 and in the picture 2, 3, 0, 1.
    truth, picture = np.array([[0.0], [1], [2.1], [3.3]]), np.array([[0.0], [2.2], [1], [3]])
    assert neighbours_kept(truth, picture, k=1) == 0


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "TSNE", None)
    with pytest.raises(UserError, match=r"pip install 'chemscale\[maps\]'"):
        tsne_points(np.eye(12), seed=0)
