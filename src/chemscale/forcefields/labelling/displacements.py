"""Displaced geometries: along normal modes with thermal amplitudes, and at random."""

import functools
import math

import numpy as np
import numpy.typing as npt

BOLTZMANN = 8.617333262e-5
"""In eV/K."""
SOFTEST_CURVATURE = 1.5
"""In eV/angstrom^2: softer modes are sampled as if they were this stiff, as straight displacements along torsions
stretch bonds."""


def nonzero_modes(
    hessian: npt.NDArray[np.float64], positions: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Curvatures and directions of a Hessian without translations and rotations of the whole molecule.

    Args:
        hessian: in eV/angstrom^2 [3 n_atoms, 3 n_atoms].
        positions: in angstrom [n_atoms, 3].

    Returns:
        Curvatures in eV/angstrom^2 [n_modes], and orthonormal directions as columns [3 n_atoms, n_modes].
    """
    rigid = _rigid_motions(positions)
    inner = np.linalg.svd(rigid, full_matrices=True)[0][:, rigid.shape[1] :]
    curvatures, directions = np.linalg.eigh(inner.T @ hessian @ inner)
    return curvatures, inner @ directions


def along_normal_modes(
    positions: npt.NDArray[np.float64],
    curvatures: npt.NDArray[np.float64],
    modes: npt.NDArray[np.float64],
    temperature: float,
    random: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """One sample of the classical harmonic distribution around a minimum: x = x0 + sum_k sqrt(k_B T / c_k) g_k u_k.

    The classical distribution of positions does not depend on the masses, so unweighted modes give the same samples as
    mass-weighted ones. Modes softer than `SOFTEST_CURVATURE` are taken as that stiff.

    Args:
        positions: the minimum, in angstrom [n_atoms, 3].
        curvatures: c_k in eV/angstrom^2 [n_modes].
        modes: u_k, orthonormal columns [3 n_atoms, n_modes].
        temperature: T in kelvin.
        random: g_k, standard normal numbers, come from here.

    Returns:
        In angstrom [n_atoms, 3].
    """
    widths = np.sqrt(BOLTZMANN * temperature / np.maximum(curvatures, SOFTEST_CURVATURE))
    return positions + (modes @ (widths * random.standard_normal(len(widths)))).reshape(-1, 3)


def at_random(positions: npt.NDArray[np.float64], sigma: float, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Every coordinate moved by a normal number of width `sigma`, in angstrom [n_atoms, 3]."""
    return positions + sigma * random.standard_normal(positions.shape)


def smallest_distance(positions: npt.NDArray[np.float64]) -> float:
    """The distance of the two closest atoms in angstrom; infinite for one atom."""
    first, second = _pairs(len(positions))
    squares = ((positions[first] - positions[second]) ** 2).sum(axis=1)
    return math.sqrt(squares.min(initial=np.inf))


@functools.cache
def _pairs(n_atoms: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    first, second = np.triu_indices(n_atoms, k=1)
    return first, second


def _rigid_motions(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Orthonormal translations and rotations as columns: six, five for a line of atoms, three for one atom."""
    n_atoms = len(positions)
    centred = positions - positions.mean(axis=0)
    translations = [np.tile(axis, n_atoms) for axis in np.eye(3)]
    rotations = [np.cross(axis, centred).reshape(-1) for axis in np.eye(3)]
    left, strengths, _ = np.linalg.svd(np.array(translations + rotations).T, full_matrices=False)
    return left[:, strengths > 1e-3 * strengths[0]]
