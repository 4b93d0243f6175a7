"""Sums over neighbours against plain loops, and what the angles are."""

import pytest
import torch

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.native.library import native_available
from chemscale.forcefields.segments import Segments
from chemscale.forcefields.spooky.directional_sums import directional_sums, harmonics

FIRST, SECOND = [0, 0, 1, 3, 3, 4], [1, 2, 2, 4, 5, 5]  # two molecules of three atoms, atom 6 alone
BACKENDS = [False, pytest.param(True, marks=pytest.mark.skipif(not native_available(), reason="no C++ compiler"))]


def small_graph() -> AtomGraph:
    ends = [Segments.of(torch.tensor(end), 7) for end in (FIRST, SECOND)]
    frames = Segments.of(torch.tensor([0, 0, 0, 1, 1, 1, 2]), 3)
    return AtomGraph(torch.ones(7, dtype=torch.int64), frames, ends[0], ends[1], None, torch.zeros(3), torch.zeros(3))


@pytest.mark.parametrize("native", BACKENDS)
@pytest.mark.parametrize("width", [1, 4, 16])
def test_sums_are_those_of_a_loop_over_directed_pairs(native: bool, width: int) -> None:
    torch.manual_seed(0)
    vectors = torch.randn(6, 3, dtype=torch.float64)
    unit = vectors / vectors.norm(dim=1, keepdim=True)
    filters, features = torch.randn(6, 3, width).double(), torch.randn(3, 7, width).double()
    expected = torch.zeros(9, 7, width, dtype=torch.float64)
    for pair, (i, j) in enumerate(zip(FIRST, SECOND, strict=True)):
        for centre, other, direction in ((i, j, unit[pair]), (j, i, -unit[pair])):
            for c, angle in enumerate(harmonics(direction.unsqueeze(0))[0]):
                order = 0 if c == 0 else 1 if c < 4 else 2
                expected[c, centre] += angle * filters[pair, order] * features[order, other]
    sums = directional_sums(small_graph(), filters, harmonics(unit), features, native)
    torch.testing.assert_close(sums, expected, rtol=0, atol=1e-12)


def test_inner_products_of_angles_are_legendre_polynomials() -> None:
    unit = torch.nn.functional.normalize(torch.randn(20, 3, dtype=torch.float64), dim=1)
    angles, cosines = harmonics(unit), unit @ unit.T
    vector, tensor = angles[:, 1:4], angles[:, 4:]
    torch.testing.assert_close(vector @ vector.T, cosines)
    torch.testing.assert_close(tensor @ tensor.T, 1.5 * cosines**2 - 0.5)


@pytest.mark.parametrize("native", BACKENDS)
def test_no_pairs_no_sums(native: bool) -> None:
    none = Segments.of(torch.zeros(0, dtype=torch.int64), 2)
    frames = Segments.of(torch.tensor([0, 1]), 2)
    graph = AtomGraph(torch.ones(2, dtype=torch.int64), frames, none, none, None, torch.zeros(2), torch.zeros(2))
    sums = directional_sums(graph, torch.zeros(0, 3, 4), torch.zeros(0, 9), torch.ones(3, 2, 4), native)
    assert sums.shape == (9, 2, 4) and not sums.any()
