"""`energies.json` of a run folder: what a trained force field needs beside its weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from chemscale.base.errors import DataError
from chemscale.base.files import read_json, write_json
from chemscale.forcefields.force_field import N_ELEMENTS, ForceField
from chemscale.forcefields.models.family_config import FamilyConfig

ENERGIES = "energies.json"


class Companion(NamedTuple):
    """The content of `energies.json`.

    Attributes:
        scale: in eV.
        references: in eV [N_ELEMENTS].
        trained_on: atomic numbers of the training subset.
        model: plain values of the model's configuration, species included.
    """

    scale: float
    references: Tensor
    trained_on: tuple[int, ...]
    model: dict[str, Any]


def save_companion(
    folder: Path, model: ForceField, config: FamilyConfig, elements: Sequence[int], *, fitted_after_training: bool
) -> None:
    """Write scale and reference energies, the elements trained on, and the configuration as the data completed it."""
    references = model.references.cpu()
    values = {
        "unit": "eV",
        "species": list(model.species),
        "trained_on": list(elements),
        "scale": float(model.scale),
        "references": {str(number): float(references[number]) for number in model.species},
        "fitted_after_training": fitted_after_training,
        "model": config.model_dump(mode="json"),
    }
    write_json(folder / ENERGIES, values)


def load_companion(folder: Path) -> Companion:
    """What `save_companion` wrote.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = folder / ENERGIES
    if not path.exists():
        raise DataError(f"{path}: no such file; this is no run of a force field, or it has not begun to train")
    values = read_json(path)
    try:
        references = torch.zeros(N_ELEMENTS, dtype=torch.float64)
        for number, energy in values["references"].items():
            references[int(number)] = energy
        return Companion(
            float(values["scale"]),
            references,
            tuple(values.get("trained_on", values["species"])),
            dict(values["model"]),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"{path}: not the energies of a run ({type(error).__name__}: {error})") from None
