"""One molecule at many geometries in an .npz file: MD17, rMD17 and sGDML, and QM-22 in the same layout.

rMD17     nuclear_charges [n_atoms], coords [n_frames, n_atoms, 3], energies, forces: kcal/mol and angstrom
          (Christensen and von Lilienfeld 2020, 10.1088/2632-2153/abba6f); rows of the splits in train_01 .. test_05,
          or in splits/index_train_01.csv .. beside the file's folder
sGDML     z, R, E, F, name; r_unit and e_unit where the file says its units, else kcal/mol and angstrom as in MD17
          (Chmiela et al. 2019, 10.1016/j.cpc.2019.02.007)
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame, fewest_unpaired
from chemscale.forcefields.readers.frame_source import FrameSource
from chemscale.forcefields.readers.npz_arrays import checked_shape, npz_arrays, npz_names
from chemscale.forcefields.units import LabelUnits, UnitSettings, energy_unit_in, label_units, length_unit_in

_LAYOUTS = (
    {"numbers": "nuclear_charges", "positions": "coords", "energies": "energies", "forces": "forces"},
    {"numbers": "z", "positions": "R", "energies": "E", "forces": "F"},
)
_SUBSET = re.compile(r"(train|test)_\d\d$")


def is_molecule_npz(path: Path) -> bool:
    """Whether an .npz file has the arrays of this layout."""
    names = npz_names(path)
    return any({layout["numbers"], layout["positions"]} <= names for layout in _LAYOUTS)


def open_molecule_npz(path: Path, settings: UnitSettings) -> FrameSource:
    """Open an rMD17, MD17, sGDML or QM-22 file.

    Raises:
        DataError: it is damaged, its arrays do not fit each other, or its units are not known.
    """
    with npz_arrays(path) as arrays:
        layout = next(layout for layout in _LAYOUTS if {layout["numbers"], layout["positions"]} <= set(arrays))
        stated, who = _stated_units(path, arrays)
        numbers = np.asarray(arrays[layout["numbers"]]).reshape(-1)
        positions = np.asarray(arrays[layout["positions"]])
        n_frames, n_atoms = positions.shape[0], len(numbers)
        positions = checked_shape(path, layout["positions"], positions, (n_frames, n_atoms, 3))
        energies = _labels(path, arrays, layout["energies"], (n_frames,))
        forces = _labels(path, arrays, layout["forces"], (n_frames, n_atoms, 3))
        subsets = {name: np.asarray(arrays[name]) for name in arrays if _SUBSET.match(name)}
        subsets = subsets or _subsets_beside(path)
        molecule = _text(arrays["name"]) if "name" in arrays else ""
    units = settings.over(stated)
    return FrameSource(
        units=units,
        units_from="settings" if settings.is_given else who,
        frames=_frames(units, numbers, positions, energies, forces, molecule),
        n_frames=n_frames,
        subsets=subsets,
    )


def _frames(
    units: LabelUnits,
    numbers: npt.NDArray[Any],
    positions: npt.NDArray[Any],
    energies: npt.NDArray[Any] | None,
    forces: npt.NDArray[Any] | None,
    molecule: str,
) -> Iterator[Frame]:
    unpaired = fewest_unpaired(numbers, charge=0)
    for row, geometry in enumerate(positions):
        yield Frame(
            atomic_numbers=numbers,
            positions=geometry * units.length_factor,
            energy=float("nan") if energies is None else float(energies[row]) * units.energy_factor,
            forces=None if forces is None else forces[row] * units.force_factor,
            unpaired=unpaired,
            molecule=molecule,
        )


def _stated_units(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[LabelUnits, str]:
    if "e_unit" not in arrays and "r_unit" not in arrays:
        return label_units("kcal/mol", "angstrom"), "format"
    energy = energy_unit_in(_text(arrays["e_unit"])) if "e_unit" in arrays else None
    length = length_unit_in(_text(arrays["r_unit"])) if "r_unit" in arrays else "angstrom"
    if energy is None or length is None:
        seen = ", ".join(f"{name} {_text(arrays[name])!r}" for name in ("e_unit", "r_unit") if name in arrays)
        raise DataError(f"{path}: its units are not understood ({seen}); set data.energy_unit and data.length_unit")
    return label_units(energy, length), "file"


def _subsets_beside(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The published splits of rMD17, where its archive has them: splits/index_train_01.csv beside npz_data."""
    folder = path.parent.parent / "splits"
    if not path.name.startswith("rmd17_") or not folder.is_dir():
        return {}
    subsets = {}
    for file in sorted(folder.glob("index_*_??.csv")):
        try:
            subsets[file.stem.removeprefix("index_")] = np.loadtxt(file, dtype=np.int64, delimiter=",").reshape(-1)
        except (OSError, ValueError) as error:
            raise DataError(f"{file}: is no list of row numbers ({error})") from None
    return subsets


def _labels(
    path: Path, arrays: Mapping[str, npt.NDArray[Any]], name: str, shape: tuple[int, ...]
) -> npt.NDArray[Any] | None:
    return checked_shape(path, name, np.asarray(arrays[name]), shape) if name in arrays else None


def _text(array: npt.NDArray[Any]) -> str:
    value = np.asarray(array).reshape(-1)[0]
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
