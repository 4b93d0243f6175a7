"""Settings in few characters."""

import pytest

from chemscale.report.tuning.labels import configuration_text, percent, plain_setting, run_labels, value_text, varying

SETTINGS = {
    "a": {"family": "gpt", "seed": 0, "training.learning_rate": 0.001, "training.batch_size": "16"},
    "b": {"family": "gpt", "seed": 1, "training.learning_rate": "1e-3", "training.batch_size": "16"},
    "c": {"family": "gpt", "seed": 0, "training.learning_rate": 0.01, "training.batch_size": 16},
}


def test_what_varies_is_found_by_value_and_seeds_come_last() -> None:
    assert varying(SETTINGS) == ["training.learning_rate", "seed"]
    assert varying({}) == [] and varying({"a": {"x": 1}}) == []
    assert varying({"a": {"x": 1}, "b": {}}) == ["x"]


def test_labels_tell_runs_apart_or_are_their_names() -> None:
    names = ["training.learning_rate", "seed"]
    assert run_labels("abc", SETTINGS, names) == {"a": "0.001 · 0", "b": "0.001 · 1", "c": "0.01 · 0"}
    assert run_labels("abc", SETTINGS, names[:1]) == {"a": "a", "b": "b", "c": "c"}
    assert run_labels("abc", SETTINGS, []) == {"a": "a", "b": "b", "c": "c"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0001, "0.0001"), ("1e-05", "1e-05"), (16, "16"), (50000, "50k"), ("adamw", "adamw"), (True, "True")],
)
def test_values_are_short(value: object, text: str) -> None:
    assert value_text(value) == text


def test_words() -> None:
    assert plain_setting("training.learning_rate") == "learning rate"
    assert configuration_text(SETTINGS["c"], ["training.learning_rate", "seed"]) == "learning rate 0.01"
    assert [percent(share) for share in (0.2, 1 / 9, 0.05, 1.0, -0.25)] == ["20 %", "11 %", "5 %", "100 %", "-25 %"]
