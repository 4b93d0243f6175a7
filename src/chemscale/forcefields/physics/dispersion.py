"""DFT-D4 dispersion between pairs of atoms, from given partial charges (Caldeweyher et al. 2019).

    CN_i   = sum_j k4 exp(-(|EN_i - EN_j| + k5)^2 / k6) (1 + erf(-kn (r - r_0) / r_0)) / 2,    r_0 = 4/3 (R_i + R_j)
    w_ia   ~ sum_g exp(-6 n_ag (CN_i - CN_ag)^2),  normalised over the references a of the element
    zeta_ia = exp(3 (1 - exp(2 eta_i (1 - (Z_i + q_a) / (Z_i + q_i)))))
    A_i(w) = sum_a w_ia zeta_ia alpha_a(i w),           C6_ij = 3/pi sum_w A_i(w) A_j(w)
    E_ij   = -C6_ij (s6 / (r^6 + f^6) + s8 R_ij^2 / (r^8 + f^8)),   f = a1 R_ij + a2,   R_ij = sqrt(3) t_i t_j

in atomic units. s8, a1, a2 and a factor of the references' charges are learned (Unke et al. 2021), from those of
Hartree-Fock on. There are no three-body terms, as in SpookyNet's public code; that code sums C6 over pairs of
references, and does not follow the learned factor in it until told to.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from chemscale.forcefields.physics.constants import BOHR, HARTREE, softplus_inverse
from chemscale.forcefields.physics.dispersion_tables import (
    DispersionTables,
    empty_tables,
    read_tables,
    tables_folder,
)
from chemscale.forcefields.physics.molecule_pairs import MoleculePairs

S6, S8, A1, A2 = 1.0, 1.61679827, 0.44959224, 3.35743605
K2, K4, K5, K6, KN = 4.0 / 3.0, 4.10451, 19.08857, 254.5553148552, 7.5
CHARGE_HEIGHT, CHARGE_STEEPNESS, GAUSSIAN = 3.0, 2.0, 6.0
SMALL = 1e-8


class Dispersion(nn.Module):
    """D4 energies of atoms. The reference data are read at the first use, unless loaded weights brought them."""

    ready: Tensor

    def __init__(self, species: Sequence[int]) -> None:
        super().__init__()
        self.species = tuple(species)
        self.free_s8 = nn.Parameter(torch.tensor(softplus_inverse(S8)))
        self.free_a1 = nn.Parameter(torch.tensor(softplus_inverse(A1)))
        self.free_a2 = nn.Parameter(torch.tensor(softplus_inverse(A2)))
        self.free_charge_scale = nn.Parameter(torch.tensor(softplus_inverse(1.0)))
        self.checked = False  # spares a look at `ready` at every call, which a tracer cannot follow
        self.register_buffer("ready", torch.tensor(False))
        for name, table in zip(DispersionTables._fields, empty_tables(len(species)), strict=True):
            self.register_buffer(name, table)

    def read(self) -> None:
        """Read the reference data from the folder that the environment names.

        Raises:
            ConfigError: it names none.
            DataError: the data there cannot be read.
        """
        tables = read_tables(tables_folder(), self.species)
        for name, table in zip(tables._fields, tables, strict=True):
            getattr(self, name).copy_(table)
        self.ready.fill_(True)

    def forward(self, pairs: MoleculePairs, r: Tensor, charges: Tensor, element: Tensor) -> Tensor:
        """Half of every pair's energy for each of its atoms.

        Args:
            pairs: all pairs of the molecules.
            r: their distances in angstrom [n_pairs].
            charges: partial charges in e [n_atoms].
            element: position of every atom's element among the species [n_atoms].

        Returns:
            Energies in eV [n_atoms].
        """
        if not self.checked:
            if not self.ready:
                self.read()
            self.checked = True
        tables = self._tables(r.dtype)
        r = r / BOHR
        spectra = self._spectra(tables, coordination_numbers(tables, pairs, r, element), charges, element)
        c6 = (pairs.first.gather(spectra) * pairs.second.gather(spectra)).sum(-1) * (3.0 / math.pi)
        energies = (-0.5 * HARTREE) * c6 * self._damping(tables, pairs, r, element)
        return pairs.sum(energies)

    def _tables(self, dtype: torch.dtype) -> DispersionTables:
        return DispersionTables(*(getattr(self, name).to(dtype) for name in DispersionTables._fields))

    def _spectra(self, tables: DispersionTables, coordination: Tensor, charges: Tensor, element: Tensor) -> Tensor:
        """A_i(w) times the root of the quadrature's weights [n_atoms, 23]."""
        charge_scale = functional.softplus(self.free_charge_scale)
        own = tables.core_charges[element].unsqueeze(-1)
        zeta = _charge_scaling(
            tables.hardness[element].unsqueeze(-1),
            own + tables.charges[element] * charge_scale,
            own + charges.unsqueeze(-1),
        )
        weights = zeta * _reference_weights(tables, coordination, element)
        references = _polarizabilities(tables, charge_scale)[element]
        return (weights.unsqueeze(1) @ references).squeeze(1) * tables.quadrature.sqrt()

    def _damping(self, tables: DispersionTables, pairs: MoleculePairs, r: Tensor, element: Tensor) -> Tensor:
        """s6 / (r^6 + f^6) + s8 R^2 / (r^8 + f^8), distances in bohr [n_pairs]."""
        sizes = tables.sizes[element]
        square = 3.0 * (sizes[pairs.first.index] * sizes[pairs.second.index]).square()
        f = functional.softplus(self.free_a1) * square.sqrt() + functional.softplus(self.free_a2)
        r2, f2 = r.square(), f.square()
        s8 = functional.softplus(self.free_s8)
        return S6 / (r2**3 + f2**3) + s8 * square / (r2**4 + f2**4)


def coordination_numbers(tables: DispersionTables, pairs: MoleculePairs, r: Tensor, element: Tensor) -> Tensor:
    """How many bonds an atom has, counted smoothly; distances in bohr: [n_pairs] -> [n_atoms]."""
    first, second = element[pairs.first.index], element[pairs.second.index]
    r_0 = K2 * (tables.radii[first] + tables.radii[second])
    polarity = (tables.electronegativities[first] - tables.electronegativities[second]).abs()
    strength = K4 * torch.exp(-(polarity + K5).square() / K6)
    counts = 0.5 * strength * (1.0 + torch.erf(-KN * (r - r_0) / r_0))
    return pairs.sum(counts)


def _reference_weights(tables: DispersionTables, coordination: Tensor, element: Tensor) -> Tensor:
    distance = (coordination.reshape(-1, 1, 1) - tables.coordination[element]).square()
    weights = (tables.used[element] * torch.exp(-GAUSSIAN * tables.exponents[element] * distance)).sum(-1)
    total = weights.sum(-1, keepdim=True)
    known = total > SMALL
    return torch.where(known, weights / torch.where(known, total, 1.0), tables.lone_weights[element])


def _polarizabilities(tables: DispersionTables, charge_scale: Tensor) -> Tensor:
    """Of the element in each of its references, the partners' share taken off [n_elements, 7, 23]."""
    partner = tables.partner_core_charges
    zeta = _charge_scaling(tables.partner_hardness, partner, partner + tables.partner_charges * charge_scale)
    share = (tables.partner_counts * zeta).unsqueeze(-1) * tables.partner_polarizabilities
    return functional.relu(tables.scale.unsqueeze(-1) * (tables.polarizabilities - share))


def _charge_scaling(hardness: Tensor, reference: Tensor, actual: Tensor) -> Tensor:
    """zeta: how a polarizability changes with the charge of the atom."""
    positive = actual > SMALL
    ratio = reference / torch.where(positive, actual, 1.0)
    scaled = torch.exp(CHARGE_HEIGHT * (1.0 - torch.exp(hardness * CHARGE_STEEPNESS * (1.0 - ratio))))
    return torch.where(positive, scaled, math.exp(CHARGE_HEIGHT))
