from itertools import pairwise

import pytest
import torch
from torch import Tensor

from chemscale.base.errors import UserError
from chemscale.forcefields.equivariant.irreps import allowed_irreps, harmonic_irreps, layer_irreps
from chemscale.forcefields.equivariant.product_paths import ProductPaths, product_paths
from chemscale.forcefields.equivariant.tensor_product import tensor_product
from chemscale.forcefields.native.library import native_available
from chemscale.forcefields.segments import Segments

CENTRES = torch.tensor([0, 0, 0, 2, 2, 3, 3, 3, 3, 3, 5])  # atoms 1 and 4 have no edge
N_ATOMS = 6
native = pytest.param("native", marks=pytest.mark.skipif(not native_available(), reason="needs a C++ compiler"))


def products(l_max: int, depth: int) -> list[ProductPaths]:
    environment = harmonic_irreps(l_max, "o3_full")
    layers = layer_irreps(environment, allowed_irreps(l_max, "o3_full"), depth)
    return [product_paths(before, environment, after) for before, after in pairwise(layers)]


def inputs(paths: ProductPaths, channels: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(3)
    dim_1, dim_2, _ = paths.dims
    shapes = [(len(CENTRES), dim_1, channels), (N_ATOMS, dim_2, channels), (paths.n_paths, channels)]
    return [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]


def textbook(features: Tensor, environment: Tensor, weights: Tensor, paths: ProductPaths) -> Tensor:
    """Every path for every edge, as the formula stands."""
    return torch.einsum(
        "pu,pjik,eiu,eju->eku", weights, paths.coefficients, features, environment.index_select(0, CENTRES)
    )


@pytest.mark.parametrize("backend", ["torch", native])
@pytest.mark.parametrize("channels", [6, 16])
@pytest.mark.parametrize(("l_max", "layer"), [(1, 0), (1, 2), (2, 0), (2, 1), (2, 2)])
def test_it_is_the_formula_with_first_and_second_derivatives(
    backend: str, channels: int, l_max: int, layer: int
) -> None:
    paths = products(l_max, 3)[layer]
    features, environment, weights = leaves = inputs(paths, channels)
    product, scalars = tensor_product(*leaves, paths, Segments.of(CENTRES, N_ATOMS), backend)
    expected = textbook(features, environment, weights, paths)
    torch.testing.assert_close(product, expected)
    torch.testing.assert_close(scalars, expected[:, 0])

    generator = torch.Generator().manual_seed(4)
    slope = torch.randn(product.shape, generator=generator, dtype=torch.float64, requires_grad=True)
    found = torch.autograd.grad((product * slope).sum() + (scalars**2).sum(), leaves, create_graph=True)
    wanted = torch.autograd.grad((expected * slope).sum() + (expected[:, 0] ** 2).sum(), leaves, create_graph=True)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)
    for part in ([0], [1], [0, 1, 2]):  # of the first derivatives
        second = [
            torch.autograd.grad(sum((g[n] ** 3).sum() for n in part), [*leaves, slope], retain_graph=True)
            for g in (found, wanted)
        ]
        for one, other in zip(*second, strict=True):
            torch.testing.assert_close(one, other)


@pytest.mark.parametrize("backend", ["torch", native])
def test_no_edges_give_no_products(backend: str) -> None:
    paths = products(2, 2)[0]
    _, environment, weights = inputs(paths, 6)
    none = Segments.of(torch.zeros(0, dtype=torch.long), N_ATOMS)
    product, scalars = tensor_product(torch.zeros(0, 9, 6).double(), environment, weights, paths, none, backend)
    assert product.shape == (0, 9, 6) and scalars.shape == (0, 6)


@pytest.mark.skipif(not native_available(), reason="needs a C++ compiler")
def test_the_number_of_threads_does_not_change_a_bit() -> None:
    paths = products(2, 3)[1]
    generator = torch.Generator().manual_seed(0)
    centres = torch.sort(torch.randint(0, 400, (4000,), generator=generator)).values
    shapes = [(4000, paths.dims[0], 16), (400, paths.dims[1], 16), (paths.n_paths, 16)]
    leaves = [torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes]
    before, results = torch.get_num_threads(), []
    for n_threads in (1, 3):
        torch.set_num_threads(n_threads)
        product, _ = tensor_product(*leaves, paths, Segments.of(centres, 400), "native")
        results.append([product, *torch.autograd.grad(product.square().sum(), leaves)])
    torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


@pytest.mark.skipif(not native_available(), reason="needs a C++ compiler")
@pytest.mark.parametrize("variable", [0, 1, 2])
def test_a_third_derivative_of_the_native_product_is_refused(variable: int) -> None:
    paths = products(1, 2)[0]
    leaves = inputs(paths, 6)
    product, _ = tensor_product(*leaves, paths, Segments.of(CENTRES, N_ATOMS), "native")
    first = torch.autograd.grad(product.square().sum(), leaves, create_graph=True)
    second = torch.autograd.grad(sum(slope.sum() for slope in first), leaves, create_graph=True)
    with pytest.raises(UserError, match="differentiated three times"):
        torch.autograd.grad(second[variable].sum(), leaves)
