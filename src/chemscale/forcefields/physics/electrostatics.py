"""Energy of partial charges, damped where the network describes the density (Unke et al. 2021).

    E_ij = k_e q_i q_j [ sigma(r) / sqrt(r^2 + 1) + (1 - sigma(r)) / r ]                 r in angstrom
    sigma = g(1 - u) / (g(u) + g(1 - u)),  g(t) = exp(-1/t) for t > 0 else 0,  u = (r - on) / (off - on)

sigma falls from 1 at a quarter of the cutoff to 0 at three quarters, with all derivatives.
"""

import torch
from torch import Tensor

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.physics.constants import COULOMB
from chemscale.forcefields.physics.molecule_pairs import MoleculePairs

ON, OFF = 0.25, 0.75  # of the cutoff


def electrostatic_energies(pairs: MoleculePairs, r: Tensor, charges: Tensor, cutoff: float) -> Tensor:
    """Half of every pair's energy for each of its atoms.

    Args:
        pairs: all pairs of the molecules.
        r: their distances in angstrom [n_pairs].
        charges: partial charges in e [n_atoms].
        cutoff: of the learned interactions, in angstrom.

    Returns:
        Energies in eV [n_atoms].
    """
    near = switch(r, ON * cutoff, OFF * cutoff)
    kernel = near * torch.rsqrt(r.square() + 1.0) + (1.0 - near) / r
    energies = (0.5 * COULOMB) * kernel * pairs.first.gather(charges) * pairs.second.gather(charges)
    return pairs.sum(energies)


def switch(r: Tensor, on: float, off: float) -> Tensor:
    """1 up to `on`, 0 from `off`, smooth between: [n_pairs] -> [n_pairs]."""
    u = (r - on) / (off - on)
    inside = (u > 0.0) & (u < 1.0)
    safe = torch.where(inside, u, torch.full_like(u, 0.5))  # no division by zero in branches that are not taken
    # g(1-u) / (g(u) + g(1-u)) = sigmoid(1/u - 1/(1-u))
    between = torch.sigmoid(1.0 / safe - 1.0 / (1.0 - safe))
    return torch.where(inside, between, (u <= 0.0).to(u.dtype))


def conserve_charge(charges: Tensor, graph: AtomGraph) -> Tensor:
    """Spread what is missing to the frame's charge evenly over its atoms: [n_atoms] -> [n_atoms], in e."""
    counts = graph.frames.offsets.diff().to(charges.dtype)
    missing = graph.charges.to(charges.dtype) - graph.frames.sum(charges)
    return charges + graph.frames.gather(missing / counts.clamp(min=1.0))
