from typing import Any

import pytest

from chemscale.base.errors import ConfigError
from chemscale.studies.run import parse_run
from chemscale.studies.study import parse_study


def test_a_grid_expands_to_every_combination_in_order(tiny_study: dict[str, Any]) -> None:
    study = parse_study(tiny_study | {"grid": tiny_study["grid"] | {"seed": [0, 1]}})
    assert study.varying == ("model.width", "data.size", "seed")
    assert [(run.model.width, run.data.size, run.seed) for run in study.runs] == [
        (width, size, seed) for width in (4, 8) for size in (40, 120) for seed in (0, 1)
    ]
    assert len({run.name() for run in study.runs}) == 8


def test_names_say_what_a_run_is_and_change_with_what_changes_it(tiny_study: dict[str, Any]) -> None:
    base = {key: value for key, value in tiny_study.items() if key not in ("grid", "study")}
    base["model"] = base["model"] | {"width": 8}
    run = parse_run(base)
    assert run.name() == f"chemgpt-1.71k-nall-s0-{run.hash()}"
    assert parse_run(base | {"threads": 4, "device": "cuda"}).hash() == run.hash()
    for change in ({"seed": 1}, {"training": base["training"] | {"learning_rate": 1e-3}}):
        assert parse_run(base | change).hash() != run.hash()
    logged = base["training"] | {"loggers": ["tensorboard"], "checkpoint_seconds": 5}
    assert parse_run(base | {"training": logged}).hash() == run.hash()


def test_a_resolved_configuration_reads_back_to_itself(tiny_study: dict[str, Any]) -> None:
    for run in parse_study(tiny_study).runs:
        assert parse_run(run.to_dict()) == run


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"famly": "chemgpt"}, "famly: unknown key; did you mean 'family'"),
        ({"family": "chemgtp"}, "no family is called 'chemgtp'; did you mean 'chemgpt'"),
        ({"model": {"width": 8}}, r"model.width: is set and is in the grid too; .*--set grid.model.width=\[...\]"),
        ({"model": {"widht": 3}}, "model.widht: unknown key; did you mean 'width'"),
        ({"model": 3}, "model: expected a table"),
        ({"seed": -1}, "seed: expected an integer of 0 or more"),
        ({"study": {"titel": "x"}}, "study.titel: unknown key; did you mean 'title'"),
        ({"grid": {"model": {"width": []}}}, "grid.model.width: the list is empty"),
        ({"grid": {"model": {"width": [4]}, "seed": [1, 1]}}, "two runs are the same"),
        ({"grid": {"seed": 1}}, "grid.seed: expected a list"),
    ],
)
def test_what_is_wrong_is_named(tiny_study: dict[str, Any], change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_study({**tiny_study, **change})
