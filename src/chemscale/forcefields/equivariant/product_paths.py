"""All ways in which features and an environment couple to new features, and their coefficients."""

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chemscale.forcefields.equivariant.irreps import Irrep, Irreps, couples, dimension, slices
from chemscale.forcefields.equivariant.wigner import wigner_3j

Path = tuple[tuple[slice, Irrep], tuple[slice, Irrep], tuple[slice, Irrep]]


@dataclass(frozen=True, eq=False)  # `product_paths` gives one object for the same irreps
class ProductPaths:
    """The paths (i_1, i_2) -> i_out of a tensor product and their coefficients sqrt(2 l_out + 1) w3j.

    Attributes:
        dims: components of the features, of the environment and of the product.
        coefficients: [n_paths, environment, features, product], float64.
        index: path and component of the features, of the environment, of the product of every coefficient that is not
            zero, int32 [n_nonzero, 4].
        values: these coefficients [n_nonzero].
        ways: for every path, how many lead to the same irrep of the product [n_paths].
    """

    dims: tuple[int, int, int]
    coefficients: Tensor
    index: npt.NDArray[np.int32]
    values: npt.NDArray[np.float64]
    ways: Tensor

    @property
    def n_paths(self) -> int:
        """Number of paths; a weight belongs to each."""
        return self.coefficients.shape[0]


@functools.cache
def product_paths(features: Irreps, environment: Irreps, product: Irreps) -> ProductPaths:
    """Every path, ordered by product, then features, then environment."""
    paths = list(_paths(features, environment, product))
    dims = dimension(features), dimension(environment), dimension(product)
    coefficients = np.zeros((len(paths), dims[1], dims[0], dims[2]))
    for n, ((at_1, first), (at_2, second), (at_out, out)) in enumerate(paths):
        tensor = math.sqrt(out.dim) * wigner_3j(first.l, second.l, out.l)
        coefficients[n, at_2, at_1, at_out] = tensor.transpose(1, 0, 2)
    coefficients[np.abs(coefficients) < 1e-12] = 0.0
    places = np.argwhere(coefficients)
    goals = [at.start for _, _, (at, _) in paths]
    return ProductPaths(
        dims,
        torch.from_numpy(coefficients),
        np.ascontiguousarray(places[:, [0, 2, 1, 3]], np.int32),
        coefficients[tuple(places.T)],
        torch.tensor([float(goals.count(goal)) for goal in goals]),
    )


def _paths(features: Irreps, environment: Irreps, product: Irreps) -> Iterator[Path]:
    for out in zip(slices(product), product, strict=True):
        for first in zip(slices(features), features, strict=True):
            for second in zip(slices(environment), environment, strict=True):
                if couples(first[1], second[1], out[1]):
                    yield first, second, out
