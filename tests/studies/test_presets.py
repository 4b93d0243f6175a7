from pathlib import Path

import pytest

from chemscale.base.errors import ConfigError
from chemscale.studies.presets import find_config_file, load, preset_names


def test_a_preset_is_found_by_name_and_a_file_by_path(tmp_path: Path) -> None:
    assert {"demo", "smoke/chemgpt", "frey2023/chemgpt-paper"} <= set(preset_names())
    own = tmp_path / "own.toml"
    own.write_text("seed = 3\n")
    assert load(str(own)) == {"seed": 3}
    assert find_config_file("demo").name == "demo.toml"


def test_what_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'smoke/chemgpt'"):
        load("smoke/chemgtp")
    with pytest.raises(ConfigError, match=r"absent\.toml: no such file"):
        load("absent.toml")
