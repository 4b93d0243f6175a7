"""Metrics of sets on cases worked by hand."""

import math

import numpy as np
import pytest
from rdkit import Chem

from chemscale.chem.fingerprints import WORDS
from chemscale.chem.set_metrics import (
    brics_fragments,
    cosine_similarity,
    internal_diversity,
    mean_nearest_similarity,
    share,
)


def fingerprints(*words: int) -> np.ndarray:
    rows = np.zeros((len(words), WORDS), dtype=np.uint64)
    rows[:, 0] = words
    return rows


def test_a_share_of_nothing_is_not_defined() -> None:
    assert share(1, 4) == 0.25 and math.isnan(share(0, 0))


def test_internal_diversity_of_three_fingerprints() -> None:
    """T = 1 on the diagonal; bits 11, 01, 10 share 1/2, 1/2 and 0."""
    rows = fingerprints(0b11, 0b01, 0b10)
    assert internal_diversity(rows) == pytest.approx(1 - (2 + 1.5 + 1.5) / 9)
    roots = [math.sqrt((1 + 2 * 0.25) / 3), math.sqrt((1 + 0.25) / 3), math.sqrt((1 + 0.25) / 3)]
    assert internal_diversity(rows, power=2) == pytest.approx(1 - sum(roots) / 3)
    assert internal_diversity(fingerprints(5)) == 0
    assert math.isnan(internal_diversity(fingerprints()))


def test_nearest_similarity_of_two() -> None:
    assert mean_nearest_similarity(fingerprints(0b11, 0b100), fingerprints(0b01, 0b11)) == pytest.approx(0.5)
    assert math.isnan(mean_nearest_similarity(fingerprints(), fingerprints(1)))
    assert math.isnan(mean_nearest_similarity(fingerprints(1), fingerprints()))


def test_cosine_of_counts() -> None:
    assert cosine_similarity({"a": 3, "b": 4}, {"a": 3, "b": 4}) == pytest.approx(1)
    assert cosine_similarity({"a": 3, "b": 4}, {"a": 2}) == pytest.approx(0.6)
    assert cosine_similarity({"a": 1}, {"b": 1}) == 0
    assert math.isnan(cosine_similarity({}, {"a": 1}))


def test_brics_fragments() -> None:
    assert "[1*]C(C)=O" in brics_fragments(Chem.MolFromSmiles("CC(=O)Nc1ccccc1"))
    assert brics_fragments(Chem.MolFromSmiles("CCO")) == ["CCO"]
