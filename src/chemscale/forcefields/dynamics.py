"""How well a force field conserves energy in dynamics without a thermostat."""

from dataclasses import dataclass
from pathlib import Path

import ase
import numpy as np
import numpy.typing as npt
from ase import units
from ase.calculators.calculator import Calculator
from ase.md.velocitydistribution import Stationary, ZeroRotation
from ase.md.verlet import VelocityVerlet

from chemscale.base.errors import ConfigError
from chemscale.base.progress import progress_bar
from chemscale.forcefields.calculator import ForceFieldCalculator
from chemscale.forcefields.force_field import ForceField

BLOCKS = 20
FS_PER_PS, MILLI = 1000.0, 1000.0


@dataclass(frozen=True)
class Drift:
    """The total energy of a trajectory at constant energy.

    Attributes:
        drift: slope of a straight line through it, in meV per atom and ps.
        drift_error: standard error of the slope, from means over 20 blocks, in meV per atom and ps.
        fluctuation: root mean square about the line, in meV per atom.
        temperature: mean of the trajectory in K.
        energies: total energy at every step, the first included, in eV [steps + 1].
        timestep_fs: in fs.
    """

    drift: float
    drift_error: float
    fluctuation: float
    temperature: float
    energies: npt.NDArray[np.float64]
    timestep_fs: float

    def __str__(self) -> str:
        return (
            f"drift {self.drift:.3g} +- {self.drift_error:.2g} meV per atom and ps, "
            f"fluctuation {self.fluctuation:.3g} meV per atom, {self.temperature:.0f} K"
        )


def energy_drift(
    model: Calculator | ForceField | Path | str,
    atoms: ase.Atoms,
    *,
    timestep_fs: float = 0.5,
    steps: int = 2000,
    temperature: float = 300.0,
    seed: int = 0,
) -> Drift:
    """Run dynamics at constant energy (velocity Verlet) from a random start, and fit a line to the total energy.

    With forces that are the exact gradient of the energy, what is left falls with the square of the time step, and a
    long trajectory does not drift. In a short one the slow exchange of energy between stiff and soft motions looks like
    a drift: halve the time step to see which of the two it is.

    Args:
        model: any calculator of ASE, a force field, or a run folder.
        atoms: where to start; near a minimum, half of the start temperature goes into potential energy. Not changed.
        timestep_fs: in fs; 0.5 where there are hydrogen atoms.
        steps: at least 100.
        temperature: of the start velocities, in K.
        seed: of the start velocities.

    Raises:
        ConfigError: a setting is not allowed.
        DataError: the calculator refuses a structure, for instance because atoms flew apart.
    """
    if steps < 5 * BLOCKS:
        raise ConfigError(
            f"steps: {steps} is not allowed; expected {5 * BLOCKS} or more, to tell a drift from an oscillation"
        )
    if not 0.0 < timestep_fs < float("inf") or not 0.0 <= temperature < float("inf"):
        raise ConfigError(f"timestep_fs: {timestep_fs}, temperature: {temperature}; expected positive numbers")
    moving = atoms.copy()
    moving.calc = model if isinstance(model, Calculator) else ForceFieldCalculator(model)
    _set_velocities(moving, temperature, seed)
    dynamics = VelocityVerlet(moving, timestep=timestep_fs * units.fs)
    energies, temperatures = [], []
    with progress_bar("dynamics", steps, "steps") as bar:
        for _ in dynamics.irun(steps):
            energies.append(moving.get_total_energy())
            temperatures.append(moving.get_temperature())
            bar.update(dynamics.nsteps)
    return _drift(np.array(energies), len(moving), timestep_fs, float(np.mean(temperatures)))


def _set_velocities(atoms: ase.Atoms, temperature: float, seed: int) -> None:
    """Maxwell-Boltzmann, without motion of the whole."""
    deviations = np.sqrt(units.kB * temperature * atoms.get_masses())
    atoms.set_momenta(np.random.default_rng(seed).normal(size=(len(atoms), 3)) * deviations[:, None])
    Stationary(atoms)
    if len(atoms) > 1 and not atoms.pbc.any():
        with np.errstate(divide="ignore", invalid="ignore"):  # a linear molecule has no inertia about its axis
            ZeroRotation(atoms)


def _drift(energies: npt.NDArray[np.float64], n_atoms: int, timestep_fs: float, temperature: float) -> Drift:
    times = np.arange(len(energies)) * (timestep_fs / FS_PER_PS)
    per_atom = MILLI * (energies - energies[0]) / n_atoms
    slope, constant = np.polyfit(times, per_atom, 1)
    block_times = np.array([part.mean() for part in np.array_split(times, BLOCKS)])
    block_means = np.array([part.mean() for part in np.array_split(per_atom, BLOCKS)])
    rest = block_means - (slope * block_times + constant)
    error = np.sqrt(np.square(rest).sum() / (BLOCKS - 2) / np.square(block_times - block_times.mean()).sum())
    fluctuation = np.sqrt(np.square(per_atom - (slope * times + constant)).mean())
    return Drift(float(slope), float(error), float(fluctuation), temperature, energies, timestep_fs)
