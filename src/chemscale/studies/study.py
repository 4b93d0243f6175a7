"""A study: one base run and a grid of what varies."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from chemscale.base.config import Config
from chemscale.base.errors import ConfigError
from chemscale.studies.run import RunConfig, parse_run
from chemscale.studies.tuning.config import check_tune
from chemscale.studies.tuning.search import settings_to_try

STUDY_KEYS = ("study", "grid", "tune")


class StudyHeader(Config):
    """What a study is called and what it asks."""

    title: str = Field("Scaling study", description="heading of the report")
    notes: str = Field("", description="a few sentences for the report")
    level: float = Field(0.95, description="level of the intervals", gt=0, lt=1)


@dataclass(frozen=True)
class Study:
    """A study file, resolved.

    Attributes:
        header: title and notes.
        runs: every run of the grid, in the order of the grid.
        varying: dotted keys of what varies, in the order of the file.
        values: the plain values it was read from, overrides applied.
    """

    header: StudyHeader
    runs: tuple[RunConfig, ...]
    varying: tuple[str, ...]
    values: Mapping[str, Any]


def parse_study(values: Mapping[str, Any]) -> Study:
    """Expand a study file's plain values into its runs.

    Raises:
        ConfigError: a wrong key or value anywhere, a grid with an empty list, or two equal runs.
    """
    header = StudyHeader.parse(values.get("study", {}), "study")
    base = {key: value for key, value in values.items() if key not in STUDY_KEYS}
    tune = check_tune(values["tune"]) if "tune" in values else None
    tried = settings_to_try(values.get("grid", {}), tune)
    runs = tuple(parse_run(_with(base, settings)) for settings in tried.settings)
    names = [run.name() for run in runs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"grid: two runs are the same ({name}); a list in [grid] holds a value twice")
    return Study(header, runs, tried.varying, values)


def is_study(values: Mapping[str, Any]) -> bool:
    """Whether plain values are a study (with a grid) rather than one run."""
    return "grid" in values or "study" in values


def _with(base: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = copy.deepcopy(dict(base))
    for key, value in settings.items():
        *tables, last = key.split(".")
        table = values
        for depth, part in enumerate(tables):
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise ConfigError(f"{'.'.join(tables[: depth + 1])}: expected a table, because the grid has {key}")
        if last in table:
            raise ConfigError(f"{key}: is set and is in the grid too; to change the grid, --set grid.{key}=[...]")
        table[last] = value
    return values
