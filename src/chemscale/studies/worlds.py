"""Which world a family belongs to, and what a study needs of that world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chemscale.base.config import Config, nearest
from chemscale.base.errors import ConfigError
from chemscale.forcefields.cost import force_field_workload
from chemscale.forcefields.families import FAMILIES as FORCE_FIELD_FAMILIES
from chemscale.forcefields.rehearsal import RehearsedForceField
from chemscale.forcefields.task import METRICS, ForceFieldData, ForceFieldLoss, ForceFieldTask, check_frames
from chemscale.language.cost import language_workload
from chemscale.language.families import FAMILIES as LANGUAGE_FAMILIES
from chemscale.language.rehearsal import RehearsalTask
from chemscale.language.task import LanguageData, LanguageTask, check_source
from chemscale.training.arithmetic import Arithmetic
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
        loss: the configuration of the loss, where there is a choice.
        arithmetic: what its models allow.
        loss_unit, data_unit: what a loss is measured in, and what data sizes count, for axes.
        model_size: the study table's column of model sizes, for axes.
        metrics: further losses that its runs record, each a column of the study table, and their units.
    """

    name: str
    families: Mapping[str, type[Config]]
    data: type[Config]
    make_task: Callable[[Any], Any]
    prepare: Callable[[Any], str]
    workload: Callable[[Any, str], Workload]
    rehearsal: Callable[[Any, int], Task]
    loss: type[Config] | None
    arithmetic: Arithmetic
    loss_unit: str
    data_unit: str
    model_size: str
    metrics: Mapping[str, str]


def _language_task(run: Any) -> LanguageTask:
    return LanguageTask(run.model, run.data, run.training.batch_size, run.seed)


def _force_field_task(run: Any) -> ForceFieldTask:
    return ForceFieldTask(run.model, run.data, run.loss, run.training.batch_size, run.seed)


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
        loss=None,
        arithmetic=LanguageTask.arithmetic,
        loss_unit="nats per token",
        data_unit="molecules",
        model_size="n_parameters",
        metrics={},
    ),
    World(
        name="forcefields",
        families={name: family.config for name, family in FORCE_FIELD_FAMILIES.items()},
        data=ForceFieldData,
        make_task=_force_field_task,
        prepare=check_frames,
        workload=force_field_workload,
        rehearsal=RehearsedForceField,
        loss=ForceFieldLoss,
        arithmetic=ForceFieldTask.arithmetic,
        loss_unit="eV/Å",
        data_unit="frames",
        model_size="capacity",
        metrics=METRICS,
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
