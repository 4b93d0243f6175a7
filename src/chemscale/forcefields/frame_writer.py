"""Write frames to a folder one after the other: checked, counted, and never all in memory."""

from array import array
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import DataError
from chemscale.base.files import write_atomically
from chemscale.forcefields.frame import Frame, formula_of
from chemscale.forcefields.frame_checks import fault_of
from chemscale.forcefields.frames import MOLECULES, REJECTS
from chemscale.forcefields.growing_array import GrowingArray
from chemscale.forcefields.periodicity import repeating_directions

FRAMES_AT_ONCE = 2_000
LARGE_FORCE = 100.0
_LAYOUT: dict[str, tuple[str, tuple[int, ...]]] = {
    "numbers": ("u1", ()),
    "positions": ("f4", (3,)),
    "forces": ("f4", (3,)),
    "energies": ("f8", ()),
    "offsets": ("i8", ()),
    "charges": ("i2", ()),
    "unpaired": ("i2", ()),
    "molecules": ("i4", ()),
}


class FrameWriter:
    """Appends frames to the arrays of a folder; what cannot be used goes to `rejects.tsv`.

    Attributes:
        counts: frames, atoms, rejected, and what is missing or odd among the frames kept.
        kept: numbers, in the source, of the frames that were kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.arrays = {name: GrowingArray(folder / f"{name}.npy", *kind) for name, kind in _LAYOUT.items()}
        self.arrays["offsets"].append([0])
        self.cells: GrowingArray | None = None
        self.molecules: dict[str, int] = {}
        self.reasons: Counter[str] = Counter()
        self.n_rejected = self.n_atoms = 0
        self.species: set[int] = set()
        self.counts: Counter[str] = Counter()
        self.kept = array("q")
        self._waiting: list[tuple[Frame, tuple[bool, bool, bool]]] = []
        self._rejects = (folder / REJECTS).open("w", encoding="utf-8", newline="\n")
        self._rejects.write("frame\treason\n")

    @property
    def n_read(self) -> int:
        """Frames of the source so far, kept or not."""
        return len(self.kept) + self.n_rejected

    def append(self, frame: Frame) -> None:
        """Add the source's next frame, or note why it cannot be used."""
        fault = fault_of(frame)
        if fault is not None:
            self.reject(fault)
            return
        self.kept.append(self.n_read)
        directions = (False, False, False)
        if frame.cell is not None and any(frame.periodic):
            directions = repeating_directions(frame.positions, frame.cell, frame.periodic)
            self.counts["vacuum_boxes"] += directions != frame.periodic
        self._waiting.append((frame, directions))
        if len(self._waiting) >= FRAMES_AT_ONCE:
            self._flush()

    def reject(self, reason: str) -> None:
        """Leave the source's next frame out, for a reason."""
        self._rejects.write(f"{self.n_read + 1}\t{reason.replace(chr(9), ' ').replace(chr(10), ' ')}\n")
        self.reasons[reason.partition(" (")[0]] += 1
        self.n_rejected += 1

    def finish(self) -> dict[str, Any]:
        """Complete the arrays; returns the hashes of their content."""
        self._flush()
        self._rejects.close()
        hashes = {name: growing.finish() for name, growing in self.arrays.items()}
        if self.cells is not None:
            hashes["cells"] = self.cells.finish()
        else:
            (self.folder / "cells.npy").unlink(missing_ok=True)
        write_atomically(self.folder / MOLECULES, "".join(f"{name}\n" for name in self.molecules))
        return hashes

    def remove(self) -> None:
        """Remove the arrays again, and leave `rejects.tsv`."""
        for growing in (*self.arrays.values(), *([self.cells] if self.cells else [])):
            growing.path.unlink(missing_ok=True)

    def _flush(self) -> None:
        frames = [frame for frame, _ in self._waiting]
        if not frames:
            return
        offsets = self.n_atoms + np.cumsum([frame.n_atoms for frame in frames])
        self.n_atoms = int(offsets[-1])
        numbers = np.concatenate([frame.atomic_numbers for frame in frames])
        forces = np.concatenate([_forces(frame) for frame in frames]).astype(np.float32)
        energies = np.array([frame.energy for frame in frames], dtype=np.float64)
        energies[~np.isfinite(energies)] = np.nan
        self._count(numbers, forces, energies)
        for name, rows in {
            "numbers": numbers,
            "positions": np.concatenate([frame.positions for frame in frames]),
            "forces": forces,
            "energies": energies,
            "offsets": offsets,
            "charges": np.array([frame.charge for frame in frames]),
            "unpaired": np.array([frame.unpaired for frame in frames]),
            "molecules": np.array([self._molecule_number(frame) for frame in frames]),
        }.items():
            self.arrays[name].append(rows)
        self._append_cells()
        self._waiting = []

    def _append_cells(self) -> None:
        cells = np.zeros((len(self._waiting), 3, 3))
        for cell, (frame, directions) in zip(cells, self._waiting, strict=True):
            if frame.cell is not None:
                cell[:] = frame.cell * np.array(directions)[:, None]
        if self.cells is None and cells.any():
            self.cells = GrowingArray(self.folder / "cells.npy", "f8", (3, 3))
            for start in range(0, len(self.kept) - len(cells), FRAMES_AT_ONCE):
                self.cells.append(np.zeros((min(FRAMES_AT_ONCE, len(self.kept) - len(cells) - start), 3, 3)))
        if self.cells is not None:
            self.cells.append(cells)

    def _count(
        self, numbers: npt.NDArray[Any], forces: npt.NDArray[np.float32], energies: npt.NDArray[np.float64]
    ) -> None:
        unknown = ~np.isfinite(forces).all(axis=1)
        self.species.update(np.unique(numbers).tolist())
        self.counts["atoms_without_forces"] += int(unknown.sum())
        self.counts["frames_without_energy"] += int(np.isnan(energies).sum())
        self.counts["atoms_with_large_forces"] += int((np.linalg.norm(forces, axis=1) > LARGE_FORCE).sum())

    def _molecule_number(self, frame: Frame) -> int:
        name = " ".join(frame.molecule.split()) or formula_of(frame.atomic_numbers)
        return self.molecules.setdefault(name, len(self.molecules))

    def check_usable(self, source: str) -> None:
        """See that something can be learned from what was written.

        Raises:
            DataError: there is no frame, or none that can be used.
        """
        if self.n_read == 0:
            raise DataError(f"{source}: holds no frame")
        if not self.kept:
            reasons = "; ".join(f"{reason} ({count:,} frames)" for reason, count in self.reasons.most_common(3))
            raise DataError(
                f"{source}: none of its {self.n_read:,} frames can be used: {reasons}. "
                "Are the units right (data.length_unit), and are the labels under a name that is known here?"
            )

    def __enter__(self) -> "FrameWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rejects.close()
        for growing in (*self.arrays.values(), *([self.cells] if self.cells else [])):
            growing.abandon()


def _forces(frame: Frame) -> npt.NDArray[np.floating[Any]]:
    if frame.forces is None:
        return np.full((frame.n_atoms, 3), np.nan)
    # an atom with one unknown component has no force
    return np.where(np.isfinite(frame.forces).all(axis=1, keepdims=True), frame.forces, np.nan)
