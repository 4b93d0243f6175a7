"""Screened repulsion of nuclei after Ziegler, Biersack and Littmark (1985), with learned constants.

    E_ij = k_e Z_i Z_j / r  f(r)  sum_k c_k exp(-a_k (Z_i^p + Z_j^p) d r),     sum_k c_k = 1

(Unke et al. 2021). All constants are positive through a softplus, and start at the published universal ones.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.physics.constants import BOHR, COULOMB, softplus_inverse

COEFFICIENTS = (0.18180, 0.50990, 0.28020, 0.02817)
EXPONENTS = (3.20000, 0.94230, 0.40280, 0.20160)
POWER = 0.23
DIVISOR = 0.8854


class NuclearRepulsion(nn.Module):
    """The energy of an atom in eV: half of that of each of its pairs."""

    def __init__(self) -> None:
        super().__init__()
        self.coefficients = nn.Parameter(torch.tensor([softplus_inverse(value) for value in COEFFICIENTS]))
        self.exponents = nn.Parameter(torch.tensor([softplus_inverse(value) for value in EXPONENTS]))
        self.power = nn.Parameter(torch.tensor(softplus_inverse(POWER)))
        self.inverse_length = nn.Parameter(torch.tensor(softplus_inverse(1.0 / (DIVISOR * BOHR))))

    def forward(self, graph: AtomGraph, r: Tensor, envelope: Tensor) -> Tensor:
        """Distances in angstrom and f(r), both [n_pairs] -> energies in eV [n_atoms]."""
        charges = graph.atomic_numbers.to(r.dtype)
        sizes = charges ** functional.softplus(self.power)
        first, second = graph.first.index, graph.second.index
        reduced = (sizes[first] + sizes[second]) * functional.softplus(self.inverse_length) * r
        shares = functional.softplus(self.coefficients)
        screening = torch.exp(-reduced.unsqueeze(-1) * functional.softplus(self.exponents)) @ (shares / shares.sum())
        energies = 0.5 * COULOMB * charges[first] * charges[second] / r * screening * envelope
        return graph.first.sum(energies) + graph.second.sum(energies)
