"""Force fields as calculators of ASE: relaxations, dynamics, vibrations, reaction paths."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import ase
import numpy as np
import torch
from ase.calculators.calculator import Calculator, all_changes

from chemscale.base.errors import ConfigError, DataError
from chemscale.forcefields.exported import ExportedForceField
from chemscale.forcefields.force_field import ForceField, Prediction
from chemscale.forcefields.frame import fewest_unpaired
from chemscale.forcefields.structures import cell_of, centred, dtype_of, electrons_of, frozen_copy, positions_of
from chemscale.forcefields.trained import force_field_of
from chemscale.forcefields.verlet_list import VerletList


class ForceFieldCalculator(Calculator):  # type: ignore[misc]  # ASE comes without types
    """Energies (eV), forces (eV/angstrom) and, where the force field has them, charges (e) of an `ase.Atoms`.

    Total charge and unpaired electrons are the keywords', else those in `atoms.info` (`charge`; `unpaired` or
    `multiplicity`), else 0 and what is left of an odd number of electrons. The model given is copied and stays as it
    is.

    Args:
        model: a force field, a run folder, or a file of `export_force_field`.
        skin: how much farther than the cutoff pairs are kept, in angstrom; the results do not depend on it.
        device: of torch.
        dtype: precision of the network, float32 if not given (an exported file has its own); energies are summed with
            the reference energies in float64 in any case.
        charge: total charge in e of every structure.
        unpaired: unpaired electrons of every structure.

    Raises:
        ConfigError: a setting is not allowed.
        DataError: the run folder cannot be read; in use: an unknown element, positions that are no numbers, two atoms
            at the same place.
    """

    def __init__(
        self,
        model: ForceField | Path | str,
        *,
        skin: float = 0.3,
        device: str | torch.device = "cpu",
        dtype: Literal["float32", "float64"] | None = None,
        charge: int | None = None,
        unpaired: int | None = None,
    ) -> None:
        super().__init__()
        if not 0.0 <= skin < float("inf"):
            raise ConfigError(f"skin: {skin!r} is not allowed; expected angstrom, 0 or more (0.3 is usual)")
        self.device = torch.device(device)
        self.dtype = torch.float32 if dtype is None else dtype_of(dtype)
        if isinstance(model, str | Path) and Path(model).is_file():
            self.force_field: ForceField | ExportedForceField = self._exported(Path(model), dtype)
        else:
            self.force_field = frozen_copy(force_field_of(model), self.device, self.dtype)
        self.charge, self.unpaired = charge, unpaired
        self.neighbours = VerletList(self.force_field.cutoff, skin, self.device)
        self.implemented_properties = ["energy", "free_energy", "forces"]
        if self._has_charges():
            self.implemented_properties.append("charges")
        self._electrons: tuple[int, int] | None = None

    def check_state(self, atoms: ase.Atoms, tol: float = 1e-15) -> list[str]:
        """What has changed since the last calculation.

        ASE's own looks at initial charges and moments, which are nothing to a force field, and not at charge and spin
        in `info`; and its comparison within a tolerance takes longer than a small force field.
        """
        before = self.atoms
        if before is None:
            return list(all_changes)
        same = {
            "positions": np.array_equal(before.positions, atoms.positions),
            "numbers": np.array_equal(before.numbers, atoms.numbers),
            "cell": np.array_equal(before.cell.array, atoms.cell.array),
            "pbc": np.array_equal(before.pbc, atoms.pbc),
            "initial_charges": self._electrons_of(atoms) == self._electrons,
        }
        return [name for name, is_same in same.items() if not is_same]

    def calculate(
        self,
        atoms: ase.Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Fill `results`; all properties come from one pass."""
        super().calculate(atoms, properties, system_changes)
        self.results = {}
        structure = self.atoms
        if structure is None:
            raise DataError("calculate: no atoms given")
        electrons = self._electrons_of(structure)
        prediction = self._predict(structure, electrons)
        energy = float(prediction.energies[0])
        forces = prediction.forces.double().cpu().numpy()
        if not np.isfinite(energy) or not np.isfinite(forces).all():
            formula = structure.get_chemical_formula()
            raise DataError(f"{formula}: the force field gives no finite energy or forces at these positions")
        self.results = {"energy": energy, "free_energy": energy, "forces": forces}
        if prediction.charges is not None:
            self.results["charges"] = prediction.charges.double().cpu().numpy()
        self._electrons = electrons

    def _predict(self, atoms: ase.Atoms, electrons: tuple[int, int]) -> Prediction:
        positions = positions_of(atoms)
        self.force_field.check_species(torch.from_numpy(atoms.numbers).to(self.device))
        cell, periodic = cell_of(atoms)
        graph = self.neighbours.graph(atoms.numbers, positions, cell, periodic, *electrons)
        return self.force_field.predict(graph, centred(positions, self.dtype).to(self.device))

    def _exported(self, path: Path, dtype: str | None) -> ExportedForceField:
        exported = ExportedForceField(path)
        if dtype is not None and exported.dtype != self.dtype:
            raise ConfigError(f"dtype: {path} computes in {exported.dtype}, not in {dtype}; export it again")
        if exported.device != self.device:
            raise ConfigError(f"device: {path} computes on {exported.device}, not on {self.device}; export it again")
        self.dtype = exported.dtype
        return exported

    def _electrons_of(self, atoms: ase.Atoms) -> tuple[int, int]:
        if self.charge is not None and self.unpaired is not None:
            return self.charge, self.unpaired
        charge, unpaired = electrons_of(atoms)
        if self.charge is not None and self.charge != charge:
            charge, unpaired = self.charge, fewest_unpaired(atoms.numbers, self.charge)
        return charge, unpaired if self.unpaired is None else self.unpaired

    def _has_charges(self) -> bool:
        if isinstance(self.force_field, ExportedForceField):
            return self.force_field.has_charges
        element = np.array(self.force_field.species[:1])
        graph = VerletList(self.force_field.cutoff, 0.0, self.device).graph(element, np.zeros((1, 3)))
        position = torch.zeros(1, 3, dtype=self.dtype, device=self.device)
        return self.force_field.predict(graph, position).charges is not None
