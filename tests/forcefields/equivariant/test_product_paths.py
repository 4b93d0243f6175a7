import torch

from chemscale.forcefields.equivariant.irreps import allowed_irreps, harmonic_irreps
from chemscale.forcefields.equivariant.product_paths import product_paths

HARMONICS = harmonic_irreps(2, "o3_full")


def test_paths_of_order_one_are_the_products_of_vector_algebra() -> None:
    vectors = harmonic_irreps(1, "o3_full")
    paths = product_paths(vectors, vectors, allowed_irreps(1, "o3_full")[:1])  # to a scalar: a b and a . b / sqrt(3)
    assert paths.n_paths == 2 and paths.dims == (4, 4, 1)
    a, b = torch.randn(4, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    results = torch.einsum("pjik,i,j->pk", paths.coefficients, a, b).squeeze(-1)
    torch.testing.assert_close(results, torch.stack([a[0] * b[0], a[1:] @ b[1:] / 3**0.5]))


def test_the_sparse_list_is_the_dense_tensor() -> None:
    paths = product_paths(HARMONICS, HARMONICS, allowed_irreps(2, "o3_full"))
    dense = torch.zeros_like(paths.coefficients)
    for (path, i, j, k), value in zip(paths.index.tolist(), paths.values, strict=True):
        dense[path, j, i, k] = value
    torch.testing.assert_close(dense, paths.coefficients, rtol=0, atol=0)
    assert (paths.values != 0).all() and len(paths.values) < 0.05 * dense.numel()


def test_ways_counts_the_paths_to_each_irrep() -> None:
    paths = product_paths(HARMONICS, HARMONICS, HARMONICS)
    # to 0e: 00, 11, 22; to 1o: 01, 10, 12, 21; to 2e: 02, 11, 20, 22
    assert paths.ways.tolist() == [3.0] * 3 + [4.0] * 4 + [4.0] * 4


def test_equal_irreps_share_one_object() -> None:
    assert product_paths(HARMONICS, HARMONICS, HARMONICS) is product_paths(HARMONICS, HARMONICS, tuple(HARMONICS))
