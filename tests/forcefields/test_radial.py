import math

import pytest
import torch
from torch.autograd import gradcheck

from chemscale.forcefields.radial import (
    bessel_basis,
    bump_cutoff,
    cosine_cutoff,
    even_gaussians,
    gaussian_basis,
    polynomial_cutoff,
)

CUTOFFS = {"cosine": cosine_cutoff, "polynomial": polynomial_cutoff, "bump": bump_cutoff}


def points(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_gaussians_are_one_at_their_centres_and_fall_by_the_width() -> None:
    centres, widths = points(0.0, 1.0, 2.0), points(1.0, 0.5, 2.0)
    values = gaussian_basis(points(1.0), centres, widths)[0]
    assert values.tolist() == pytest.approx([math.exp(-0.5), 1.0, math.exp(-0.125)])


def test_even_gaussians_span_the_cutoff() -> None:
    centres, widths = even_gaussians(6, 5.0)
    assert centres.tolist() == pytest.approx([0, 1, 2, 3, 4, 5]) and widths.tolist() == pytest.approx([1] * 6)


def test_bessel_functions_are_sines_that_end_at_the_cutoff() -> None:
    values = bessel_basis(points(2.5, 5.0), 3, 5.0)
    assert values[0].tolist() == pytest.approx([1 / 2.5, 0.0, -1 / 2.5], abs=1e-12)
    assert values[1].abs().max() < 1e-15


@pytest.mark.parametrize("name", CUTOFFS)
def test_cutoffs_fall_from_one_to_zero(name: str) -> None:
    r = torch.linspace(0, 6, 601, dtype=torch.float64)
    values = CUTOFFS[name](r, 5.0)
    assert values[0] == 1 and (values[:-1] >= values[1:]).all() and torch.equal(values[500:], torch.zeros(101))
    assert (values[:500] > 0).all()


@pytest.mark.parametrize(("name", "order"), [("cosine", 2), ("polynomial", 3), ("bump", 9)])
def test_cutoffs_end_smoothly(name: str, order: int) -> None:
    near, nearer = (float(CUTOFFS[name](points(5.0 - distance), 5.0)) for distance in (2e-2, 1e-2))
    assert nearer < near * 2.0**-order * 1.2


def test_known_values() -> None:
    assert float(cosine_cutoff(points(2.5), 5.0)) == pytest.approx(0.5)
    assert float(polynomial_cutoff(points(2.5), 5.0)) == pytest.approx(1 - 28 / 2**6 + 48 / 2**7 - 21 / 2**8)
    assert float(bump_cutoff(points(3.0), 5.0)) == pytest.approx(math.exp(-9 / 16))


@pytest.mark.parametrize("name", CUTOFFS)
def test_slopes_are_finite_everywhere(name: str) -> None:
    r = points(0.5, 4.0, 4.999, 5.0, 5.001, 7.0).requires_grad_()
    (slope,) = torch.autograd.grad(CUTOFFS[name](r, 5.0).sum(), r, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), r)
    assert torch.isfinite(slope).all() and torch.isfinite(bend).all() and (slope[3:] == 0).all()
    assert gradcheck(lambda x: CUTOFFS[name](x, 5.0), points(0.5, 2.0, 4.0).requires_grad_())
