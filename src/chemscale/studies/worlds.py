"""Which world a family belongs to, and what a study needs of that world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chemscale.base.config import Config, nearest
from chemscale.base.errors import ConfigError
from chemscale.language.cost import language_workload
from chemscale.language.families import FAMILIES as LANGUAGE_FAMILIES
from chemscale.language.rehearsal import RehearsalTask
from chemscale.language.task import LanguageData, LanguageTask, check_source
from chemscale.training.task import Task
from chemscale.training.workload import Workload


@dataclass(frozen=True)
class World:
    """One world as a study sees it.

    Attributes:
        name: the room.
        families: each family's configuration class.
        data: the data configuration class.
        make_task: a run's configuration -> what the training loop needs.
        prepare: makes a run's data ready and checks it, once, before any worker asks for it; gives its hash.
        workload: a run's configuration and a precision -> what the run asks of a device, without its data.
        rehearsal: a run's configuration and a number of examples -> its training step on random data.
        loss_unit: what a loss is measured in, for axes.
    """

    name: str
    families: Mapping[str, type[Config]]
    data: type[Config]
    make_task: Callable[[Any], Any]
    prepare: Callable[[Any], str]
    workload: Callable[[Any, str], Workload]
    rehearsal: Callable[[Any, int], Task]
    loss_unit: str


def _language_task(run: Any) -> LanguageTask:
    return LanguageTask(run.model, run.data, run.training.batch_size, run.seed)


_LANGUAGE = {name: family.config for name, family in LANGUAGE_FAMILIES.items()}
WORLDS = (
    World(
        name="language",
        families=_LANGUAGE,
        data=LanguageData,
        make_task=_language_task,
        prepare=check_source,
        workload=language_workload,
        rehearsal=RehearsalTask,
        loss_unit="nats per token",
    ),
)


def world_of(family: Any) -> World:
    """The world a family belongs to.

    Raises:
        ConfigError: there is no such family.
    """
    for world in WORLDS:
        if family in world.families:
            return world
    known = [name for world in WORLDS for name in world.families]
    raise ConfigError(f"family: no family is called {family!r}{nearest(str(family), known)}")
