"""Extended XYZ (plain or compressed), ASE databases and trajectories, through ASE.

Labels are looked for in ASE's calculator results, in `info` and `arrays` (extended XYZ), and in `data` and key-value
pairs (databases), under the names of `_NAMES` with one prefix for a file: REF_ before DFT_ before none.
Units are eV and angstrom, as ASE has them, unless a database's metadata say otherwise.
"""

import bz2
import contextlib
import gzip
import io
import itertools
import lzma
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ase.db
import ase.io
import numpy as np
import numpy.typing as npt
from ase import Atoms

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame, fewest_unpaired, unpaired_electrons
from chemscale.forcefields.readers.frame_source import FrameFault, FrameSource
from chemscale.forcefields.units import LabelUnits, UnitSettings, energy_unit_in, label_units, length_unit_in

_PREFIXES = ("REF_", "ref_", "DFT_", "dft_", "")
_ENERGIES = ("energy", "energies", "Energy", "total_energy", "E")
_FORCES = ("forces", "force", "Forces", "F")
_GRADIENTS = ("gradient", "gradients", "energy_grad", "energy_gradient")
CHARGES = ("total_charge", "charge", "Charge", "REF_charge")
MULTIPLICITIES = ("spin_multiplicity", "multiplicity", "spin", "total_spin")
UNPAIRED = ("unpaired", "unpaired_electrons", "n_unpaired")
_MOLECULES = ("smiles", "SMILES", "molecule", "name", "mol_id")
_OPENERS: Mapping[str, Any] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
_XYZ = (".xyz", ".extxyz")
_OTHER = (".db", ".traj")


def is_atoms_file(path: Path) -> bool:
    """Whether ASE reads a file, by its suffix."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _OPENERS:
        suffixes.pop()
        return bool(suffixes) and suffixes[-1] in _XYZ
    return bool(suffixes) and suffixes[-1] in (*_XYZ, *_OTHER)


def open_atoms_file(path: Path, settings: UnitSettings) -> FrameSource:
    """Open an extended XYZ file, an ASE database or an ASE trajectory.

    Raises:
        DataError: it cannot be read, or its metadata name units that are not known.
    """
    suffix = path.suffix.lower()
    if suffix == ".db":
        return _open_database(path, settings)
    units = settings.over(label_units("eV", "angstrom"))
    atoms = _trajectory(path) if suffix == ".traj" else _extended_xyz(path)
    who = "settings" if settings.is_given else "format"
    return FrameSource(units, who, (_frame(one, {}, units) for one in atoms))


def _extended_xyz(path: Path) -> Iterator[Atoms | FrameFault]:
    """Frame by frame, so that a damaged one is left out, and compressed files are read from front to back once."""
    opener = _OPENERS.get(path.suffix.lower(), open)
    with _readable(path), opener(path, "rt", encoding="utf-8", errors="replace") as stream:
        line_number = 0
        for first in stream:
            line_number += 1
            if not first.strip():
                continue
            lines = [first, *itertools.islice(stream, _atom_count(path, line_number, first) + 1)]
            try:
                yield _parsed(lines)
            except Exception as error:  # ASE raises what its parser meets: a fault of this one frame
                yield FrameFault(f"cannot be parsed: {type(error).__name__}, line {line_number} ({error})")
            line_number += len(lines) - 1


def _atom_count(path: Path, line_number: int, line: str) -> int:
    if not line.strip().isdigit():
        raise DataError(
            f"{path}: line {line_number:,} is {line.strip()[:40]!r}, expected a number of atoms; is it extended XYZ?"
        )
    return int(line)


def _parsed(lines: list[str]) -> Atoms:
    if len(lines) < 2 + int(lines[0]):
        raise ValueError(f"the file ends after {max(len(lines) - 2, 0)} of {int(lines[0])} atoms")
    atoms = ase.io.read(io.StringIO("".join(lines)), index=0, format="extxyz")
    if not isinstance(atoms, Atoms):
        raise ValueError("no atoms")
    return atoms


def _trajectory(path: Path) -> Iterator[Atoms]:
    with _readable(path):
        yield from ase.io.iread(path, index=":", format="traj")


def _open_database(path: Path, settings: UnitSettings) -> FrameSource:
    with _readable(path):
        database = ase.db.connect(path, type="db")
        n_frames, metadata = database.count(), database.metadata
    stated, who = _database_units(path, metadata)
    units = settings.over(stated)
    frames = (_frame(atoms, extra, units) for atoms, extra in _rows(path, database))
    return FrameSource(units, "settings" if settings.is_given else who, frames, n_frames)


def _rows(path: Path, database: Any) -> Iterator[tuple[Atoms, dict[str, Any]]]:
    with _readable(path):
        for row in database.select():
            yield row.toatoms(), {**row.key_value_pairs, **row.data}


def _database_units(path: Path, metadata: Mapping[str, Any]) -> tuple[LabelUnits, str]:
    """The units of a database's metadata as SchNetPack writes them, else ASE's own."""
    words = metadata.get("_property_unit_dict", {})
    if not words:
        return label_units("eV", "angstrom"), "format"
    energies = next((str(words[name]) for name in _ENERGIES if name in words), "eV")
    forces = next((str(words[name]) for name in (*_FORCES, *_GRADIENTS) if name in words), "")
    length = length_unit_in(str(metadata.get("_distance_unit", "Ang"))) or "angstrom"
    energy = energy_unit_in(energies)
    if energy is None:
        raise DataError(f"{path}: its energy unit {energies!r} is not known here; set data.energy_unit")
    return LabelUnits(energy, length, energy_unit_in(forces) or energy, length_unit_in(forces) or length), "file"


def _frame(atoms: Atoms | FrameFault, extra: Mapping[str, Any], units: LabelUnits) -> Frame | FrameFault:
    if isinstance(atoms, FrameFault):
        return atoms
    labels: dict[str, Any] = dict(atoms.calc.results) if atoms.calc is not None else {}
    values = {**atoms.info, **atoms.arrays, **labels, **extra}
    numbers = atoms.numbers
    try:
        charge = round(_number(values, CHARGES) or 0.0)
        energy, forces = labels_among(values, units, len(numbers))
        return Frame(
            atomic_numbers=numbers,
            positions=atoms.positions * units.length_factor,
            energy=energy,
            forces=forces,
            charge=charge,
            unpaired=_unpaired(values, numbers, charge),
            molecule=next((str(values[name]) for name in _MOLECULES if name in values), ""),
            cell=np.asarray(atoms.cell[:]) * units.length_factor if atoms.pbc.any() else None,
            periodic=(bool(atoms.pbc[0]), bool(atoms.pbc[1]), bool(atoms.pbc[2])),
        )
    except (TypeError, ValueError) as error:
        return FrameFault(f"a label cannot be read ({error})")


def labels_among(
    values: Mapping[str, Any], units: LabelUnits, n_atoms: int
) -> tuple[float, npt.NDArray[np.float64] | None]:
    """Energy in eV and forces in eV/angstrom [n_atoms, 3] among named values; NaN and None where there is none."""
    for prefix in _PREFIXES:
        energy = _number(values, [prefix + name for name in _ENERGIES])
        forces = _vectors(values, [prefix + name for name in _FORCES], n_atoms)
        gradients = _vectors(values, [prefix + name for name in _GRADIENTS], n_atoms)
        if forces is None and gradients is not None:
            forces = -gradients
        if energy is not None or forces is not None:
            in_ev = float("nan") if energy is None else energy * units.energy_factor
            return in_ev, None if forces is None else forces * units.force_factor
    return float("nan"), None


def _number(values: Mapping[str, Any], names: tuple[str, ...] | list[str]) -> float | None:
    for name in names:
        if name in values and np.size(values[name]) == 1:
            return float(np.asarray(values[name]).reshape(-1)[0])
    return None


def _vectors(values: Mapping[str, Any], names: list[str], n_atoms: int) -> npt.NDArray[np.float64] | None:
    for name in names:
        if name in values and np.size(values[name]) == 3 * n_atoms:
            return np.asarray(values[name], dtype=np.float64).reshape(n_atoms, 3)
    return None


def _unpaired(values: Mapping[str, Any], numbers: npt.NDArray[Any], charge: int) -> int:
    unpaired = _number(values, UNPAIRED)
    if unpaired is not None:
        return round(unpaired)
    multiplicity = _number(values, MULTIPLICITIES)
    if multiplicity is not None:
        return unpaired_electrons(round(multiplicity), numbers, charge)
    return fewest_unpaired(numbers, charge)


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, lzma.LZMAError, sqlite3.Error) as error:
        raise DataError(f"{path}: is damaged, cut short, or not what its name says ({error})") from None
    except (ValueError, KeyError, IndexError, AttributeError, TypeError, StopIteration) as error:
        raise DataError(f"{path}: cannot be understood ({type(error).__name__}: {error})") from None
