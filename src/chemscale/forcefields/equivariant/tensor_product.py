"""The tensor product of edge features with the environment of the edge's centre, contracted at the atom first.

    M[n, i, k, u]   = sum_p weight[p, u] sum_j C_p[i, j, k] environment[n, j, u]       once per atom
    out[e, k, u]    = sum_i features[e, i, u] M[centre(e), i, k, u]                    once per edge

The second line is what a product costs per edge: the size of M per atom, and not the outer product of features and
environment for every edge and path. C has the real Wigner 3j tensors, each times sqrt(2 l_out + 1).
"""

import torch
from torch import Tensor

from chemscale.forcefields.equivariant.native_product import native_product
from chemscale.forcefields.equivariant.product_paths import ProductPaths
from chemscale.forcefields.segments import Segments


def node_matrices(environment: Tensor, weights: Tensor, paths: ProductPaths) -> Tensor:
    """M of the module's first line.

    Args:
        environment: [n_atoms, environment, channels].
        weights: of the paths [n_paths, channels].
        paths: what couples.

    Returns:
        [n_atoms, features, product, channels].
    """
    dim_1, dim_2, dim_out = paths.dims
    coefficients = paths.coefficients.to(weights)
    weighted = (weights.T @ coefficients.reshape(paths.n_paths, -1)).reshape(-1, dim_2, dim_1 * dim_out)
    matrices = torch.bmm(environment.permute(2, 0, 1), weighted)  # [channels, n_atoms, features * product]
    return matrices.permute(1, 2, 0).reshape(-1, dim_1, dim_out, matrices.shape[0])


def tensor_product(
    features: Tensor, environment: Tensor, weights: Tensor, paths: ProductPaths, centre: Segments, backend: str
) -> tuple[Tensor, Tensor]:
    """The product.

    Args:
        features: [n_edges, features, channels].
        environment: [n_atoms, environment, channels].
        weights: of the paths [n_paths, channels].
        paths: what couples.
        centre: the atom whose environment an edge meets; edges are sorted by it.
        backend: "torch" or "native".

    Returns:
        The product [n_edges, product, channels], and its first component, a scalar, once more [n_edges, channels].
    """
    if backend == "native":
        return native_product(features, environment, weights, paths, centre)
    product = _torch_product(features, environment, weights, paths, centre)
    return product, product[:, 0]


def _torch_product(
    features: Tensor, environment: Tensor, weights: Tensor, paths: ProductPaths, centre: Segments
) -> Tensor:
    # one component of the features at a time, so that no edge holds a copy of M
    matrices = node_matrices(environment, weights, paths)
    terms = (features[:, i].unsqueeze(1) * centre.gather(matrices[:, i]) for i in range(paths.dims[0]))
    out = next(terms)
    for term in terms:
        out = out + term
    return out
