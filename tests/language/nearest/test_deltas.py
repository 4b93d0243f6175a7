"""Delta_p by hand, and its intervals."""

import numpy as np
import pytest

from chemscale.chem.properties import PROPERTIES
from chemscale.language.nearest.deltas import FINGERPRINTS, NeighbourEvaluation, wilson_interval
from chemscale.language.neighbours import delta


def test_delta_is_the_distance_of_the_mean() -> None:
    neighbours = np.array([[1.0, 10.0], [2.0, 30.0], [6.0, 20.0]])
    assert delta(np.array([5.0, 18.0]), neighbours).tolist() == [2.0, 2.0]  # |3 - 5|, |20 - 18|


def evaluation(own: np.ndarray, other: np.ndarray) -> NeighbourEvaluation:
    spread = np.ones((1, len(PROPERTIES)))
    deltas = {"cosine": own[:, None] * spread, FINGERPRINTS: other[:, None] * spread}
    return NeighbourEvaluation(tuple(map(str, range(len(own)))), 100, deltas)


def test_wins_are_counted_and_ties_are_half() -> None:
    wins = evaluation(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 2.0, 1.0, 9.0])).wins()
    assert wins["property"].tolist() == list(PROPERTIES) and set(wins["method"]) == {"cosine"}
    assert wins["win_rate"].tolist() == [0.625] * 4


def test_a_tie_is_one_to_rounding() -> None:
    own = np.array([0.1 + 0.2, 500.0, 1e-14, 2.0])
    wins = evaluation(own, np.array([0.3, 500.0 + 1e-11, 0.0, 2.0 + 1e-6])).wins()
    assert wins["win_rate"].tolist() == [0.625] * 4


def test_wilson_interval_of_a_published_case() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662, 0 of 20 gives 0 to 0.1611
    assert wilson_interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0.0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_means_and_medians_have_intervals_that_cover() -> None:
    random = np.random.default_rng(0)
    covered = {"mean": 0, "median": 0}
    for _ in range(60):
        values = random.normal(10.0, 2.0, 80)
        row = evaluation(values, values).table().iloc[0]
        assert row["mean"] == pytest.approx(values.mean()) and row["median"] == pytest.approx(np.median(values))
        for name in covered:
            covered[name] += row[f"{name}_low"] <= 10.0 <= row[f"{name}_high"]
    assert all(count >= 50 for count in covered.values()), covered
