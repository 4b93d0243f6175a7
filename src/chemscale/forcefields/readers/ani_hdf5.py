"""ANI data sets in HDF5: a group per formula (ANI-1x), per molecule (ANI-1) or per number of atoms (ANI-2x).

ANI-1x   atomic_numbers [n_atoms], coordinates [n_frames, n_atoms, 3], wb97x_dz.energy, wb97x_dz.forces; other levels
         of theory are not read (Smith et al. 2020, 10.1038/s41597-020-0473-z)
ANI-2x   species [n_frames, n_atoms], coordinates, energies, forces (Devereux et al. 2020, 10.1021/acs.jctc.0c00121)
ANI-1    species [n_atoms] as symbols, coordinates, energies, smiles (Smith et al. 2017, 10.1038/sdata.2017.193)

Energies are in hartree, forces in hartree/angstrom. A missing label is NaN in the file and stays so.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from ase.data import atomic_numbers

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame, fewest_unpaired
from chemscale.forcefields.readers.frame_source import FrameSource
from chemscale.forcefields.readers.hdf5_groups import (
    datasets_of,
    groups_with,
    has_group_with,
    readable_hdf5,
    rows_of,
    text_of,
)
from chemscale.forcefields.units import LabelUnits, UnitSettings, label_units

_NUMBERS = ("atomic_numbers", "species")
_ENERGIES = ("wb97x_dz.energy", "energies", "energy")
_FORCES = ("wb97x_dz.forces", "forces")


def is_ani_hdf5(path: Path) -> bool:
    """Whether an HDF5 file has groups of this layout."""
    return has_group_with(path, "coordinates")


def open_ani_hdf5(path: Path, settings: UnitSettings) -> FrameSource:
    """Open an ANI file.

    Raises:
        DataError: it is damaged, or a group lacks its atomic numbers.
    """
    units = settings.over(label_units("hartree", "angstrom"))
    with readable_hdf5(path), h5py.File(path) as file:
        n_frames = sum(datasets_of(group)["coordinates"].shape[0] for group in groups_with(file, "coordinates"))
    return FrameSource(units, "settings" if settings.is_given else "format", _frames(path, units), n_frames)


def _frames(path: Path, units: LabelUnits) -> Iterator[Frame]:
    with readable_hdf5(path), h5py.File(path) as file:
        for group in groups_with(file, "coordinates"):
            yield from _frames_of_group(path, group, units)


def _frames_of_group(path: Path, group: h5py.Group, units: LabelUnits) -> Iterator[Frame]:
    found = datasets_of(group)
    positions = np.asarray(found["coordinates"][()], dtype=np.float64)
    n_frames, n_atoms = positions.shape[:2]
    numbers = _numbers(path, group.name, found, n_frames, n_atoms)
    energies = rows_of(_first(found, _ENERGIES), n_frames, 1)
    forces = rows_of(_first(found, _FORCES), n_frames, n_atoms * 3)
    molecule = _molecule(found)
    for row in range(n_frames):
        yield Frame(
            atomic_numbers=numbers[row],
            positions=positions[row] * units.length_factor,
            energy=float("nan") if energies is None else float(energies[row]) * units.energy_factor,
            forces=None if forces is None else forces[row].reshape(n_atoms, 3) * units.force_factor,
            unpaired=fewest_unpaired(numbers[row], charge=0),
            molecule=molecule,
        )


def _numbers(
    path: Path, name: str, found: Mapping[str, h5py.Dataset], n_frames: int, n_atoms: int
) -> npt.NDArray[np.int64]:
    """Atomic numbers of every frame [n_frames, n_atoms], from numbers or symbols, one row or one for each frame."""
    dataset = _first(found, _NUMBERS)
    if dataset is None or dataset.size not in (n_atoms, n_frames * n_atoms):
        raise DataError(f"{path}: group {name} has no atomic_numbers or species that fit its coordinates")
    values: npt.NDArray[Any] = np.asarray(dataset[()])
    if values.dtype.kind in "SUO":
        symbols = [symbol.decode() if isinstance(symbol, bytes) else str(symbol) for symbol in values.reshape(-1)]
        values = np.array([atomic_numbers.get(symbol, 0) for symbol in symbols])
    return np.broadcast_to(values.reshape(-1, n_atoms), (n_frames, n_atoms)).astype(np.int64)


def _molecule(found: Mapping[str, h5py.Dataset]) -> str:
    if "smiles" not in found:
        return ""
    # ANI-1 stores a SMILES letter by letter
    letters = np.asarray(found["smiles"][()]).reshape(-1)
    if len(letters) > 1 and all(len(letter) == 1 for letter in letters):
        return "".join(letter.decode() if isinstance(letter, bytes) else str(letter) for letter in letters)
    return text_of(found["smiles"])


def _first(found: Mapping[str, h5py.Dataset], names: tuple[str, ...]) -> h5py.Dataset | None:
    return next((found[name] for name in names if name in found), None)
