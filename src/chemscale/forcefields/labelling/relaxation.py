"""A few quasi-Newton steps towards the minimum of the labelling method, started from a classical Hessian."""

import numpy as np
import numpy.typing as npt

from chemscale.forcefields.labelling.displacements import nonzero_modes
from chemscale.forcefields.labelling.dynamics import Label, Labelled

_LONGEST_STEP = 0.15


def relax(
    label: Label,
    positions: npt.NDArray[np.float64],
    hessian: npt.NDArray[np.float64],
    *,
    max_force: float,
    max_steps: int,
) -> tuple[list[Labelled], npt.NDArray[np.float64]]:
    """Relax a geometry: x <- x + H^-1 F, with H updated by BFGS (Nocedal and Wright, 2006, eq. 6.19).

    A step that raises the energy is taken back by half. Steps are cut to 0.15 angstrom for the atom that moves most.

    Args:
        label: positions [n_atoms, 3] -> energy in eV, forces in eV/angstrom [n_atoms, 3].
        positions: the start, in angstrom [n_atoms, 3].
        hessian: a first guess, in eV/angstrom^2 [3 n_atoms, 3 n_atoms].
        max_force: stop where no component is larger, in eV/angstrom.
        max_steps: stop after so many steps in any case.

    Returns:
        Every geometry on the way that lowered the energy, with its label, the start first and the best last; and the
        updated Hessian.

    Raises:
        LabelError: a geometry on the way has no label.
    """
    energy, forces = label(positions)
    path: list[Labelled] = [(positions, energy, forces)]
    scale = 1.0
    for _ in range(max_steps):
        at, lowest, forces = path[-1]
        if np.abs(forces).max() <= max_force:
            break
        step = scale * _newton_step(hessian, forces, at)
        energy, new_forces = label(at + step)
        hessian = _updated(hessian, step.reshape(-1), (forces - new_forces).reshape(-1))
        scale = 1.0 if energy < lowest else 0.5 * scale
        if energy < lowest:
            path.append((at + step, energy, new_forces))
    return path, hessian


def _newton_step(
    hessian: npt.NDArray[np.float64], forces: npt.NDArray[np.float64], positions: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    curvatures, modes = nonzero_modes(hessian, positions)
    step = (modes @ ((modes.T @ forces.reshape(-1)) / np.maximum(np.abs(curvatures), 1.0))).reshape(-1, 3)
    longest = np.linalg.norm(step, axis=1).max()
    return step * min(1.0, _LONGEST_STEP / max(longest, 1e-12))


def _updated(
    hessian: npt.NDArray[np.float64], step: npt.NDArray[np.float64], change: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """BFGS update, left out where the curvature along the step is not positive; `change` is that of the gradient."""
    curvature = float(change @ step)
    pushed = hessian @ step
    stiffness = float(step @ pushed)
    if curvature <= 1e-8 or stiffness <= 1e-8:
        return hessian
    return hessian + np.outer(change, change) / curvature - np.outer(pushed, pushed) / stiffness
