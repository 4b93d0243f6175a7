import tomllib

import pytest
from pydantic import Field

from chemscale.base.config import Config, apply_overrides, content_hash, not_identity, read_toml, to_toml
from chemscale.base.errors import ConfigError


class Inner(Config):
    width: int = Field(16, description="channels", ge=1)
    note: str = not_identity("", "not part of the result")


class Outer(Config):
    inner: Inner = Inner()
    epochs: float = Field(1.0, description="passes", gt=0)


def test_unknown_key_names_the_nearest_valid_one() -> None:
    with pytest.raises(ConfigError, match=r"training\.inner\.widht: unknown key; did you mean 'width'\?"):
        Outer.parse({"inner": {"widht": 3}}, "training")


def test_wrong_value_names_field_value_and_rule() -> None:
    with pytest.raises(ConfigError, match=r"epochs: .*greater than 0 \(got -1\)"):
        Outer.parse({"epochs": -1})


def test_identity_leaves_out_what_cannot_change_the_result() -> None:
    one = Outer.parse({"inner": {"note": "here"}})
    other = Outer.parse({"inner": {"note": "there"}})
    assert one.identity() == other.identity() == {"inner": {"width": 16}, "epochs": 1.0}
    assert content_hash(one.identity()) != content_hash(Outer.parse({"epochs": 2}).identity())


def test_overrides_are_read_as_toml_and_else_as_text() -> None:
    values = apply_overrides({"a": {"b": 1}}, ["a.b=2e-3", "a.c=[1, 2]", "data.source=moses", "x='1'"])
    assert values == {"a": {"b": 2e-3, "c": [1, 2]}, "data": {"source": "moses"}, "x": "1"}


@pytest.mark.parametrize("override", ["a", "=3", "a..b=1", "a.b.c=1"])
def test_bad_override_is_explained(override: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        apply_overrides({"a": {"b": 1}}, [override])


def test_toml_errors_name_the_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    bad = tmp_path / "bad.toml"
    bad.write_text("a = = 1")
    with pytest.raises(ConfigError, match=r"bad\.toml: not valid TOML"):
        read_toml(bad)
    with pytest.raises(ConfigError, match="no such file"):
        read_toml(tmp_path / "absent.toml")


def test_none_takes_a_key_away() -> None:
    assert apply_overrides({"training": {"epochs": 2}}, ["training.epochs=none", "training.steps=5"]) == {
        "training": {"steps": 5}
    }


def test_infinite_numbers_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"epochs: .*finite"):
        Outer.parse({"epochs": float("inf")})


def test_toml_that_is_written_reads_back() -> None:
    values = {"family": "x", "study": {"title": 'Größe 😀 "q"'}, "grid": {"model": {"width": [1, 2]}}, "gone": None}
    again = tomllib.loads(to_toml(values))
    assert again == {key: value for key, value in values.items() if key != "gone"}
