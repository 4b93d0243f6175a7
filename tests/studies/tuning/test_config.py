from typing import Any

import pytest

from chemscale.base.errors import ConfigError
from chemscale.studies.presets import load
from chemscale.studies.study import parse_study
from chemscale.studies.tuning.config import TuneConfig, check_comparable, check_tune
from chemscale.tpe import ESTIMATORS, POLICIES, FirstEpochs, Halving, KeepBest, Race


def checked(values: dict[str, Any]) -> TuneConfig:
    settings = check_tune(values["tune"])
    check_comparable(parse_study(values).runs, settings)
    return settings


def test_every_policy_takes_its_own_defaults() -> None:
    assert TuneConfig().make_policy() == KeepBest()
    assert TuneConfig(policy="halving").make_policy() == Halving()
    assert TuneConfig(policy="race").make_policy() == Race()
    assert TuneConfig(policy="i-epoch").make_policy() == FirstEpochs()
    assert TuneConfig(policy="none").make_policy() is None


def test_keys_reach_the_policy() -> None:
    paper = TuneConfig(policy="window", fraction=0.1, keep=1, estimator="sum")
    assert paper.make_policy() == KeepBest(0.1, 1, "sum")
    assert TuneConfig(policy="halving", fraction=0.05, eta=4).make_policy() == Halving(4.0, 0.05)
    race = TuneConfig(policy="race", fraction=0.2, every=0.1, factor=3, quantile=0.8, keep=2)
    assert race.make_policy() == Race(0.2, 0.1, 3.0, 0.8, 2)
    assert TuneConfig(policy="i-epoch", epochs=2, keep=3).make_policy() == FirstEpochs(2.0, 3)


def test_every_policy_and_estimator_of_the_library_can_be_named() -> None:
    for name in (*POLICIES, "none"):
        assert check_tune({"policy": name}).policy == name
    for name in ESTIMATORS:
        assert check_tune({"estimator": name}).estimator == name


def test_where_runs_are_scored() -> None:
    assert TuneConfig().scored_at(20) == 0.2
    assert TuneConfig(policy="halving").scored_at(20) == pytest.approx(1 / 9)
    assert TuneConfig(policy="i-epoch", epochs=3).scored_at(20) == pytest.approx(0.15)
    assert TuneConfig(policy="none").scored_at(20) == 0.2
    assert TuneConfig(policy="none", fraction=0.1).scored_at(20) == 0.1


@pytest.mark.parametrize("name", ["smoke/chemgpt-tune", "frey2023/chemgpt-tpe"])
def test_the_presets_can_be_tuned(name: str) -> None:
    settings = checked(load(name))
    assert settings.policy != "none"


@pytest.mark.parametrize(
    ("tune", "message"),
    [
        ({"polcy": "race"}, "tune.polcy: unknown key; did you mean 'policy'"),
        ({"policy": "best"}, "tune.policy: Input should be 'window', 'halving'"),
        ({"estimator": "tse"}, "tune.estimator: Input should be 'window', 'sum'"),
        ({"fraction": 1.5}, r"tune.fraction: .*less than 1 \(got 1.5\)"),
        ({"keep": 0}, "tune.keep: .*greater than or equal to 1"),
        ({"eta": 3}, "tune: eta is not used by policy 'window', which has fraction, keep, estimator"),
        ({"policy": "race", "epochs": 2}, "tune: epochs is not used by policy 'race'"),
        ({"policy": "none", "keep": 2}, "tune: keep is not used by policy 'none'"),
        ({"search": "random"}, "tune: search is 'random', so n_configurations is needed"),
        ({"n_configurations": 5}, "tune: n_configurations is for search = 'random'"),
        ({"level": 1}, "tune.level"),
        (3, "tune: expected a table, got 3"),
    ],
)
def test_a_wrong_table_is_named(tiny_tune: dict[str, Any], tune: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        checked(tiny_tune | {"tune": tune})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tune": {"keep": 10}}, "tune.keep: 10 runs go on, and there are 10: nobody could be stopped"),
        ({"training": {"epochs": None, "steps": 30}}, "training.epochs: missing; .* the same number of examples"),
        ({"training": {"epochs": None}, "grid": {"training": {"epochs": [2, 4]}}}, "training.epochs .* vary"),
        (
            {"data": {"size": None}, "grid": {"data": {"size": [20, 40]}}},
            r"grid: data settings vary.*set them in \[data\]",
        ),
        ({"training": {"stop_patience": 3}}, "training.stop_patience: a tune decides itself who stops"),
        ({"training": {"evaluations": 4}}, r"with 4 the first .* at 25 % .* looks at 20 %; set it to 5 or more"),
        ({"tune": {"policy": "race"}, "training": {"evaluations": 10}}, "looks at 5 %; set it to 20 or more"),
        ({"tune": {"policy": "i-epoch", "epochs": 9}}, "tune.epochs: no decision comes before the end .* of 4 epochs"),
        ({"grid": {"training": {"learning_rate": [1e-3], "batch_size": [4]}}}, "grid: one run only"),
    ],
)
def test_runs_that_do_not_compare_are_refused(
    tiny_tune: dict[str, Any], change: dict[str, dict[str, Any]], message: str
) -> None:
    for table, settings in change.items():
        tiny_tune[table] = {key: v for key, v in (tiny_tune[table] | settings).items() if v is not None}
        if table == "grid" and "data" in settings:
            tiny_tune["grid"]["training"] = {"batch_size": [4, 8]}
    with pytest.raises(ConfigError, match=message):
        checked(tiny_tune)
