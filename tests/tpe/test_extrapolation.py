"""The power law through one curve, and the non-negative line under it."""

import numpy as np
import pytest
from scipy.optimize import nnls

from chemscale.base.seeds import stream
from chemscale.tpe.extrapolation import _non_negative_line, extrapolate, pieces


def test_the_line_is_that_of_non_negative_least_squares() -> None:
    generator = stream(0, "test lines")
    for _ in range(200):
        x = generator.random(6) + 0.1
        y = generator.standard_normal(6) * 2 + generator.normal() * x + 1
        reference, _ = nnls(np.stack([np.ones(6), x], axis=1), y)
        floor, height = _non_negative_line(x, y)
        ours = ((y - floor - height * x) ** 2).sum()
        assert ours == pytest.approx(((y - reference[0] - reference[1] * x) ** 2).sum(), rel=1e-9)


def test_exact_on_a_curve_without_a_floor() -> None:
    places = np.array([1.0, 2, 3, 5, 8])
    assert extrapolate(places, 3 * places**-0.25, 64) == pytest.approx(3 * 64**-0.25, rel=2e-3)


def test_pieces_are_means_of_equal_parts() -> None:
    middle, mean = pieces(np.arange(1, 33) / 4, np.arange(32.0))
    assert len(mean) == 16 and mean[0] == 0.5 and middle[0] == pytest.approx(0.375)
