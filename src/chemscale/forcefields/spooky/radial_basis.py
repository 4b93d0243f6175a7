"""Exponential Bernstein polynomials of a distance (Unke et al. 2021, Eq. 13).

    g_v(r) = f(r) u B_v(u),   u = exp(-gamma r),   B_v(u) = binomial(K - 1, v) u^(K-1-v) (1 - u)^v,   v = 0 .. K - 1

f is the bump function that ends at the cutoff, gamma is learned; the factor u lets the basis decay with distance.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from chemscale.forcefields.physics.constants import BOHR, softplus_inverse
from chemscale.forcefields.radial import bump_cutoff

GAMMA = 0.5 / BOHR  # per angstrom


class RadialBasis(nn.Module):
    """g_v(r) with a learned decay gamma = softplus(free_gamma).

    Args:
        n_basis: K.
        cutoff: in angstrom.
    """

    log_binomials: Tensor
    orders: Tensor

    def __init__(self, n_basis: int, cutoff: float) -> None:
        super().__init__()
        self.cutoff = cutoff
        self.free_gamma = nn.Parameter(torch.tensor(softplus_inverse(GAMMA)))
        top = n_basis - 1
        log_binomials = [math.lgamma(top + 1) - math.lgamma(v + 1) - math.lgamma(top - v + 1) for v in range(n_basis)]
        self.register_buffer("log_binomials", torch.tensor(log_binomials, dtype=torch.float64), persistent=False)
        self.register_buffer("orders", torch.arange(n_basis, dtype=torch.float64), persistent=False)

    def forward(self, r: Tensor, envelope: Tensor) -> Tensor:
        """Distances and f(r), both [n_pairs] -> [n_pairs, n_basis]."""
        exponent = -functional.softplus(self.free_gamma) * r.unsqueeze(-1)
        orders, top = self.orders.to(r.dtype), self.orders.shape[0] - 1
        rising = torch.log(-torch.expm1(exponent))  # logarithms, because a power of 1 - u underflows near r = 0
        logarithm = self.log_binomials.to(r.dtype) + (top + 1 - orders) * exponent + orders * rising
        return envelope.unsqueeze(-1) * torch.exp(logarithm)

    def envelope(self, r: Tensor) -> Tensor:
        """f(r) [n_pairs]."""
        return bump_cutoff(r, self.cutoff)
