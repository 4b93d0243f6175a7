"""Every family of the language world, by the name that a configuration's `family` key uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from chemscale.base.config import Config
from chemscale.language.models.chemgpt import ChemGPTConfig, build_chemgpt


@dataclass(frozen=True)
class Family:
    """A family of models: its configuration and how one is built, `build(config, seed) -> model`."""

    config: type[Config]
    build: Callable[[Any, int], nn.Module]


FAMILIES: Mapping[str, Family] = {
    "chemgpt": Family(ChemGPTConfig, build_chemgpt),
}


def build_model(config: Config, seed: int) -> nn.Module:
    """A freshly initialised model of the family that `config` belongs to."""
    family = next(family for family in FAMILIES.values() if family.config is type(config))
    return family.build(config, seed)
