"""Seed noise and the sets it ties."""

import math

import numpy as np
import pytest
from scipy import stats

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.tpe import curve_of_steps, noise_of_repeats, tied_sets
from chemscale.tpe.ties import SeedNoise, given_noise, repeats


def test_pooled_noise_of_repeats() -> None:
    noise = noise_of_repeats([[1.0, 3.0], [5.0], [2.0, 2.0, 5.0], [1.0, math.inf]])
    assert noise is not None and noise.freedom == 3
    assert noise.deviation == pytest.approx(math.sqrt((2 + 6) / 3))
    assert noise_of_repeats([[1.0], [2.0]]) is None


def test_a_tie_is_what_two_seeds_differ_by() -> None:
    assert SeedNoise(0.1).tie(0.9) == pytest.approx(stats.norm.ppf(0.95) * math.sqrt(2) * 0.1)
    assert SeedNoise(0.1, 4).tie(0.9) == pytest.approx(stats.t.ppf(0.95, 4) * math.sqrt(2) * 0.1)
    generator = stream(0, "test ties")
    differences = 0.1 * np.abs(np.diff(generator.standard_normal((4000, 2)), axis=1))
    assert (differences <= SeedNoise(0.1).tie(0.9)).mean() == pytest.approx(0.9, abs=0.02)


def test_sets_begin_with_the_best_left_and_diverged_runs_come_last_together() -> None:
    scores = {"a": 1.0, "b": 1.04, "c": 1.06, "d": 1.12, "x": math.inf, "y": math.inf, "n": math.nan}
    assert tied_sets(scores, 0.05) == (("a", "b"), ("c",), ("d",), ("x", "y"))
    assert tied_sets(scores, 0.0)[:2] == (("a",), ("b",))
    assert tied_sets({}, 0.1) == ()


def test_repeats_are_runs_that_differ_in_the_seed_alone() -> None:
    def curve(run: str, **settings: str) -> object:
        return curve_of_steps(run, [1.0], steps_per_epoch=1, settings=settings)

    curves = [
        curve("a", lr="1", seed="0"),
        curve("b", lr="1", seed="1"),
        curve("c", lr="2", seed="0"),
        curve("d", lr="1"),
    ]
    assert repeats(curves) == [["a", "b"], ["c"], ["d"]]  # type: ignore[arg-type]


def test_given_noise_is_checked() -> None:
    assert given_noise(0.0).tie() == 0
    with pytest.raises(FitError, match="seed_noise"):
        given_noise(-1.0)


def test_noise_is_that_of_the_better_configurations() -> None:
    good = [[1.0, 1.02], [1.1, 1.12], [1.2, 1.22]]
    poor = [[3.0, 4.0], [5.0, 7.0], [8.0, 9.0]]
    noise = noise_of_repeats([*poor, *good])
    assert noise is not None
    assert noise.deviation == pytest.approx(0.02 / math.sqrt(2))
    assert noise.freedom == 3
