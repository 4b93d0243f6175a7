"""Frozen, typed configurations read from TOML, with `--set a.b=value` as the only override.

A configuration class lives beside what it configures and derives from `Config`. An unknown key is an error that names
the nearest valid key.
"""

import copy
import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chemscale.base.errors import ConfigError


class Config(BaseModel):
    """Base of every configuration: frozen, strict about keys, hashable by content."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False)

    @classmethod
    def parse(cls, values: Mapping[str, Any], where: str = "") -> Self:
        """Build the configuration from plain values.

        Args:
            values: keys and values as they come out of a TOML file.
            where: the dotted place of `values` in its file, used in messages.

        Raises:
            ConfigError: an unknown key (the nearest valid one is named), a wrong type, or a value out of range.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise ConfigError(_explain(cls, error, where)) from None

    def identity(self) -> dict[str, Any]:
        """All values that can change a result, as plain JSON types: fields marked `not_identity` are left out."""
        values = self.model_dump(mode="json")
        return _without_not_identity(type(self), values)


def not_identity(default: Any, description: str) -> Any:
    """A field that cannot change the result (device, worker count): it does not enter the run's hash."""
    return Field(default, description=description, json_schema_extra={"identity": False})


def content_hash(values: Any, length: int = 8) -> str:
    """The first `length` hexadecimal digits of the sha256 of `values` as sorted JSON."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ConfigError: the file is missing or is not TOML; the message has the line.
    """
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder, expected a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None


def apply_overrides(values: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Apply `a.b=value` overrides to nested plain values; returns a new dict.

    A value is read as TOML (`3`, `1e-3`, `true`, `[16, 32]`) and taken as text where it is not TOML (`moses`, a path);
    `none` takes the key away.

    Raises:
        ConfigError: an override without `=`, with an empty key, or whose parent is a value and not a table.
    """
    result = copy.deepcopy(dict(values))
    for override in overrides:
        key, separator, text = override.partition("=")
        parts = [part.strip() for part in key.split(".")]
        if not separator or not all(parts):
            raise ConfigError(f"--set {override}: expected key=value, for example --set training.epochs=5")
        table = result
        for depth, part in enumerate(parts[:-1]):
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise ConfigError(f"--set {override}: {'.'.join(parts[: depth + 1])} is a value, not a table")
        if text.strip() == "none":
            table.pop(parts[-1], None)
        else:
            table[parts[-1]] = _parse_value(text.strip())
    return result


def to_toml(values: Mapping[str, Any]) -> str:
    """Plain nested values (texts, numbers, lists of them, tables) as TOML; None is left out."""
    plain = {key: value for key, value in values.items() if not isinstance(value, Mapping) and value is not None}
    lines = [f"{key} = {_toml_value(value)}" for key, value in plain.items()]
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{key}]", *_dotted(value, "")]
    return "\n".join(lines).strip() + "\n"


def nearest(name: str, allowed: Sequence[str]) -> str:
    """A hint `; did you mean 'x'?` for a misspelt name, or the list of what is allowed."""
    close = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; allowed: {', '.join(sorted(allowed))}"


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _toml_value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _dotted(table: Mapping[str, Any], prefix: str) -> list[str]:
    lines: list[str] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _dotted(value, f"{prefix}{key}.")
        elif value is not None:
            lines.append(f"{prefix}{key} = {_toml_value(value)}")
    return lines


def _explain(cls: type[BaseModel], error: ValidationError, where: str) -> str:
    lines = []
    for problem in error.errors():
        place = ".".join([where, *map(str, problem["loc"])]).strip(".")
        if problem["type"] == "extra_forbidden":
            owner = _model_at(cls, problem["loc"][:-1])
            hint = nearest(str(problem["loc"][-1]), list(owner.model_fields)) if owner else ""
            lines.append(f"{place}: unknown key{hint}")
        elif problem["type"] == "missing":
            lines.append(f"{place}: missing, it has no default")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            if problem["type"] == "string_pattern_mismatch":
                message = f"allowed is {_description_at(cls, problem['loc'])}"
            seen = problem["input"]
            lines.append(f"{place}: {message} (got {seen!r})" if not isinstance(seen, dict) else f"{place}: {message}")
    return "\n".join(lines)


def _description_at(cls: type[BaseModel], location: Sequence[Any]) -> str:
    owner = _model_at(cls, location[:-1])
    return (owner.model_fields[str(location[-1])].description or "") if owner else ""


def _model_at(cls: type[BaseModel], location: Sequence[Any]) -> type[BaseModel] | None:
    for part in location:
        field = cls.model_fields.get(str(part))
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return None
        cls = annotation
    return cls


def _without_not_identity(cls: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, field in cls.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("identity") is False:
            continue
        value = values[name]
        annotation = field.annotation
        if isinstance(value, dict) and isinstance(annotation, type) and issubclass(annotation, BaseModel):
            value = _without_not_identity(annotation, value)
        kept[name] = value
    return kept
