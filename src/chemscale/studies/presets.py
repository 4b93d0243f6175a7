"""Study and run files that come with the package, and files of the user's own."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from chemscale.base.config import nearest, read_toml
from chemscale.base.errors import ConfigError

PRESETS = Path(str(files("chemscale") / "presets"))


def preset_names() -> list[str]:
    """All presets by name, such as `frey2023/chemgpt-laptop`."""
    return sorted(str(path.relative_to(PRESETS).with_suffix("")) for path in PRESETS.rglob("*.toml"))


def preset_title(name: str) -> str:
    """The first comment line of a preset."""
    first = (PRESETS / f"{name}.toml").read_text().splitlines()[0]
    return first.lstrip("# ")


def find_config_file(name_or_path: str) -> Path:
    """The TOML file of a preset's name or of a path.

    Raises:
        ConfigError: there is neither; the nearest preset is named.
    """
    path = Path(name_or_path)
    if path.suffix == ".toml":
        if path.exists():
            return path
        raise ConfigError(f"{path}: no such file")
    if name_or_path in preset_names():
        return PRESETS / f"{name_or_path}.toml"
    raise ConfigError(f"{name_or_path}: neither a .toml file nor a preset{nearest(name_or_path, preset_names())}")


def load(name_or_path: str) -> dict[str, Any]:
    """The plain values of a preset or a file."""
    return read_toml(find_config_file(name_or_path))
