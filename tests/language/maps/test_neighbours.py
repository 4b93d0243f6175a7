"""Nearest-neighbour scores: against scikit-learn, with gaps, and where there is nothing to score."""

import tracemalloc

import numpy as np
import pytest
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.neighbors import KNeighborsRegressor

from chemscale.language.maps.neighbours import _folds, _mean_of_nearest, neighbour_score, r2, roc_auc, why_no_score


def test_measures_are_the_usual_ones() -> None:
    random = np.random.default_rng(0)
    truth, guess = random.normal(size=50), random.normal(size=50)
    assert r2(truth, guess) == pytest.approx(r2_score(truth, guess))
    labels, scores = random.integers(0, 2, 200).astype(float), random.integers(0, 6, 200) / 5
    assert roc_auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))
    assert roc_auc(np.array([0.0, 0, 1]), np.array([0.0, 1, 1])) == 0.75  # one pair won, one tied


@pytest.mark.parametrize("binary", [False, True])
def test_the_same_as_scikit_learn_in_the_same_folds(binary: bool) -> None:
    random = np.random.default_rng(2)
    vectors = random.normal(size=(150, 6))
    values = vectors[:, 0] + 0.3 * random.normal(size=150)
    values = (values > 0.5).astype(float) if binary else values
    folds = _folds(values, binary, 3, 5)
    scores = []
    for fold in range(5):
        test = folds == fold
        model = KNeighborsRegressor(5, metric="cosine").fit(vectors[~test], values[~test])
        measure = roc_auc_score if binary else r2_score
        scores.append(measure(values[test], model.predict(vectors[test])))
    found = neighbour_score(vectors, values, binary, seed=3)
    assert found is not None and found.n_molecules == 150
    assert (found.value, found.deviation) == pytest.approx((np.mean(scores), np.std(scores, ddof=1)))


def test_folds_are_even_and_of_equal_shares() -> None:
    truth = np.array([1.0] * 13 + [0.0] * 90)
    folds = _folds(truth, True, 0, 5)
    assert sorted(np.bincount(folds)) == [20, 20, 21, 21, 21]
    assert set(np.bincount(folds[truth == 1])) == {2, 3}


def test_blocks_change_no_mean_and_bound_the_memory() -> None:
    random = np.random.default_rng(5)
    queries, library = random.normal(size=(4_000, 4)), random.normal(size=(3_000, 4))
    values = random.normal(size=3_000)
    tracemalloc.start()
    found = _mean_of_nearest(queries, library, values, 3)
    assert tracemalloc.get_traced_memory()[1] < 3.2 * 1024 * len(library) * 8  # all at once: 8
    tracemalloc.stop()
    nearest = np.argsort(-(queries @ library.T), axis=1)[:, :3]
    np.testing.assert_allclose(found, values[nearest].mean(1))


def test_gaps_take_no_part() -> None:
    random = np.random.default_rng(4)
    vectors = random.normal(size=(60, 4))
    values = vectors[:, 0].copy()
    alone = neighbour_score(vectors, values, False, seed=0)
    more = np.concatenate([vectors, np.full((5, 4), 9.0)])
    gaps = np.concatenate([values, np.full(5, np.nan)])
    assert neighbour_score(more, gaps, False, seed=0) == alone


def test_too_little_is_no_number() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 3))
    few = np.where(np.arange(40) < 29, np.arange(40.0), np.nan)
    for values, binary, reason in (
        (np.array([1.0] * 4 + [0.0] * 36), True, "4 molecules are of the rarer class, too few for 5 folds"),
        (few, False, "29 molecules have a value, and fewer than 30 "),
        (few % 2, True, "29 molecules have a value, and fewer than 30 "),
        (np.ones(40), False, "all values are the same"),
        (np.full(40, np.nan), False, "0 molecules have a value"),
    ):
        assert neighbour_score(vectors, values, binary, seed=0) is None
        assert why_no_score(values, binary).startswith(reason)
    assert neighbour_score(vectors[:30], np.arange(30.0), False, seed=0) is not None
    assert why_no_score(np.arange(30.0), False) == ""
