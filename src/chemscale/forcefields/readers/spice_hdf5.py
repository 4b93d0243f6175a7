"""SPICE in HDF5: a group per molecule with its conformations.

atomic_numbers [n_atoms], conformations [n_frames, n_atoms, 3] in bohr, dft_total_energy [n_frames] in hartree,
dft_total_gradient [n_frames, n_atoms, 3] in hartree/bohr (minus the force), smiles, subset. Units are taken from the
datasets' `units` attributes where they have them. The charge is that of the SMILES; all states are singlets.
Eastman et al. 2023, 10.1038/s41597-022-01882-6.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

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
from chemscale.forcefields.units import LabelUnits, UnitSettings, energy_unit_in, label_units, length_unit_in

_CHARGE = re.compile(r"([+-]+)(\d*)(?::\d+)?\]")
_FROM_FORMAT = label_units("hartree", "bohr", "gradients")


def is_spice_hdf5(path: Path) -> bool:
    """Whether an HDF5 file has groups of this layout."""
    return has_group_with(path, "conformations")


def open_spice_hdf5(path: Path, settings: UnitSettings) -> FrameSource:
    """Open a SPICE file.

    Raises:
        DataError: it is damaged, a molecule lacks its atomic numbers, or molecules are in different units.
    """
    with readable_hdf5(path), h5py.File(path) as file:
        groups = list(groups_with(file, "conformations"))
        n_frames = sum(datasets_of(group)["conformations"].shape[0] for group in groups)
        stated = _stated_units(groups[0])
        units = settings.over(stated)
        if not settings.is_given:
            _check_same_units(path, groups, stated)
    who = "settings" if settings.is_given else ("format" if stated == _FROM_FORMAT else "file")
    return FrameSource(units, who, _frames(path, units), n_frames)


def formal_charge(smiles: str) -> int:
    """The sum of the formal charges that stand in a SMILES."""
    return sum(
        (1 if signs[0] == "+" else -1) * (int(number) if number else len(signs))
        for signs, number in _CHARGE.findall(smiles)
    )


def _frames(path: Path, units: LabelUnits) -> Iterator[Frame]:
    with readable_hdf5(path), h5py.File(path) as file:
        for group in groups_with(file, "conformations"):
            found = datasets_of(group)
            if "atomic_numbers" not in found:
                raise DataError(f"{path}: molecule {group.name} has no atomic_numbers")
            numbers = np.asarray(found["atomic_numbers"][()], dtype=np.int64)
            positions = np.asarray(found["conformations"][()], dtype=np.float64)
            n_frames, n_atoms = len(positions), len(numbers)
            energies = rows_of(found.get("dft_total_energy"), n_frames, 1)
            gradients = rows_of(found.get("dft_total_gradient"), n_frames, n_atoms * 3)
            smiles = text_of(found["smiles"]) if "smiles" in found else ""
            charge = formal_charge(smiles)
            for row in range(n_frames):
                yield Frame(
                    atomic_numbers=numbers,
                    positions=positions[row] * units.length_factor,
                    energy=float("nan") if energies is None else float(energies[row]) * units.energy_factor,
                    forces=None if gradients is None else gradients[row].reshape(n_atoms, 3) * units.force_factor,
                    charge=charge,
                    unpaired=fewest_unpaired(numbers, charge),
                    molecule=smiles or group.name.rsplit("/", 1)[-1],
                )


def _stated_units(group: h5py.Group) -> LabelUnits:
    """The units of a molecule's `units` attributes; those of the format where they are absent."""
    found = datasets_of(group)
    texts = {
        name: str(found[name].attrs.get("units", "")) if name in found else ""
        for name in ("conformations", "dft_total_energy", "dft_total_gradient")
    }
    return LabelUnits(
        energy=energy_unit_in(texts["dft_total_energy"]) or _FROM_FORMAT.energy,
        length=length_unit_in(texts["conformations"]) or _FROM_FORMAT.length,
        force_energy=energy_unit_in(texts["dft_total_gradient"]) or _FROM_FORMAT.energy,
        force_length=length_unit_in(texts["dft_total_gradient"]) or _FROM_FORMAT.length,
        sign="gradients",
    )


def _check_same_units(path: Path, groups: list[h5py.Group], stated: LabelUnits) -> None:
    for group in groups:
        other = _stated_units(group)
        if other != stated:
            raise DataError(
                f"{path}: its molecules are in different units ({stated.as_json()} in {groups[0].name}, "
                f"{other.as_json()} in {group.name}); set data.energy_unit and data.length_unit, or split the file"
            )
