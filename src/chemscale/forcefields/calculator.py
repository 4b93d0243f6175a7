"""Force fields as calculators of ASE: relaxations, dynamics, vibrations, reaction paths."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import ase
import numpy as np
import torch
from ase.calculators.calculator import Calculator, all_changes

from chemscale.base.errors import ConfigError, DataError
from chemscale.forcefields.force_field import ForceField, Prediction
from chemscale.forcefields.structures import cell_of, centred, dtype_of, electrons_of, frozen_copy, positions_of
from chemscale.forcefields.trained import force_field_of
from chemscale.forcefields.verlet_list import VerletList


class ForceFieldCalculator(Calculator):  # type: ignore[misc]  # ASE comes without types
    """Energies (eV), forces (eV/angstrom) and, where the force field has them, charges (e) of an `ase.Atoms`.

    Total charge and unpaired electrons are the keywords', else `atoms.info["charge"]` and `atoms.info["unpaired"]` (or
    `atoms.info["multiplicity"]`, one more), else 0. The model given is copied: it stays as it is.

    Args:
        model: a force field, or a run folder.
        skin: how much farther than the cutoff pairs are kept, in angstrom; the results do not depend on it.
        device: of torch.
        dtype: precision of the network; energies are summed with the reference energies in float64 in any case.
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
        dtype: Literal["float32", "float64"] = "float32",
        charge: int | None = None,
        unpaired: int | None = None,
    ) -> None:
        super().__init__()
        if not 0.0 <= skin < float("inf"):
            raise ConfigError(f"skin: {skin!r} is not allowed; expected angstrom, 0 or more (0.3 is usual)")
        self.device, self.dtype = torch.device(device), dtype_of(dtype)
        self.force_field = frozen_copy(force_field_of(model), self.device, self.dtype)
        self.charge, self.unpaired = charge, unpaired
        self.neighbours = VerletList(self.force_field.cutoff, skin, self.device)
        self.implemented_properties = ["energy", "free_energy", "forces"]
        if self._has_charges():
            self.implemented_properties.append("charges")
        self._electrons: tuple[int, int] | None = None

    def check_state(self, atoms: ase.Atoms, tol: float = 1e-15) -> list[str]:
        """What has changed since the last calculation; ASE itself does not look at charge and spin in `info`."""
        changes: list[str] = super().check_state(atoms, tol=tol)
        return changes if self._electrons_of(atoms) == self._electrons else [*changes, "initial_charges"]

    def calculate(
        self,
        atoms: ase.Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Fill `results`; all properties come from one pass."""
        super().calculate(atoms, properties, system_changes)
        structure = self.atoms
        if structure is None:
            raise DataError("calculate: no atoms given")
        electrons = self._electrons_of(structure)
        prediction = self._predict(structure, electrons)
        energy = float(prediction.energies[0])
        forces = prediction.forces.double().cpu().numpy()
        if not np.isfinite(energy) or not np.isfinite(forces).all():
            raise DataError(
                f"{self.atoms.get_chemical_formula()}: the force field gives no finite energy or forces here"
            )
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

    def _electrons_of(self, atoms: ase.Atoms) -> tuple[int, int]:
        charge, unpaired = electrons_of(atoms)
        return (charge if self.charge is None else self.charge, unpaired if self.unpaired is None else self.unpaired)

    def _has_charges(self) -> bool:
        element = np.array(self.force_field.species[:1])
        graph = VerletList(self.force_field.cutoff, 0.0, self.device).graph(element, np.zeros((1, 3)))
        position = torch.zeros(1, 3, dtype=self.dtype, device=self.device)
        return self.force_field.predict(graph, position).charges is not None
