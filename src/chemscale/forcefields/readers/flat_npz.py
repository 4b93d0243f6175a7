"""Molecules of any size end to end in an .npz file, cut by `n_atoms`.

n_atoms [n_frames], z [n_atoms of all], pos [.., 3], energy [n_frames], forces [.., 3]; optional smiles, name, charge,
unpaired [n_frames]; `units`: one text such as "pos Angstrom; energy kcal/mol; forces kcal/mol/A".
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
from chemscale.forcefields.units import LabelUnits, LengthUnit, UnitSettings, energy_unit_in, length_unit_in

_LABELS = ("energy", "forces", "charge", "unpaired")


def is_flat_npz(path: Path) -> bool:
    """Whether an .npz file has the arrays of this layout."""
    return {"n_atoms", "z", "pos"} <= npz_names(path)


def open_flat_npz(path: Path, settings: UnitSettings) -> FrameSource:
    """Open a flat .npz file.

    Raises:
        DataError: it is damaged, its arrays do not fit each other, or its units are not known.
    """
    with npz_arrays(path) as arrays:
        n_atoms = np.asarray(arrays["n_atoms"], dtype=np.int64)
        total, n_frames = int(n_atoms.sum()), len(n_atoms)
        shapes = {"energy": (n_frames,), "forces": (total, 3), "charge": (n_frames,), "unpaired": (n_frames,)}
        numbers = checked_shape(path, "z", arrays["z"], (total,))
        positions = checked_shape(path, "pos", arrays["pos"], (total, 3))
        labels = {name: checked_shape(path, name, arrays[name], shapes[name]) for name in _LABELS if name in arrays}
        molecules = next((arrays[name] for name in ("smiles", "name") if name in arrays), np.full(n_frames, ""))
        stated = _stated_units(path, arrays)
    units = settings.alone(str(path)) if stated is None else settings.over(stated)
    return FrameSource(
        units=units,
        units_from="settings" if settings.is_given else "file",
        frames=_frames(units, n_atoms, numbers, positions, labels, molecules),
        n_frames=n_frames,
    )


def _frames(
    units: LabelUnits,
    n_atoms: npt.NDArray[np.int64],
    numbers: npt.NDArray[Any],
    positions: npt.NDArray[Any],
    labels: Mapping[str, npt.NDArray[Any]],
    molecules: npt.NDArray[Any],
) -> Iterator[Frame]:
    energies, forces = labels.get("energy"), labels.get("forces")
    ends = np.cumsum(n_atoms)
    for row, (start, end) in enumerate(zip(ends - n_atoms, ends, strict=True)):
        charge = int(labels["charge"][row]) if "charge" in labels else 0
        atoms = numbers[start:end]
        yield Frame(
            atomic_numbers=atoms,
            positions=positions[start:end] * units.length_factor,
            energy=float("nan") if energies is None else float(energies[row]) * units.energy_factor,
            forces=None if forces is None else forces[start:end] * units.force_factor,
            charge=charge,
            unpaired=int(labels["unpaired"][row]) if "unpaired" in labels else fewest_unpaired(atoms, charge),
            molecule=str(molecules[row]),
        )


def _stated_units(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> LabelUnits | None:
    """The units of the file's `units` text, one clause per quantity; None where there is none."""
    if "units" not in arrays:
        return None
    texts = {str(text) for text in np.asarray(arrays["units"]).reshape(-1)}
    if len(texts) > 1:
        raise DataError(
            f"{path}: its frames are in different units ({'; '.join(sorted(texts)[:3])}). "
            "Split it into one file per unit, and prepare each with its own"
        )
    # what stands in brackets is a remark
    clauses = [clause.strip() for clause in re.sub(r"\([^)]*\)", " ", texts.pop()).split(";")]
    energy = energy_unit_in(_clause(clauses, "energ"))
    length: LengthUnit = length_unit_in(_clause(clauses, "pos")) or "angstrom"
    force_energy = energy_unit_in(_clause(clauses, "force")) or energy
    force_length: LengthUnit = length_unit_in(_clause(clauses, "force")) or length
    if energy is None or force_energy is None:
        raise DataError(f"{path}: its units are not understood ({'; '.join(clauses)}); set data.energy_unit")
    return LabelUnits(energy, length, force_energy, force_length)


def _clause(clauses: list[str], quantity: str) -> str:
    return next((clause for clause in clauses if clause.lower().startswith(quantity)), "")
