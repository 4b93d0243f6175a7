"""What a force field reads from an `ase.Atoms`, checked."""

import copy
from collections.abc import Sequence
from typing import Any

import ase
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chemscale.base.errors import ConfigError, DataError
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.frame import fewest_unpaired, unpaired_electrons
from chemscale.forcefields.readers.atoms_files import CHARGES, MULTIPLICITIES, UNPAIRED

DTYPES = {"float32": torch.float32, "float64": torch.float64}
Cell = npt.NDArray[np.float64] | None


def positions_of(atoms: ase.Atoms) -> npt.NDArray[np.float64]:
    """Positions in angstrom [n_atoms, 3].

    Raises:
        DataError: there are no atoms, or a position is no number.
    """
    positions: npt.NDArray[np.float64] = atoms.positions
    if len(positions) == 0:
        raise DataError("a structure without atoms; give one with at least one atom")
    broken = ~np.isfinite(positions).all(axis=1)
    if broken.any():
        atom = int(broken.argmax())
        raise DataError(
            f"atom {atom} (counted from 0) is at {positions[atom].tolist()}; expected finite numbers in angstrom. "
            "In a dynamics or a relaxation take shorter steps"
        )
    return positions


def cell_of(atoms: ase.Atoms) -> tuple[Cell, tuple[bool, bool, bool]]:
    """Lattice vectors in angstrom [3, 3], None for a molecule, and along which of them the structure repeats.

    Raises:
        DataError: it repeats along a vector that is zero.
    """
    x, y, z = (bool(flag) for flag in atoms.pbc)
    if not (x or y or z):
        return None, (False, False, False)
    cell = np.array(atoms.cell.array, dtype=np.float64)
    if not np.isfinite(cell).all() or not np.abs(cell[[x, y, z]]).sum(axis=1).all():
        raise DataError(
            f"periodic along {atoms.pbc.tolist()} with the cell {cell.tolist()}; set the cell, or pbc=False"
        )
    return cell, (x, y, z)


def electrons_of(atoms: ase.Atoms) -> tuple[int, int]:
    """Total charge in e and unpaired electrons, from `info`, under the names that the readers of frames know.

    Without a charge it is 0; without `unpaired` or `multiplicity` an odd number of electrons leaves one unpaired.

    Raises:
        DataError: one of them is no integer.
    """
    charge = _integer(atoms.info, CHARGES) or 0
    unpaired = _integer(atoms.info, UNPAIRED)
    if unpaired is not None:
        return charge, unpaired
    multiplicity = _integer(atoms.info, MULTIPLICITIES)
    if multiplicity is not None:
        return charge, unpaired_electrons(multiplicity, atoms.numbers, charge)
    return charge, fewest_unpaired(atoms.numbers, charge)


def centred(positions: npt.NDArray[np.float64], dtype: torch.dtype) -> Tensor:
    """Positions about their centre [n_atoms, 3]: far from the origin float32 would lose digits of the distances."""
    return torch.from_numpy(positions - positions.mean(axis=0)).to(dtype)


def dtype_of(name: str) -> torch.dtype:
    """The precision called `name`.

    Raises:
        ConfigError: it is neither float32 nor float64.
    """
    if name not in DTYPES:
        raise ConfigError(f"dtype: {name!r} is not allowed; expected one of {', '.join(DTYPES)}")
    return DTYPES[name]


def frozen_copy(force_field: ForceField, device: torch.device, dtype: torch.dtype) -> ForceField:
    """A copy for use alone: parameters need no gradients; the reference energies stay in float64."""
    frozen = copy.deepcopy(force_field).to(device).eval().requires_grad_(False)
    frozen.network.to(dtype)
    frozen.scale = frozen.scale.to(dtype)
    return frozen


def _integer(info: dict[str, Any], names: Sequence[str]) -> int | None:
    name = next((name for name in names if name in info), None)
    if name is None:
        return None
    value = info[name]
    try:
        if float(value) == int(value):
            return int(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise DataError(f"info[{name!r}] is {value!r}; expected an integer")
