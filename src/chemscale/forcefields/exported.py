"""Exported force fields, loaded to be used in place of the model that they were made from."""

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from chemscale.base.errors import DataError
from chemscale.forcefields.export import CARD
from chemscale.forcefields.force_field import Prediction
from chemscale.forcefields.graph import AtomGraph

Computation = Callable[..., tuple[Tensor, ...]]


class ExportedForceField:
    """A file of `export_force_field`, for one structure at a time.

    Such a file is a program: open only those that you trust.

    Args:
        path: the file, in any of the formats.

    Attributes:
        cutoff: in angstrom.
        species: atomic numbers it knows.
        dtype: precision that it computes in.
        device: that it computes on.
        has_charges: whether it gives charges.

    Raises:
        DataError: it is no such file, or does not load here.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        try:
            self._compute, card = _load(self.path)
            self._read(json.loads(card))
        except Exception as error:  # torch has many
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{self.path}: not an exported force field that loads here ({reason})") from None

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the file's name, not its content, to another process."""
        return ExportedForceField, (self.path,)

    def check_species(self, atomic_numbers: Tensor) -> None:
        """See that every element is known.

        Raises:
            DataError: one is not; the message names it.
        """
        for number in atomic_numbers.tolist():
            if number not in self._known:
                known = ", ".join(map(str, self.species))
                raise DataError(f"element with atomic number {number}: {self.path} was made for {known}")

    def predict(self, graph: AtomGraph, positions: Tensor) -> Prediction:
        """Energy, forces and charges of a graph of one frame at positions in angstrom [n_atoms, 3].

        Raises:
            DataError: the cell is periodic, and the force field is for molecules.
        """
        if graph.shifts is not None and not self.periodic:
            raise DataError(f"a periodic cell: {self.path} is for molecules; set pbc=False")
        shifts = positions.new_zeros(graph.n_pairs, 3) if graph.shifts is None else graph.shifts.to(positions.dtype)
        electrons = graph.charges.to(positions.dtype), graph.unpaired.to(positions.dtype)
        with torch.no_grad():
            energy, forces, *charges = self._compute(
                graph.atomic_numbers, positions, graph.first.index, graph.second.index, shifts, *electrons
            )
        return Prediction(energy, forces, charges[0] if charges else None)

    def _read(self, card: dict[str, Any]) -> None:
        self.cutoff, self.species = float(card["cutoff"]), tuple(int(number) for number in card["species"])
        self.dtype: torch.dtype = getattr(torch, card["dtype"])
        self.device = torch.device(card["device"])
        self.periodic, self.has_charges = bool(card["periodic"]), "charges" in card["outputs"]
        self._known = frozenset(self.species)


def _load(path: Path) -> tuple[Computation, str]:
    """The function in a file, and its card."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any("aotinductor" in name for name in names):
        package = torch._inductor.aoti_load_package(str(path))
        return package, package.loader.get_metadata()[CARD]
    extra = {CARD: ""}
    if any("/code/" in name for name in names):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # TorchScript: torch recommends torch.export
            return torch.jit.load(path, _extra_files=extra), extra[CARD]
    program = torch.export.load(path, extra_files=extra)
    return program.module(), extra[CARD]
