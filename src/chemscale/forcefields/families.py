"""Every family of the force field world, by the name that a configuration's `family` key uses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from chemscale.base.config import nearest
from chemscale.base.errors import ConfigError
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.models.allegro import Allegro, AllegroConfig
from chemscale.forcefields.models.family_config import FamilyConfig
from chemscale.forcefields.models.painn import PaiNN, PaiNNConfig
from chemscale.forcefields.models.schnet import SchNet, SchNetConfig
from chemscale.forcefields.models.spookynet import SpookyNet, SpookyNetConfig


@dataclass(frozen=True)
class Family:
    """A family: its configuration, and how its network is built, `build(config, species) -> network`.

    The network draws its initial weights from torch's global generator; `build_force_field` seeds it.
    """

    config: type[FamilyConfig]
    build: Callable[[Any, Sequence[int]], nn.Module]


FAMILIES: Mapping[str, Family] = {
    "schnet": Family(SchNetConfig, SchNet),
    "painn": Family(PaiNNConfig, PaiNN),
    "allegro": Family(AllegroConfig, Allegro),
    "spookynet": Family(SpookyNetConfig, SpookyNet),
}


def build_force_field(config: FamilyConfig, species: Sequence[int], seed: int) -> ForceField:
    """A freshly initialised force field of the family that `config` belongs to; one seed, one set of weights."""
    family = next(family for family in FAMILIES.values() if family.config is type(config))
    generator_state = torch.random.get_rng_state()
    try:
        torch.manual_seed(seed)
        return ForceField(family.build(config, tuple(species)), species, config.cutoff)
    finally:
        torch.random.set_rng_state(generator_state)


def build_model(family: str, *, species: Sequence[int], seed: int = 0, **settings: Any) -> ForceField:
    """A freshly initialised force field.

    Args:
        family: schnet, painn, allegro or spookynet.
        species: atomic numbers it is for.
        seed: of the initial weights.
        **settings: `width`, `depth`, `cutoff` and the family's own keys, see `chemscale keys FAMILY`.

    Raises:
        ConfigError: there is no such family or key, or a value that is not allowed.
    """
    if family not in FAMILIES:
        raise ConfigError(f"family: no force field is called {family!r}{nearest(family, list(FAMILIES))}")
    return build_force_field(FAMILIES[family].config.parse(settings), species, seed)
