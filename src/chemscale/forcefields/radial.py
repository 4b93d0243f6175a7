"""Functions of a distance: bases that resolve it, and cutoffs that end it. r in angstrom [n_pairs]."""

import math

import torch
from torch import Tensor


def gaussian_basis(r: Tensor, centres: Tensor, widths: Tensor) -> Tensor:
    """exp(-(r - mu_k)^2 / (2 sigma_k^2)) (Schuett et al. 2018): [n_pairs] -> [n_pairs, n_basis].

    Args:
        r: distances.
        centres: mu_k in angstrom [n_basis].
        widths: sigma_k in angstrom [n_basis].
    """
    return torch.exp(-0.5 * ((r.unsqueeze(-1) - centres) / widths).square())


def even_gaussians(n_basis: int, cutoff: float) -> tuple[Tensor, Tensor]:
    """Centres evenly from 0 to the cutoff and widths equal to their distance, in angstrom: two times [n_basis]."""
    centres = torch.linspace(0.0, cutoff, n_basis)
    return centres, (centres[1] - centres[0]).expand(n_basis).clone()


def bessel_basis(r: Tensor, n_basis: int, cutoff: float) -> Tensor:
    """sin(k pi r / cutoff) / r for k = 1 .. n_basis (Gasteiger et al. 2020, Eq. 7, without its prefactor)."""
    frequencies = torch.arange(1, n_basis + 1, dtype=r.dtype, device=r.device) * (math.pi / cutoff)
    return torch.sin(r.unsqueeze(-1) * frequencies) / r.unsqueeze(-1)


def cosine_cutoff(r: Tensor, cutoff: float) -> Tensor:
    """(cos(pi r / cutoff) + 1) / 2 within the cutoff, 0 beyond (Behler and Parrinello 2007, Eq. 4)."""
    return torch.where(r < cutoff, 0.5 * (torch.cos(r * (math.pi / cutoff)) + 1.0), torch.zeros_like(r))


def polynomial_cutoff(r: Tensor, cutoff: float, p: int = 6) -> Tensor:
    """1 - (p+1)(p+2)/2 x^p + p(p+2) x^(p+1) - p(p+1)/2 x^(p+2), x = r / cutoff (Gasteiger et al. 2020, Eq. 8)."""
    x = r / cutoff
    inner = 1.0 - x**p * (0.5 * (p + 1) * (p + 2) - x * (p * (p + 2) - x * (0.5 * p * (p + 1))))
    return torch.where(r < cutoff, inner, torch.zeros_like(r))


def bump_cutoff(r: Tensor, cutoff: float) -> Tensor:
    """exp(-r^2 / ((cutoff - r)(cutoff + r))): all derivatives vanish at the cutoff (Unke et al. 2021, Eq. 16)."""
    inside = r < cutoff
    safe = torch.where(inside, r, torch.zeros_like(r))
    return torch.where(inside, torch.exp(-safe.square() / ((cutoff - safe) * (cutoff + safe))), torch.zeros_like(r))
