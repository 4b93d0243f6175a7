"""Errors of predictions against labels, added up structure by structure."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chemscale.forcefields.structure_batches import StructurePrediction

MILLI = 1000.0


@dataclass
class _Sums:
    n: int = 0
    absolute: float = 0.0
    squared: float = 0.0

    def add(self, predicted: npt.NDArray[np.float64], known: npt.NDArray[np.float64]) -> None:
        errors = (predicted - known)[np.isfinite(known)]
        self.n += errors.size
        self.absolute += float(np.abs(errors).sum())
        self.squared += float(np.square(errors).sum())

    @property
    def mae(self) -> float:
        return MILLI * self.absolute / self.n if self.n else float("nan")

    @property
    def rmse(self) -> float:
        return MILLI * (self.squared / self.n) ** 0.5 if self.n else float("nan")


class PredictionErrors:
    """Mean absolute errors and root mean squares; NaN as long as there are no labels."""

    def __init__(self) -> None:
        self._energies, self._forces = _Sums(), _Sums()

    def add(
        self, energy: float | None, forces: npt.NDArray[np.float64] | None, prediction: StructurePrediction
    ) -> None:
        """Add a structure with its labels, in eV and eV/angstrom [n_atoms, 3]; None and NaN are unknown."""
        if energy is not None:
            per_atom = 1 / len(prediction.forces)
            self._energies.add(np.array([prediction.energy * per_atom]), np.array([energy * per_atom]))
        if forces is not None:
            self._forces.add(prediction.forces, forces)

    @property
    def n_energies(self) -> int:
        """Structures with an energy."""
        return self._energies.n

    @property
    def n_forces(self) -> int:
        """Force components with a label."""
        return self._forces.n

    @property
    def energy_mae(self) -> float:
        """Of the energy, in meV per atom, every structure counting once."""
        return self._energies.mae

    @property
    def energy_rmse(self) -> float:
        """Of the energy, in meV per atom, every structure counting once."""
        return self._energies.rmse

    @property
    def force_mae(self) -> float:
        """Of the force components, in meV/angstrom."""
        return self._forces.mae

    @property
    def force_rmse(self) -> float:
        """Of the force components, in meV/angstrom."""
        return self._forces.rmse

    def __str__(self) -> str:
        """A line for a person; empty where there are no labels."""
        parts = []
        if self.n_energies:
            parts.append(f"energy MAE {self.energy_mae:.3g}, RMSE {self.energy_rmse:.3g} meV/atom")
        if self.n_forces:
            parts.append(f"force MAE {self.force_mae:.4g}, RMSE {self.force_rmse:.4g} meV/Å")
        return "against the labels in the file: " + "; ".join(parts) if parts else ""
