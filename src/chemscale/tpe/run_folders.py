"""Curves of this program's own run folders: `steps.npy` with the places of `curve.jsonl`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chemscale.base.errors import DataError
from chemscale.base.records import RunFolder
from chemscale.tpe.curve import Curve, curve_of_steps

FORKS = "cooldown"  # where a tune keeps runs that began as another one


def run_folders(folder: Path) -> list[Path]:
    """Run folders with step losses in `folder` (itself, or anywhere below it), sorted; forks of a tune are no runs."""
    found = (path.parent for path in folder.rglob("steps.npy"))
    return sorted(run for run in found if FORKS not in run.relative_to(folder).parts)


def curve_of_run(folder: Path) -> Curve:
    """The curve of one run folder.

    Raises:
        DataError: it has no evaluation yet, which says how many steps an epoch has.
    """
    run = RunFolder(folder)
    losses = run.step_losses().astype(float)
    points = run.curve()
    placed = [point for point in points if point.step > 0 and point.epoch > 0]
    if not placed or not len(losses):
        raise DataError(f"{folder}: no evaluation yet. Let the run reach its first one, or leave the folder out.")
    steps_per_epoch = max(1, round(placed[-1].step / placed[-1].epoch))
    evaluated = [point for point in points if not np.isnan(point.validation_loss)]
    return curve_of_steps(
        run.name,
        losses,
        steps_per_epoch=steps_per_epoch,
        validation_epochs=[point.epoch for point in evaluated],
        validation_losses=[point.validation_loss for point in evaluated],
        settings=_flat(run.config()) if (folder / "config.json").exists() else {},
    )


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Nested settings as texts under dotted names."""
    flat: dict[str, str] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": str(value)}
    return flat
