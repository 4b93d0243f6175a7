"""NeuralForceField data sets: a pickled object with `props`, read without running what is in it.

props: nxyz (one [n_atoms, 4] per frame: atomic number and position in angstrom), energy, energy_grad (minus the
force), num_atoms; optional charge, smiles. They are lists of tensors, or tensors end to end. `units`: of the energies.

A pickle can run any code when it is loaded. torch's restricted loader knows tensors and plain containers only; the one
class of these files is replaced by an empty one that can hold values and do nothing. Everything else is refused.
"""

import pickle
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame, fewest_unpaired
from chemscale.forcefields.readers.frame_source import FrameFault, FrameSource
from chemscale.forcefields.units import LabelUnits, UnitSettings, energy_unit_in, label_units

_SUFFIXES = (".pth.tar", ".pth", ".pt", ".pkl")
_HOMES = ("nff.data.dataset", "nff.data")
_ATOMIC = "atomic"


class _HeldValues:
    """Stands in for the class of a pickled data set; it has values and no behaviour."""


def is_nff_pickle(path: Path) -> bool:
    """Whether a file is called like a pickled data set."""
    return path.name.lower().endswith(_SUFFIXES)


def open_nff_pickle(path: Path, settings: UnitSettings) -> FrameSource:
    """Open a pickled data set of NeuralForceField.

    Raises:
        DataError: it holds anything but numbers and texts, has no `nxyz`, or its unit is not known.
    """
    props, unit = _load(path)
    n_atoms = _per_frame_counts(path, props)
    units = settings.alone(str(path)) if unit is None else settings.over(_nff_units(path, unit))
    if settings.sign is None:
        units = LabelUnits(units.energy, units.length, units.force_energy, units.force_length, "gradients")
    who = "settings" if settings.is_given else "file"
    return FrameSource(units, who, _frames(props, n_atoms, units), len(n_atoms))


def _frames(props: Mapping[str, Any], n_atoms: list[int], units: LabelUnits) -> Iterator[Frame | FrameFault]:
    geometries = _split(props["nxyz"], n_atoms, 4)
    gradients = _split(props["energy_grad"], n_atoms, 3) if "energy_grad" in props else None
    for row, geometry in enumerate(geometries):
        numbers = geometry[:, 0].round().astype(int)
        charge = round(_scalar(props, "charge", row, 0.0))
        yield Frame(
            atomic_numbers=numbers,
            positions=geometry[:, 1:] * units.length_factor,
            energy=_scalar(props, "energy", row, float("nan")) * units.energy_factor,
            forces=None if gradients is None else gradients[row] * units.force_factor,
            charge=charge,
            unpaired=fewest_unpaired(numbers, charge),
            molecule=str(props["smiles"][row]) if "smiles" in props else "",
        )


def _load(path: Path) -> tuple[Mapping[str, Any], str | None]:
    stands_in: list[Any] = [type("Dataset", (_HeldValues,), {"__module__": home}) for home in _HOMES]
    try:
        with torch.serialization.safe_globals(stands_in):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, zipfile.BadZipFile) as error:
        first = str(error).strip().partition("\n")[0][:160]
        raise DataError(
            f"{path}: cannot be read without running code that is in it, and is refused ({first}). Where it was made, "
            "write its content as a dict of tensors: torch.save({'props': {key: dataset.props[key] for key in ('nxyz', "
            "'energy', 'energy_grad', 'num_atoms')}, 'units': dataset.units}, 'frames.pth')"
        ) from None
    values = content if isinstance(content, dict) else vars(content) if isinstance(content, _HeldValues) else {}
    props = values.get("props", values)
    if not isinstance(props, dict) or "nxyz" not in props:
        raise DataError(f"{path}: has no `nxyz`; a NeuralForceField data set or a dict of its props is expected")
    unit = values.get("units")
    return props, None if unit is None else str(unit)


def _nff_units(path: Path, unit: str) -> LabelUnits:
    if unit.lower() == _ATOMIC:
        return label_units("hartree", "bohr")
    energy = energy_unit_in(unit)
    if energy is None:
        raise DataError(f"{path}: its unit {unit!r} is not known here; set data.energy_unit")
    return label_units(energy, "angstrom")


def _per_frame_counts(path: Path, props: Mapping[str, Any]) -> list[int]:
    nxyz = props["nxyz"]
    if isinstance(nxyz, Tensor) and nxyz.ndim == 2:
        if "num_atoms" not in props:
            raise DataError(f"{path}: has its frames end to end, but no `num_atoms` to cut them by")
        return [int(count) for count in props["num_atoms"]]
    return [len(geometry) for geometry in nxyz]


def _split(values: Any, n_atoms: list[int], width: int) -> list[Any]:
    """Rows of every frame, each [n_atoms, width] as a NumPy array."""
    if isinstance(values, Tensor) and values.ndim == 2:
        return [part.double().numpy() for part in values.split(n_atoms)]
    return [torch.as_tensor(part).double().reshape(-1, width).numpy() for part in values]


def _scalar(props: Mapping[str, Any], name: str, row: int, default: float) -> float:
    values = props.get(name)
    if values is None or values[row] is None:
        return default
    return float(torch.as_tensor(values[row]).reshape(-1)[0])
