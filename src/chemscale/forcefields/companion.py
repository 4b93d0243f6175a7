"""`energies.json` of a run folder: what a trained force field needs beside its weights."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from chemscale.base.errors import DataError
from chemscale.base.files import read_json, write_json
from chemscale.forcefields.force_field import N_ELEMENTS, ForceField
from chemscale.forcefields.models.family_config import FamilyConfig

ENERGIES = "energies.json"


def save_companion(folder: Path, model: ForceField, config: FamilyConfig, *, fitted_after_training: bool) -> None:
    """Write scale and reference energies, and the model's configuration with what was taken from the data."""
    references = model.references.cpu()
    values = {
        "unit": "eV",
        "species": list(model.species),
        "scale": float(model.scale),
        "references": {str(number): float(references[number]) for number in model.species},
        "fitted_after_training": fitted_after_training,
        "model": config.model_dump(mode="json"),
    }
    write_json(folder / ENERGIES, values)


def load_companion(folder: Path) -> tuple[float, Tensor, dict[str, Any]]:
    """Scale, reference energies in eV [N_ELEMENTS], and the plain values of the model's configuration.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = folder / ENERGIES
    if not path.exists():
        raise DataError(f"{folder}: no {ENERGIES}: this run is not finished; `chemscale train` continues it")
    values = read_json(path)
    try:
        references = torch.zeros(N_ELEMENTS, dtype=torch.float64)
        for number, energy in values["references"].items():
            references[int(number)] = energy
        return float(values["scale"]), references, dict(values["model"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"{path}: damaged ({type(error).__name__}: {error})") from None
