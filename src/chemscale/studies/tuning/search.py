"""A [grid] of lists and ranges -> the settings of every configuration that is tried."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from chemscale.base.config import Config
from chemscale.base.errors import ConfigError
from chemscale.base.seeds import stream
from chemscale.studies.tuning.config import TuneConfig

SEED = "seed"
RANGE_KEYS = ("low", "high", "log")
TRIES_PER_CONFIGURATION = 200


class Range(Config):
    """Numbers between two ends, to draw from: `{low = 1e-4, high = 1e-2, log = true}`."""

    low: int | float = Field(description="smallest value")
    high: int | float = Field(description="largest value; whole numbers are drawn where both ends are whole")
    log: bool = Field(False, description="evenly on a logarithmic scale")

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"log = true needs a low above 0, got {self.low:g}")
        return self

    def draw(self, generator: np.random.Generator) -> int | float:
        """One number, four significant digits where it is not whole."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            if not self.log:
                return int(generator.integers(self.low, self.high + 1))
            value = math.exp(generator.uniform(math.log(self.low), math.log(self.high)))
            return min(self.high, max(self.low, round(value)))
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = generator.uniform(low, high)
        value = float(f"{math.exp(value) if self.log else value:.4g}")
        return min(float(self.high), max(float(self.low), value))


Choices = list[Any] | Range


@dataclass(frozen=True)
class Tried:
    """What is tried.

    Attributes:
        settings: dotted key -> value, of every run, in order.
        varying: the keys that have more than one value.
    """

    settings: tuple[dict[str, Any], ...]
    varying: tuple[str, ...]


def settings_to_try(grid: Any, tune: TuneConfig | None) -> Tried:
    """Every combination of the grid, or as many drawn ones as random search asks for.

    A random configuration is trained with every seed of the grid: seeds are repeated, not drawn. The first n draws are
    the same however many are asked for, so a search can be made longer.

    Args:
        grid: the [grid] table: lists of values, and for random search ranges.
        tune: the [tune] table where there is one.

    Raises:
        ConfigError: an empty list, a wrong range, a range without random search, or more draws than there are choices.
    """
    choices = dict(_leaves(grid, ""))
    varying = tuple(key for key, values in choices.items() if isinstance(values, Range) or len(values) > 1)
    if tune is not None and tune.search == "random":
        return Tried(tuple(_drawn(choices, tune)), varying)
    lists: dict[str, list[Any]] = {}
    for key, values in choices.items():
        if isinstance(values, Range):
            raise ConfigError(
                f"grid.{key}: is a range, which only a random search can draw from; set tune.search = 'random' and "
                "tune.n_configurations, or give a list"
            )
        lists[key] = values
    combinations = itertools.product(*lists.values())
    return Tried(tuple(dict(zip(lists, values, strict=True)) for values in combinations), varying)


def _leaves(table: Any, prefix: str) -> Iterator[tuple[str, Choices]]:
    if not isinstance(table, Mapping):
        raise ConfigError(f"grid{prefix and '.' + prefix}: expected a list of values, got {table!r}")
    if prefix and any(key in table for key in RANGE_KEYS):
        yield prefix, Range.parse(table, f"grid.{prefix}")
        return
    for key, value in table.items():
        place = f"{prefix}.{key}" if prefix else key
        if isinstance(value, list):
            if not value:
                raise ConfigError(f"grid.{place}: the list is empty; give at least one value")
            yield place, value
        else:
            yield from _leaves(value, place)


def _drawn(choices: Mapping[str, Choices], tune: TuneConfig) -> list[dict[str, Any]]:
    wanted = tune.n_configurations or 0
    seeds = choices.get(SEED)
    if isinstance(seeds, Range):
        raise ConfigError("grid.seed: is a range; give a list, every configuration is trained with each of its seeds")
    drawn_from = {key: values for key, values in choices.items() if key != SEED}
    _check_enough(drawn_from, wanted)
    generator = stream(tune.search_seed, "random search")
    found: list[dict[str, Any]] = []
    for _ in range(TRIES_PER_CONFIGURATION * wanted):
        if len(found) == wanted:
            break
        settings = {key: _draw(values, generator) for key, values in drawn_from.items()}
        if settings not in found:
            found.append(settings)
    if len(found) < wanted:
        raise ConfigError(
            f"tune.n_configurations: {wanted} were asked for, only {len(found)} different ones were found"
        )
    return [settings | extra for settings in found for extra in _each_seed(seeds)]


def _draw(values: Choices, generator: np.random.Generator) -> Any:
    return values.draw(generator) if isinstance(values, Range) else values[int(generator.integers(len(values)))]


def _each_seed(seeds: Sequence[Any] | None) -> list[dict[str, Any]]:
    return [{}] if seeds is None else [{SEED: seed} for seed in seeds]


def _check_enough(drawn_from: Mapping[str, Choices], wanted: int) -> None:
    if any(isinstance(values, Range) for values in drawn_from.values()):
        return
    possible = math.prod(len(values) for values in drawn_from.values() if not isinstance(values, Range))
    if wanted > possible:
        raise ConfigError(
            f"tune.n_configurations: {wanted} were asked for, but the lists of [grid] make only {possible} "
            "(seeds not counted); ask for fewer, give longer lists, or use tune.search = 'grid'"
        )
