"""Study folders as tables: one row per run, and all curves below each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from chemscale.base.records import RunFolder

RESOURCES = (
    "n_parameters",
    "n_parameters_total",
    "capacity",
    "data_points",
    "tokens",
    "tokens_seen",
    "training_flops",
    "seconds",
    "cpu_seconds",
    "peak_memory_bytes",
    "steps",
)
LOSSES = ("validation_loss", "final_validation_loss", "train_loss")
ENVIRONMENT = ("precision", "attention")


def run_folders(study_folder: Path) -> list[RunFolder]:
    """The runs of a study that have begun, by name."""
    return [RunFolder(path.parent) for path in sorted((study_folder / "runs").glob("*/config.json"))]


def study_table(folders: list[RunFolder], varying: tuple[str, ...]) -> pd.DataFrame:
    """One row per finished or diverged run.

    Columns: `run`, `family`, `status`, `seed`, one per varying key with its dotted name, losses, resources, precision
    and attention operator.
    """
    rows = [_row(folder, varying) for folder in folders if folder.is_finished()]
    columns = ["run", "family", "status", "seed", *varying, *LOSSES, *RESOURCES, *ENVIRONMENT]
    return pd.DataFrame(rows, columns=list(dict.fromkeys(columns)))


def curves_table(folders: list[RunFolder], varying: tuple[str, ...]) -> pd.DataFrame:
    """One row per evaluation of every run: the curve's columns, `run`, `seed` and the varying keys."""
    rows = []
    for folder in folders:
        settings = _settings(folder.config(), varying)
        rows += [{"run": folder.name, **settings, **vars(point)} for point in folder.curve()]
    return pd.DataFrame(rows)


def _row(folder: RunFolder, varying: tuple[str, ...]) -> dict[str, Any]:
    config, result = folder.config(), folder.result()
    row: dict[str, Any] = {"run": folder.name, "family": config["family"], "status": result.status}
    row |= _settings(config, varying)
    row |= {key: result.losses.get(key) for key in LOSSES}
    row |= {key: result.resources.get(key) for key in RESOURCES}
    row |= {key: result.environment.get(key) for key in ENVIRONMENT}
    return row


def _settings(config: Mapping[str, Any], varying: tuple[str, ...]) -> dict[str, Any]:
    return {"seed": config["seed"]} | {key: look_up(config, key) for key in varying}


def look_up(config: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key of nested values."""
    value: Any = config
    for part in key.split("."):
        value = value[part]
    return value
