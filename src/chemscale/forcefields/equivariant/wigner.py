"""Real Wigner 3j tensors up to order 2, from traces of products of 3 x 3 matrices.

A scalar is a multiple of the unit matrix, a vector an antisymmetric matrix, an order-2 tensor a traceless symmetric
matrix, and a rotation turns each as R A R^T. So trace(A B C) is the one form, up to a factor, that is linear in three
such quantities and invariant; its coefficients, scaled to norm 1, are the 3j tensor.
"""

import functools
import math

import numpy as np
import numpy.typing as npt

from chemscale.forcefields.equivariant.irreps import L_MAX

SQRT2, SQRT6 = math.sqrt(2.0), math.sqrt(6.0)
NEGATIVE_TRACES = ((0, 1, 1), (1, 2, 2))


def wigner_3j(l1: int, l2: int, l3: int) -> npt.NDArray[np.float64]:
    """The invariant form of three irreps, [2 l1 + 1, 2 l2 + 1, 2 l3 + 1], with norm 1.

    Order and sign of the components as in e3nn (Geiger and Smidt 2022): (x, y, z) for l = 1 and
    (xz, xy, 2 y^2 - x^2 - z^2, yz, z^2 - x^2) for l = 2.

    Raises:
        ValueError: an order above 2, or three that do not couple.
    """
    if max(l1, l2, l3) > L_MAX or not abs(l1 - l2) <= l3 <= l1 + l2:
        raise ValueError(f"orders {l1}, {l2}, {l3}: expected three up to {L_MAX} that can be coupled")
    first, second, third = (_matrices(l) for l in (l1, l2, l3))  # noqa: E741
    form: npt.NDArray[np.float64] = np.einsum("iab,jbc,kca->ijk", first, second, third, optimize=True)
    sign = -1.0 if tuple(sorted((l1, l2, l3))) in NEGATIVE_TRACES else 1.0
    return np.asarray(sign * form / np.linalg.norm(form))


@functools.cache
def _matrices(l: int) -> npt.NDArray[np.float64]:  # noqa: E741
    """An orthonormal basis of the irrep as matrices [2 l + 1, 3, 3]."""
    x, y, z = np.eye(3)
    if l == 0:
        return np.asarray([np.eye(3) / math.sqrt(3.0)])
    if l == 1:
        return np.asarray([np.cross(axis, np.eye(3)) / SQRT2 for axis in (x, y, z)])
    yy = (2 * np.outer(y, y) - np.outer(x, x) - np.outer(z, z)) / SQRT6
    zz_xx = (np.outer(z, z) - np.outer(x, x)) / SQRT2
    return np.asarray([_mixed(x, z), _mixed(x, y), yy, _mixed(y, z), zz_xx])


def _mixed(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray((np.outer(a, b) + np.outer(b, a)) / SQRT2)
