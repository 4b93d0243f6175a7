"""One run: its configuration, its name, and how it is carried out."""

import contextlib
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import Field

from chemscale.base.config import Config, content_hash, nearest
from chemscale.base.errors import ConfigError, DataError
from chemscale.base.files import folder_lock
from chemscale.base.records import RunFolder, RunResult
from chemscale.studies.worlds import World, world_of
from chemscale.training.config import TrainingConfig
from chemscale.training.loop import OnProgress, train

SECONDS_TO_WAIT = 2.0  # `status` looks at the lock for a moment
RUN_KEYS = ("family", "seed", "model", "data", "loss", "training", "device", "threads")


class Placement(Config):
    """Where and with how many threads a run computes: never part of what it is."""

    device: str = Field("cpu", description="cpu, cuda or cuda:i", pattern=r"^(cpu|cuda(:\d+)?)$")
    threads: int = Field(1, description="processor threads of one run", ge=1)


@dataclass(frozen=True)
class RunConfig:
    """Everything that defines one run, resolved.

    Attributes:
        family: name of the model family.
        seed: the one seed from which initialisation and data order are drawn.
        model: the family's configuration.
        data: the world's data configuration.
        loss: the world's loss configuration; None where the world has but one loss.
        training: optimiser, schedule, budget.
        placement: device and threads; not part of the run's identity.
    """

    family: str
    seed: int
    model: Any
    data: Any
    loss: Any
    training: TrainingConfig
    placement: Placement

    @property
    def world(self) -> World:
        """The world of the family."""
        return world_of(self.family)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as `config.json` holds them."""
        return {
            "family": self.family,
            "seed": self.seed,
            "model": self.model.model_dump(mode="json"),
            "data": self.data.model_dump(mode="json"),
            **({} if self.loss is None else {"loss": self.loss.model_dump(mode="json")}),
            "training": self.training.model_dump(mode="json"),
            **self.placement.model_dump(mode="json"),
        }

    def hash(self) -> str:
        """Eight digits over everything that can change the result."""
        parts = [part.identity() for part in (self.model, self.data, self.loss, self.training) if part is not None]
        return content_hash([self.family, self.seed, *parts])

    def name(self) -> str:
        """`<family>-<size>-n<data size>-s<seed>-<hash8>`, for example `chemgpt-77.6k-n1000-s0-1f0a9c3e`."""
        size = _readable(self.model.n_parameters())
        return f"{self.family}-{size}-n{self.data.size}-s{self.seed}-{self.hash()}"


def parse_run(values: Mapping[str, Any]) -> RunConfig:
    """Build a run's configuration from plain values.

    Raises:
        ConfigError: an unknown key or family, or a value that is not allowed; the message names the place.
    """
    for key in values:
        if key not in RUN_KEYS:
            raise ConfigError(f"{key}: unknown key{nearest(key, RUN_KEYS)}")
    if "family" not in values:
        raise ConfigError("family: missing, it has no default")
    seed = values.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise ConfigError(f"seed: expected an integer of 0 or more (got {seed!r})")
    world = world_of(values["family"])
    return RunConfig(
        family=values["family"],
        seed=seed,
        model=world.families[values["family"]].parse(_table(values, "model"), "model"),
        data=world.data.parse(_table(values, "data"), "data"),
        loss=_loss(world, values),
        training=TrainingConfig.parse(_table(values, "training"), "training"),
        placement=Placement.parse({key: values[key] for key in ("device", "threads") if key in values}),
    )


def execute_run(
    config: RunConfig, folder: Path, on_progress: OnProgress | None = None, until_step: int | None = None
) -> RunResult | None:
    """Carry out one run in its folder; a finished one is returned as it is, an unfinished one is continued.

    Raises:
        BusyError: another process is training it at this moment.
        UserError: the configuration, the data or the folder does not allow it.
    """
    run_folder = RunFolder(folder)
    with folder_lock(folder, "training", wait_seconds=SECONDS_TO_WAIT):
        if run_folder.is_finished():
            return run_folder.result()
        try:
            _check_device(config.placement.device)
            torch.set_num_threads(config.placement.threads)
            run_folder.write_config(config.to_dict())
            task = config.world.make_task(config)
            return train(
                task,
                config.training,
                folder,
                device=config.placement.device,
                on_progress=on_progress,
                until_step=until_step,
            )
        except Exception as error:
            with contextlib.suppress(OSError):  # a full disk must not hide the error itself
                run_folder.write_failure(f"{type(error).__name__}: {error}", traceback.format_exc())
            raise


def check_same_data(folder: RunFolder, data_hash: str) -> None:
    """See that a finished run was trained on the data that its configuration names today.

    Raises:
        DataError: the source has changed since.
    """
    if folder.is_finished() and folder.result().data_hash != data_hash:
        raise DataError(
            f"{folder.path}: was trained on other data; the source has changed since. "
            "Use another --out, or bring the old file back: runs on different data do not belong into one law."
        )


def _check_device(device: str) -> None:
    wanted = torch.device(device)
    found = torch.cuda.device_count()
    if wanted.type == "cuda" and (wanted.index or 0) >= found:
        raise ConfigError(f"device: {device} is not here, torch sees {found} CUDA devices; use another one, or cpu")


def _loss(world: World, values: Mapping[str, Any]) -> Any:
    if world.loss is not None:
        return world.loss.parse(_table(values, "loss"), "loss")
    if "loss" in values:
        raise ConfigError(f"loss: unknown key; the family {values['family']!r} has one loss only")
    return None


def _table(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = values.get(key, {})
    if not isinstance(table, Mapping):
        raise ConfigError(f"{key}: expected a table (got {table!r})")
    return table


def _readable(count: int) -> str:
    for limit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= limit:
            return f"{count / limit:.3g}{letter}"
    return str(count)
