"""Structures of a file one after the other, where a broken one does not end the reading, and predictions of them."""

import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

import ase
import ase.io
import numpy as np
import numpy.typing as npt
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.formats import UnknownFileTypeError, open_with_compression

from chemscale.base.errors import DataError
from chemscale.forcefields.readers.atoms_files import labels_among
from chemscale.forcefields.structure_batches import StructurePrediction
from chemscale.forcefields.units import label_units

XYZ_SUFFIXES = (".xyz", ".extxyz")
COMPRESSED = (".gz", ".bz2", ".xz")


def read_structures(path: Path) -> Iterator[ase.Atoms | DataError]:
    """Every structure of a file, or what is wrong with it.

    Files that end in .xyz or .extxyz (also compressed) are cut into structures by their counts of atoms, so that one of
    them may be broken; any other format is read by ASE as it can, and ends where that fails.

    Raises:
        DataError: there is no such file, ASE does not know its format, or it has no structures.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    suffixes = [suffix for suffix in path.suffixes if suffix not in COMPRESSED]
    is_xyz = bool(suffixes) and suffixes[-1] in XYZ_SUFFIXES
    found = False
    for structure in _xyz_structures(path) if is_xyz else _other_structures(path):
        found = True
        yield structure
    if not found:
        raise DataError(f"{path}: is empty; expected structures, for instance as extended XYZ")


def labels_of(atoms: ase.Atoms) -> tuple[float | None, npt.NDArray[np.float64] | None]:
    """Energy in eV and forces in eV/angstrom [n_atoms, 3] that a structure came with, None where it has none.

    Names are those that the readers of frames know, `REF_` before `DFT_` before none.
    """
    values = {**atoms.info, **atoms.arrays, **({} if atoms.calc is None else atoms.calc.results)}
    energy, forces = labels_among(values, label_units("eV", "angstrom"), len(atoms))
    return None if np.isnan(energy) else energy, forces


def write_prediction(out: TextIO, atoms: ase.Atoms, prediction: StructurePrediction) -> None:
    """Append a structure to a file in extended XYZ; labels that it came with become `REF_energy` and `REF_forces`."""
    energy, forces = labels_of(atoms)
    predicted = atoms.copy()
    if energy is not None:
        predicted.info["REF_energy"] = energy
    if forces is not None:
        predicted.arrays["REF_forces"] = forces
    results = {"energy": prediction.energy, "forces": prediction.forces}
    if prediction.charges is not None:
        results["charges"] = prediction.charges
    predicted.calc = SinglePointCalculator(predicted, **results)
    ase.io.write(out, predicted, format="extxyz")


def _xyz_structures(path: Path) -> Iterator[ase.Atoms | DataError]:
    with open_with_compression(str(path), "r") as stream:
        for text in _blocks(stream):
            yield text if isinstance(text, DataError) else _structure(text)


def _blocks(stream: Iterable[str]) -> Iterator[str | DataError]:
    try:
        for header in stream:
            if not header.strip():
                continue
            try:
                n_lines = int(header) + 1
            except ValueError:
                yield DataError(f"{header.strip()[:40]!r} is no number of atoms; nothing is read from here on")
                return
            lines = list(islice(stream, n_lines))
            yield header + "".join(lines)
            if len(lines) < n_lines:
                return
    except (OSError, EOFError, UnicodeDecodeError) as error:
        yield DataError(f"the file cannot be read from here on ({error})")


def _structure(text: str) -> ase.Atoms | DataError:
    n_atoms, lines = int(text.split(maxsplit=1)[0]), text.count("\n") - 2
    try:
        atoms = ase.io.read(io.StringIO(text), format="extxyz")
    except KeyError as error:
        return DataError(f"{error} is no chemical symbol")
    except Exception as error:
        return DataError(f"not readable as extended XYZ ({error}); {n_atoms} atoms expected, {lines} lines found")
    assert isinstance(atoms, ase.Atoms)
    return atoms


def _other_structures(path: Path) -> Iterator[ase.Atoms | DataError]:
    try:
        for atoms in ase.io.iread(path, index=":"):
            assert isinstance(atoms, ase.Atoms)
            yield atoms
    except UnknownFileTypeError as error:
        raise DataError(f"{path}: its format is not known ({error}); convert it to extended XYZ") from None
    except Exception as error:  # every format of ASE has errors of its own
        yield DataError(f"the file cannot be read from here on ({type(error).__name__}: {error})")
