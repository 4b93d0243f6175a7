"""Every key a run's configuration may have, for people who write one."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from chemscale.base.config import Config
from chemscale.studies.run import Placement
from chemscale.studies.study import StudyHeader
from chemscale.studies.tuning.config import TuneConfig
from chemscale.studies.worlds import world_of
from chemscale.training.config import TrainingConfig


@dataclass(frozen=True)
class Key:
    """One key: its dotted name, its default (empty where it has none) and what it means."""

    name: str
    default: str
    meaning: str


def configuration_keys(family: str) -> list[Key]:
    """All keys of a run or a study of `family`, in the order of a file.

    Raises:
        ConfigError: there is no such family.
    """
    world = world_of(family)
    keys = [
        Key("family", "", "name of the model family"),
        Key("seed", "0", "initialisation and data order are drawn from it"),
    ]
    keys += _keys_of(Placement, "")
    keys += _keys_of(world.families[family], "model.")
    keys += _keys_of(world.data, "data.")
    keys += _keys_of(world.loss, "loss.") if world.loss else ()
    keys += _keys_of(TrainingConfig, "training.")
    keys += _keys_of(StudyHeader, "study.")
    keys += _keys_of(TuneConfig, "tune.")
    return keys


def _keys_of(config: type[Config], prefix: str) -> Iterator[Key]:
    for name, field in config.model_fields.items():
        default = "" if field.is_required() else json.dumps(field.default)
        yield Key(f"{prefix}{name}", default.replace("null", "none"), field.description or "")
