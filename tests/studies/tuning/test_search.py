import itertools
import math
from typing import Any

import numpy as np
import pytest

from chemscale.base.errors import ConfigError
from chemscale.studies.study import parse_study
from chemscale.studies.tuning.config import TuneConfig
from chemscale.studies.tuning.search import Range, settings_to_try

LISTS = {"training": {"learning_rate": [1e-3, 1e-2, 1e-1], "batch_size": [8, 16]}, "seed": [0, 1]}
RANGES = {
    "training": {"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}, "warmup_steps": {"low": 0, "high": 3}},
    "model": {"width": [8, 16]},
}


def random(n: int, seed: int = 0) -> TuneConfig:
    return TuneConfig(search="random", n_configurations=n, search_seed=seed)


def test_a_grid_is_every_combination() -> None:
    tried = settings_to_try(LISTS, None)
    assert [tuple(one.values()) for one in tried.settings] == list(
        itertools.product([1e-3, 1e-2, 1e-1], [8, 16], [0, 1])
    )
    assert tried.varying == ("training.learning_rate", "training.batch_size", "seed")
    assert settings_to_try(LISTS, TuneConfig()) == tried


def test_random_search_is_the_same_every_time_and_can_be_made_longer() -> None:
    ten = settings_to_try(RANGES, random(10)).settings
    assert ten == settings_to_try(RANGES, random(10)).settings
    assert ten == settings_to_try(RANGES, random(25)).settings[:10]
    assert ten != settings_to_try(RANGES, random(10, seed=1)).settings
    # written down, so that a search of today is the search of tomorrow
    assert ten[0] == {"training.learning_rate": 0.0002015, "training.warmup_steps": 2, "model.width": 16}
    assert settings_to_try(RANGES, random(10)).varying == (
        "training.learning_rate",
        "training.warmup_steps",
        "model.width",
    )


def test_draws_fill_their_ranges_evenly() -> None:
    drawn = settings_to_try(RANGES, random(400)).settings
    rates = np.log10([one["training.learning_rate"] for one in drawn])
    assert rates.min() >= -4
    assert rates.max() <= -2
    # evenly on the logarithmic scale: mean -3, standard deviation 2 / sqrt(12), each within four standard errors
    assert abs(rates.mean() + 3) < 4 * (2 / math.sqrt(12)) / math.sqrt(400)
    assert {one["training.warmup_steps"] for one in drawn} == {0, 1, 2, 3}
    assert all(isinstance(one["training.warmup_steps"], int) for one in drawn)
    assert {one["model.width"] for one in drawn} == {8, 16}


def test_whole_numbers_on_a_logarithmic_scale_stay_whole() -> None:
    generator = np.random.default_rng(0)
    drawn = [Range(low=1, high=1000, log=True).draw(generator) for _ in range(300)]
    assert all(isinstance(value, int) and 1 <= value <= 1000 for value in drawn)
    assert 1 < np.median(drawn) < 100  # 31.6 is the middle


def test_seeds_repeat_a_configuration_and_are_not_drawn() -> None:
    drawn = settings_to_try(LISTS, random(4)).settings
    assert [one["seed"] for one in drawn] == [0, 1] * 4
    without = [{key: value for key, value in one.items() if key != "seed"} for one in drawn]
    assert without[::2] == without[1::2]
    assert all(a != b for a, b in itertools.combinations(without[::2], 2))


def test_all_choices_of_lists_can_be_drawn() -> None:
    drawn = settings_to_try({"training": LISTS["training"]}, random(6)).settings
    assert len({tuple(one.values()) for one in drawn}) == 6


def test_a_study_file_with_a_random_search_is_a_study(tiny_tune: dict[str, Any]) -> None:
    tiny_tune["grid"] = {"training": {"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}}, "seed": [0, 1]}
    tiny_tune["training"] |= {"batch_size": 8}
    tiny_tune["tune"] = {"search": "random", "n_configurations": 3}
    study = parse_study(tiny_tune)
    assert len(study.runs) == 6
    assert len({run.training.learning_rate for run in study.runs}) == 3
    assert study.varying == ("training.learning_rate", "seed")


@pytest.mark.parametrize(
    ("grid", "tune", "message"),
    [
        ({"a": {"low": 2, "high": 1}}, random(2), "grid.a: low must be below high, got 2 and 1"),
        ({"a": {"low": 0.0, "high": 1.0, "log": True}}, random(2), "grid.a: log = true needs a low above 0"),
        ({"a": {"low": 1}}, random(2), "grid.a.high: missing"),
        ({"a": {"low": 1, "hihg": 2}}, random(2), "grid.a.hihg: unknown key; did you mean 'high'"),
        ({"a": {"low": "x", "high": 2}}, random(2), "grid.a.low"),
        ({"a": {"low": 1, "high": 2}}, None, "grid.a: is a range, which only a random search can draw from"),
        ({"a": {"low": 1, "high": 2}}, TuneConfig(), "set tune.search = 'random'"),
        ({"a": {"low": 1, "high": 2}}, random(3), "3 were asked for, only 2 different ones were found"),
        (LISTS, random(7), r"7 were asked for, but the lists of \[grid\] make only 6"),
        ({"seed": {"low": 0, "high": 9}}, random(2), "grid.seed: is a range; give a list"),
        ({"a": 1}, random(2), "grid.a: expected a list of values, got 1"),
        ({"a": []}, random(2), "grid.a: the list is empty"),
    ],
)
def test_a_wrong_grid_is_named(grid: dict[str, Any], tune: TuneConfig | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings_to_try(grid, tune)
