"""Short Langevin dynamics on the labelling method itself, for frames that no straight displacement reaches."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from chemscale.forcefields.labelling.displacements import BOLTZMANN

Label = Callable[[npt.NDArray[np.float64]], tuple[float, npt.NDArray[np.float64]]]
Labelled = tuple[npt.NDArray[np.float64], float, npt.NDArray[np.float64]]
EV_PER_AMU_ANGSTROM2_PER_FS2 = 103.642696562
HYDROGEN_MASS = 4.0
"""In amu. The classical distribution of positions does not depend on the masses; heavy hydrogens allow longer steps
(Feenstra, Hess and Berendsen, 1999)."""


def langevin(
    label: Label,
    start: Labelled,
    masses: npt.NDArray[np.float64],
    *,
    temperature: float,
    time_step: float,
    friction: float,
    random: np.random.Generator,
) -> Iterator[Labelled]:
    """Langevin dynamics in the BAOAB splitting (Leimkuhler and Matthews, 2013), one labelled geometry a step, unending.

    The start is not yielded. Velocities start from the Maxwell distribution.

    Args:
        label: positions [n_atoms, 3] -> energy in eV, forces in eV/angstrom [n_atoms, 3].
        start: a labelled geometry.
        masses: in amu [n_atoms].
        temperature: in kelvin.
        time_step: in fs.
        friction: in 1/fs.
        random: velocities and thermal noise come from here.

    Raises:
        LabelError: a geometry on the way has no label.
    """
    positions, _, forces = start
    inertia = masses[:, None] * EV_PER_AMU_ANGSTROM2_PER_FS2
    thermal = np.sqrt(BOLTZMANN * temperature / inertia)
    kept = np.exp(-friction * time_step)
    fresh = np.sqrt(1.0 - kept**2)
    velocities = thermal * random.standard_normal(positions.shape)
    while True:
        velocities = velocities + 0.5 * time_step * forces / inertia
        positions = positions + 0.5 * time_step * velocities
        velocities = kept * velocities + fresh * thermal * random.standard_normal(positions.shape)
        positions = positions + 0.5 * time_step * velocities
        energy, forces = label(positions)
        velocities = velocities + 0.5 * time_step * forces / inertia
        yield positions, energy, forces
