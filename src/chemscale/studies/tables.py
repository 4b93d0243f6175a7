"""Study folders as tables: one row per run, and all curves below each other."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from chemscale.base.records import RunFolder
from chemscale.studies.run import RunConfig

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
# What tells that a run was too short, or saw its data too often: see `scaling.regimes`.
TRAINING = ("warmup_steps", "epochs", "last_fall")
ENVIRONMENT = ("precision", "attention", "kernels")


def run_folder(study_folder: Path, run: RunConfig) -> RunFolder:
    """Where a run of a study lives."""
    return RunFolder(study_folder / "runs" / run.name())


def study_table(folder: Path, runs: Sequence[RunConfig], varying: Sequence[str]) -> pd.DataFrame:
    """One row per finished or diverged run.

    Columns: `run`, `family`, `status`, `seed`, one per varying key with its dotted name, losses, resources, what
    tells of its training, precision, operators and the hash of the data.
    """
    rows = [_row(folder, run, varying) for run in runs if run_folder(folder, run).is_finished()]
    metrics = [name for run in runs for name in run.world.metrics]
    columns = [
        "run",
        "family",
        "status",
        "seed",
        *varying,
        *LOSSES,
        *metrics,
        *RESOURCES,
        *TRAINING,
        *ENVIRONMENT,
        "data_hash",
    ]
    return pd.DataFrame(rows, columns=list(dict.fromkeys(columns)))


def curves_table(folder: Path, runs: Sequence[RunConfig], varying: Sequence[str]) -> pd.DataFrame:
    """One row per evaluation of every run that has begun: the curve's columns, `run`, `seed` and the varying keys."""
    rows = []
    for run in runs:
        settings = _settings(run, varying)
        rows += [{"run": run.name(), **settings, **vars(point)} for point in run_folder(folder, run).curve()]
    return pd.DataFrame(rows)


def _row(folder: Path, run: RunConfig, varying: Sequence[str]) -> dict[str, Any]:
    result = run_folder(folder, run).result()
    row: dict[str, Any] = {"run": run.name(), "family": run.family, "status": result.status}
    row |= _settings(run, varying)
    row |= {key: result.losses.get(key) for key in (*LOSSES, *run.world.metrics)}
    row |= {key: result.resources.get(key) for key in RESOURCES}
    row |= {key: result.environment.get(key) for key in ENVIRONMENT}
    row |= _training(folder, run)
    return row | {"data_hash": result.data_hash}


def _training(folder: Path, run: RunConfig) -> dict[str, Any]:
    """Warm-up, epochs, and the relative fall of the validation loss over the last tenth of the steps."""
    points = run_folder(folder, run).curve()
    if not points:
        return dict.fromkeys(TRAINING)
    last = points[-1]
    earlier = [point for point in points if point.step <= 0.9 * last.step]
    fall = 1 - last.validation_loss / earlier[-1].validation_loss if earlier else None
    return {"warmup_steps": run.training.warmup_steps, "epochs": last.epoch, "last_fall": fall}


def _settings(run: RunConfig, varying: Sequence[str]) -> dict[str, Any]:
    values = run.to_dict()
    return {"seed": run.seed} | {key: look_up(values, key) for key in varying}


def look_up(config: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key of nested values."""
    value: Any = config
    for part in key.split("."):
        value = value[part]
    return value
