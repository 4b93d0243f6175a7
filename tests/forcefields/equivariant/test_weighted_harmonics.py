import pytest
import torch

from chemscale.base.errors import UserError
from chemscale.forcefields.equivariant.weighted_harmonics import environments, weighted_harmonics
from chemscale.forcefields.native.library import native_available
from chemscale.forcefields.segments import Segments

CENTRES = torch.tensor([0, 0, 2, 2, 2, 2, 4])
native = pytest.param("native", marks=pytest.mark.skipif(not native_available(), reason="needs a C++ compiler"))


@pytest.mark.parametrize("backend", ["torch", native])
@pytest.mark.parametrize(("l_max", "channels"), [(1, 16), (2, 6)])
@pytest.mark.parametrize("summed", [True, False])
def test_they_are_the_formula_with_first_and_second_derivatives(
    backend: str, l_max: int, channels: int, summed: bool
) -> None:
    generator = torch.Generator().manual_seed(2)
    wide = torch.randn(7, 5 + (l_max + 1) * channels, generator=generator, dtype=torch.float64, requires_grad=True)
    harmonics = torch.randn(7, (l_max + 1) ** 2, generator=generator, dtype=torch.float64, requires_grad=True)
    weights = wide[:, 5:].reshape(7, l_max + 1, channels)  # part of a longer row, as the network has it
    order = torch.tensor([0, 1, 1, 1, 2, 2, 2, 2, 2])[: (l_max + 1) ** 2]
    expected = weights[:, order] * harmonics.unsqueeze(-1)
    if summed:
        expected = torch.stack([expected[n == CENTRES].sum(0) for n in range(5)])
        result = environments(weights, harmonics, Segments.of(CENTRES, 5), backend)
    else:
        result = weighted_harmonics(weights, harmonics, backend)
    torch.testing.assert_close(result, expected)

    slope = torch.randn(result.shape, generator=generator, dtype=torch.float64, requires_grad=True)
    leaves = [wide, harmonics]
    first = [torch.autograd.grad((x * slope).sum(), leaves, create_graph=True) for x in (result, expected)]
    for one, other in zip(*first, strict=True):
        torch.testing.assert_close(one, other)
    for part, variables in (([0], [harmonics, slope]), ([1], [wide, slope]), ([0, 1], [*leaves, slope])):
        second = [
            torch.autograd.grad(sum((g[n] ** 3).sum() for n in part), variables, retain_graph=True) for g in first
        ]
        for one, other in zip(*second, strict=True):
            torch.testing.assert_close(one, other)


@pytest.mark.skipif(not native_available(), reason="needs a C++ compiler")
@pytest.mark.parametrize("variable", [0, 1])
def test_a_third_derivative_of_the_native_sums_is_refused(variable: int) -> None:
    torch.manual_seed(0)
    leaves = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((7, 2, 16), (7, 4))]
    sums = environments(*leaves, Segments.of(CENTRES, 5), "native")
    first = torch.autograd.grad(sums.square().sum(), leaves, create_graph=True)
    second = torch.autograd.grad(sum(slope.sum() for slope in first), leaves, create_graph=True)
    with pytest.raises(UserError, match="differentiated three times"):
        torch.autograd.grad(second[variable].sum(), leaves)
