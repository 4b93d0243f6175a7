"""Bernstein polynomials add up to one, so the basis has a closed sum."""

import math

import torch

from chemscale.forcefields.spooky.radial_basis import RadialBasis


def test_the_basis_sums_to_the_envelope_times_the_decay() -> None:
    basis = RadialBasis(16, 5.0).double()
    r = torch.linspace(0.05, 4.9, 40, dtype=torch.float64)
    values = basis(r, basis.envelope(r))
    decay = torch.exp(-r / (2 * 0.5291772105638411))
    torch.testing.assert_close(values.sum(1), basis.envelope(r) * decay, rtol=1e-6, atol=0)
    assert values.shape == (40, 16) and (values >= 0).all()


def test_one_function_by_hand() -> None:
    basis = RadialBasis(4, 5.0).double()
    r = 1.3
    u = math.exp(-r / (2 * 0.5291772105638411))
    envelope = math.exp(-(r**2) / (25 - r**2))
    by_hand = [envelope * u * math.comb(3, v) * u ** (3 - v) * (1 - u) ** v for v in range(4)]
    place = torch.tensor([r], dtype=torch.float64)
    torch.testing.assert_close(basis(place, basis.envelope(place))[0].tolist(), by_hand, rtol=1e-6, atol=0)


def test_nothing_is_left_at_the_cutoff_and_no_slope_is_broken() -> None:
    basis = RadialBasis(8, 5.0).double()
    r = torch.tensor([1e-3, 2.0, 4.999999, 5.0, 6.0], dtype=torch.float64, requires_grad=True)
    values = basis(r, basis.envelope(r))
    assert not values[2:].any()
    (slope,) = torch.autograd.grad(values.sum(), r)
    assert torch.isfinite(slope).all() and not slope[2:].any()
