"""Prepared frames on disk: flat memory-mapped arrays, read only where they are asked for.

numbers.npy       atomic numbers of all atoms end to end, uint8 [n_atoms]
positions.npy     in angstrom, float32 [n_atoms, 3]
forces.npy        in eV/angstrom, float32 [n_atoms, 3]; NaN where unknown
energies.npy      in eV, float64 [n_frames]; NaN where unknown
offsets.npy       frame i has the atoms offsets[i]:offsets[i + 1], int64 [n_frames + 1]
charges.npy       total charge in e, int16 [n_frames]
unpaired.npy      unpaired electrons, int16 [n_frames]
molecules.npy     number of the frame's molecule in molecules.txt, int32 [n_frames]
molecules.txt     one molecule a line
cells.npy         lattice vectors in angstrom, float64 [n_frames, 3, 3], zero where not periodic; absent without cells
subsets.npz       named frame numbers that came with the source, such as published splits; absent without
pairs-<cutoff>/   the pairs within a cutoff, see `Pairs`
frames.json       source, units, counts and hash; written last: a folder without it is unfinished
rejects.tsv       number and reason of every frame that was left out
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ase.data import chemical_symbols

from chemscale.base.errors import DataError
from chemscale.base.files import read_json

FRAMES_FORMAT = 1
RECORD, REJECTS, MOLECULES, SUBSETS = "frames.json", "rejects.tsv", "molecules.txt", "subsets.npz"
PAIRS_RECORD = "pairs.json"
ARRAYS = ("numbers", "positions", "forces", "energies", "offsets", "charges", "unpaired", "molecules")


@dataclass(frozen=True)
class Frames:
    """Molecules at many geometries, with energies and forces.

    Attributes are the arrays of the module's table, memory-mapped, and:
        folder: where the files are.
        molecule_names: the names that `molecules` counts.
        cells: [n_frames, 3, 3], or None.
        record: the content of `frames.json`.
    """

    folder: Path
    numbers: npt.NDArray[np.uint8]
    positions: npt.NDArray[np.float32]
    forces: npt.NDArray[np.float32]
    energies: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.int64]
    charges: npt.NDArray[np.int16]
    unpaired: npt.NDArray[np.int16]
    molecules: npt.NDArray[np.int32]
    molecule_names: tuple[str, ...]
    cells: npt.NDArray[np.float64] | None
    record: Mapping[str, Any]

    @classmethod
    def open(cls, folder: Path | str) -> "Frames":
        """Open a folder of prepared frames.

        Raises:
            DataError: the folder is missing, unfinished, of another format, or its files do not fit each other.
        """
        folder = Path(folder)
        return cls.of(folder, _read_record(folder))

    @classmethod
    def of(cls, folder: Path, record: Mapping[str, Any]) -> "Frames":
        """The arrays of a folder with a record that need not be written yet.

        Raises:
            DataError: the arrays cannot be read or do not fit the record's counts.
        """
        try:
            arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
            cells = np.load(folder / "cells.npy", mmap_mode="r") if (folder / "cells.npy").exists() else None
            names = tuple((folder / MOLECULES).read_text(encoding="utf-8").splitlines())
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{folder}: its arrays cannot be read ({error}); prepare the frames again") from None
        frames = cls(folder, **arrays, molecule_names=names, cells=cells, record=record)
        n_frames, n_atoms = record["counts"]["frames"], record["counts"]["atoms"]
        fits = len(frames.offsets) == n_frames + 1 and int(frames.offsets[-1]) == n_atoms == len(frames.positions)
        if not fits:
            raise DataError(f"{folder}: its arrays do not fit the counts in {RECORD}; prepare the frames again")
        return frames

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self.offsets) - 1

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the folder's name, not its content, to another process."""
        return Frames.open, (self.folder,)

    def __str__(self) -> str:
        """A line for a person."""
        counts = self.record["counts"]
        symbols = " ".join(chemical_symbols[number] for number in self.species)
        return (
            f"{self.folder}: {len(self):,} frames of {len(self.molecule_names):,} molecules, {counts['atoms']:,} atoms "
            f"({symbols}), {counts['rejected']:,} rejected\n{self.record.get('label_check', {}).get('verdict', '')}"
        ).rstrip()

    @property
    def sha256(self) -> str:
        """A hash over all arrays and subsets, as `frames.json` records it."""
        return str(self.record["sha256"])

    @cached_property
    def n_atoms(self) -> npt.NDArray[np.int64]:
        """Atoms of every frame [n_frames]."""
        return np.diff(self.offsets)

    @cached_property
    def subsets(self) -> Mapping[str, npt.NDArray[np.int64]]:
        """Named frame numbers that came with the source, such as published splits; empty where there are none."""
        path = self.folder / SUBSETS
        if not path.exists():
            return {}
        with np.load(path) as arrays:
            return {name: arrays[name].astype(np.int64) for name in arrays.files}

    @cached_property
    def species(self) -> tuple[int, ...]:
        """The atomic numbers that occur, sorted."""
        return tuple(int(number) for number in self.record["species"])


@dataclass(frozen=True)
class Pairs:
    """The undirected pairs of all frames within a cutoff, in numbers local to the frame.

    Attributes:
        cutoff: in angstrom.
        offsets: frame i has the pairs offsets[i]:offsets[i + 1] [n_frames + 1], int64.
        first: the first atom of every pair, sorted within a frame [n_pairs], uint8 (uint16, uint32 where needed).
        second: the second atom of every pair [n_pairs], likewise.
        second_order: the pairs of a frame sorted by second atom, as numbers local to the frame [n_pairs].
        shifts: how often each lattice vector is added to the second atom [n_pairs, 3], int8; None without cells.
        folder: where the arrays are; None where they are in memory only.
    """

    cutoff: float
    offsets: npt.NDArray[np.int64]
    first: npt.NDArray[np.unsignedinteger[Any]]
    second: npt.NDArray[np.unsignedinteger[Any]]
    second_order: npt.NDArray[np.unsignedinteger[Any]]
    shifts: npt.NDArray[np.int8] | None
    folder: Path | None = None

    @classmethod
    def open(cls, folder: Path) -> "Pairs":
        """Open the pairs that `pairs_for` has written.

        Raises:
            DataError: the folder is unfinished, or its files do not fit each other.
        """
        try:
            record = read_json(folder / PAIRS_RECORD)
            names = ("offsets", "first", "second", "second_order")
            arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
            shifts = np.load(folder / "shifts.npy", mmap_mode="r") if (folder / "shifts.npy").exists() else None
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{folder}: its arrays cannot be read ({error}); remove the folder") from None
        pairs = cls(record["cutoff"], **arrays, shifts=shifts, folder=folder)
        if not int(pairs.offsets[-1]) == len(pairs.first) == len(pairs.second) == len(pairs.second_order):
            raise DataError(f"{folder}: its arrays do not fit each other; remove the folder")
        return pairs

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the folder's name, not its content, to another process."""
        if self.folder is not None:
            return Pairs.open, (self.folder,)
        parts = (self.cutoff, self.offsets, self.first, self.second, self.second_order, self.shifts)
        return Pairs, parts


def is_frames_folder(folder: Path) -> bool:
    """Whether a folder holds finished frames."""
    return (folder / RECORD).is_file()


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; make one with `chemscale data prepare FILE --out {folder}`")
    if not path.is_file():
        raise DataError(f"{folder}: no {RECORD}: these are no frames, or their preparation was cut; run it again")
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = record["format"]
        _ = (record["counts"]["frames"], record["counts"]["atoms"], record["sha256"], record["species"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: is not the record of frames ({type(error).__name__}: {error})") from None
    if found != FRAMES_FORMAT:
        raise DataError(f"{path}: format {found}, this version reads {FRAMES_FORMAT}; prepare the frames again")
    return record
