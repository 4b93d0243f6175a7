"""Allegro: strictly local equivariant network on edges (Musaelian et al. 2023, arXiv:2204.05249).

The equations are those of version 0.8 of the authors' package. For an edge from atom i to its neighbour j:

    e   = [C(Z_i), N(Z_j)] * (B(r) W_b),   B_n(r) = rc / pi sin(n pi r / rc) / r P_6(r / rc)       two-body embedding
    h   = silu(e W_1) W_2,                 V_0 = (h W_t) (x) Y(r_ij),   [x_0 | w_0] = h W_p
    env = N^(-1/2) sum_j w_l (x) Y(r_ij)                                                           once per atom
    V   <- V (x) env,                      [x_(l+1) | w_(l+1)] = silu([x_0 .. x_l, V_0e] A_l) B_l   layer l
    e_i = (2 N)^(-1/2) sum_j silu([x_0 .. x_d] R_1) R_2

W_2, W_p and the first columns of B_l stand between no nonlinearities, so each is multiplied with the matrices that read
its result once per step, and the x are never made. N is the mean number of neighbours. Every weight matrix is used
times gain / sqrt(rows) with gain sqrt(2) after a silu, and starts uniform with variance 1. Here the weights of the
paths start smaller, by the root of the number of paths that add up in an irrep: with the package's own start features
grow from layer to layer (width 16, l_max 2, RMS force before training, median of eight seeds: 0.9 at depth 2, 155 at
depth 4, above 10^3 eV/angstrom at depth 6; with this start 0.5 at depths 2 and 4, 0.6 at depth 6).
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, Self, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from chemscale.forcefields.activations import silu
from chemscale.forcefields.equivariant.irreps import (
    L_MAX,
    Irreps,
    Parity,
    allowed_irreps,
    dimension,
    harmonic_irreps,
    layer_irreps,
)
from chemscale.forcefields.equivariant.product_paths import ProductPaths, product_paths
from chemscale.forcefields.equivariant.spherical_harmonics import spherical_harmonics
from chemscale.forcefields.equivariant.tensor_product import tensor_product
from chemscale.forcefields.equivariant.weighted_harmonics import environments, weighted_harmonics
from chemscale.forcefields.force_field import N_ELEMENTS
from chemscale.forcefields.graph import AtomGraph, DirectedEdges, distances_of
from chemscale.forcefields.models.family_config import FamilyConfig
from chemscale.forcefields.native.library import choose_backend
from chemscale.forcefields.output import AtomwiseOutput
from chemscale.forcefields.radial import bessel_basis, polynomial_cutoff

MEAN_NEIGHBOURS = 12.0
SILU_GAIN = math.sqrt(2.0)


class AllegroConfig(FamilyConfig):
    """Configuration of Allegro; width is the number of scalar features and the width of every network within."""

    saved_rows: ClassVar[int] = 300

    width: int = Field(description="scalar features of an edge, an even number", ge=2, multiple_of=2)
    tensor_features: int | None = Field(None, description="channels of tensor features; width if not given", ge=1)
    l_max: int = Field(2, description="highest order of spherical harmonics and features, 1 or 2", ge=1, le=L_MAX)
    parity: Parity = Field("o3_full", description="o3_full, o3_restricted (parities of the harmonics) or so3 (none)")
    n_basis: int = Field(8, description="radial functions that resolve a distance", ge=1)
    balanced_start: bool = Field(True, description="start products at the size of their factors; false as the package")
    mean_neighbours: float | None = Field(
        None, description="neighbours of an atom, which scale its sums; taken from the training frames, else 12", gt=0
    )

    def fitted_to(self, *, species: Sequence[int], mean_neighbours: float) -> Self:
        """See `FamilyConfig.fitted_to`; a number of neighbours that is given stays."""
        neighbours = self.mean_neighbours or max(mean_neighbours, 1.0)
        return self.model_copy(update={"species": tuple(species), "mean_neighbours": neighbours})

    @property
    def channels(self) -> int:
        """Channels of tensor features."""
        return self.tensor_features or self.width

    def environment_irreps(self) -> Irreps:
        """The irreps of the spherical harmonics."""
        return harmonic_irreps(self.l_max, self.parity)

    def products(self) -> list[ProductPaths]:
        """The tensor product of every layer."""
        environment = self.environment_irreps()
        features = layer_irreps(environment, allowed_irreps(self.l_max, self.parity), self.depth)
        return [product_paths(before, environment, after) for before, after in pairwise(features)]

    def n_parameters(self, embedding: bool = False) -> int:
        """Closed form; see `FamilyConfig.n_parameters`. The tables are as long as `species`, one row if not given."""
        w, u, d = self.width, self.channels, self.depth
        mixed = (self.l_max + 1) * u
        two_body = self.n_basis * w + 2 * w * w + w * mixed + w * (w + mixed)
        layers = sum((w * (layer + 1) + u) * w + w * w for layer in range(d)) + (d - 1) * w * mixed
        paths = sum(product.n_paths for product in self.products()) * u
        readout = (d + 1) * w * w + w
        return two_body + layers + paths + readout + (len(self.species or (1,)) * w if embedding else 0)

    def forward_flops(self, n_atoms: float, n_pairs: float) -> float:
        """Closed form: matrix products per edge and tensor products (activations and the basis are left out)."""
        w, u, d = self.width, self.channels, self.depth
        mixed = (self.l_max + 1) * u
        dense = self.n_basis * w + w * w + 2 * w * mixed  # to the first activations, and what V_0 and w_0 need
        dense += sum(w * w * (layer + 1) + u * w for layer in range(d)) + (d - 1) * w * mixed
        dense += (d + 1) * w * w + w
        harmonics = (d + 1) * dimension(self.environment_irreps()) * u
        products = sum(product.dims[0] * product.dims[2] for product in self.products()) * u
        matrices = sum(2 * len(product.values) for product in self.products()) * u
        return 2 * (2 * n_pairs * (dense + harmonics + products) + n_atoms * matrices)


class Weight(nn.Module):
    """A matrix that is used times gain / sqrt(rows), without a bias."""

    def __init__(self, rows: int, columns: int, gain: float = 1.0) -> None:
        super().__init__()
        self.factor = gain / math.sqrt(rows)
        self.weight = nn.Parameter(uniform(rows, columns))

    def forward(self) -> Tensor:
        """The scaled matrix [rows, columns]."""
        return self.weight * self.factor


def uniform(*shape: int) -> Tensor:
    """Uniform numbers with mean 0 and variance 1."""
    return torch.empty(shape).uniform_(-math.sqrt(3.0), math.sqrt(3.0))


class Layer(nn.Module):
    """The weights of one layer: of the paths of its product, and of its two matrices A and B."""

    def __init__(self, index: int, config: AllegroConfig, paths: ProductPaths) -> None:
        super().__init__()
        w, u = config.width, config.channels
        self.paths = paths
        self.path_weights = nn.Parameter(uniform(paths.n_paths, u))
        if config.balanced_start:
            with torch.no_grad():
                self.path_weights.div_(paths.ways.sqrt().unsqueeze(-1))
        self.hidden = Weight(w * (index + 1) + u, w)
        last = index == config.depth - 1
        self.out = Weight(w, w + (0 if last else (config.l_max + 1) * u), SILU_GAIN)


class Allegro(nn.Module):
    """Atomic energies as sums of edge energies."""

    species_index: Tensor

    def __init__(self, config: AllegroConfig, species: Sequence[int]) -> None:
        super().__init__()
        self.config = config
        w, mixed = config.width, (config.l_max + 1) * config.channels
        elements = sorted(set(species))
        index = torch.zeros(N_ELEMENTS, dtype=torch.long)
        index[elements] = torch.arange(len(elements))
        self.register_buffer("species_index", index, persistent=False)
        self.centre_table = nn.Embedding(len(elements), w // 2)
        self.neighbour_table = nn.Embedding(len(elements), w // 2)
        self.basis = Weight(config.n_basis, w)
        self.two_body_hidden = Weight(w, w)
        self.two_body_out = Weight(w, w, SILU_GAIN)
        self.tensor_weights = Weight(w, mixed)
        self.first = Weight(w, w + mixed)
        self.layers = nn.ModuleList(Layer(n, config, paths) for n, paths in enumerate(config.products()))
        self.readout_hidden = Weight(w * (config.depth + 1), w)
        self.readout_out = Weight(w, 1, SILU_GAIN)

    def forward(self, graph: AtomGraph, positions: Tensor) -> AtomwiseOutput:
        """Atomic energies; see `Network`."""
        config, edges = self.config, graph.directed
        orders, u = config.l_max + 1, config.channels
        backend = choose_backend(config.backend, positions)
        basis, harmonics = self._geometry(graph, edges, positions)
        hidden = self._two_body(graph, edges, basis, backend)
        matrices = self._matrices()
        widths = [config.width] * (config.depth + 1)
        *inputs, tensor_weights, weights = (hidden @ matrices[0]).split([*widths, orders * u, orders * u], -1)
        features = weighted_harmonics(tensor_weights.reshape(-1, orders, u), harmonics, backend)
        for n, layer in enumerate(self._layers()):
            environment = environments(weights.reshape(-1, orders, u), harmonics, edges.centre, backend)
            features, scalars = tensor_product(
                features, environment, layer.path_weights, layer.paths, edges.centre, backend
            )
            scalar_rows = layer.hidden()[config.width * (n + 1) :]
            hidden = silu(torch.addmm(inputs[n], scalars, scalar_rows), backend)
            wide = hidden @ matrices[n + 1]
            if n + 1 < config.depth:
                *more, weights = wide.split([*widths[n + 1 :], orders * u], -1)
            else:
                more = [wide]
            inputs[n + 1 :] = [old + new for old, new in zip(inputs[n + 1 :], more, strict=True)]
        edge_energies = silu(inputs[-1], backend) @ self.readout_out()
        atomic = edges.centre.sum(edge_energies).squeeze(-1)
        return AtomwiseOutput(atomic * (2.0 * self._neighbours()) ** -0.5)

    def _layers(self) -> list[Layer]:
        return cast(list[Layer], list(self.layers))

    def _neighbours(self) -> float:
        return self.config.mean_neighbours or MEAN_NEIGHBOURS

    def _geometry(self, graph: AtomGraph, edges: DirectedEdges, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Radial basis [n_edges, n_basis] and spherical harmonics [n_edges, (l_max + 1)^2] of directed edges."""
        config = self.config
        between = graph.vectors(positions)
        r = distances_of(between)
        basis = bessel_basis(r, config.n_basis, config.cutoff) * (config.cutoff / math.pi)
        basis = basis * polynomial_cutoff(r, config.cutoff).unsqueeze(-1)
        harmonics = spherical_harmonics(between / r.unsqueeze(-1), config.l_max)
        both = edges.pair.gather(torch.cat([basis, harmonics], -1))
        signs = torch.ones_like(both[:, config.n_basis :])
        signs[:, 1:4] -= 2.0 * edges.reversed.to(r.dtype).unsqueeze(-1)  # Y_1(-r) = -Y_1(r)
        return both[:, : config.n_basis], both[:, config.n_basis :] * signs

    def _two_body(self, graph: AtomGraph, edges: DirectedEdges, basis: Tensor, backend: str) -> Tensor:
        """First activations of the edges [n_edges, width]."""
        index = self.species_index[graph.atomic_numbers]
        centre = edges.centre.gather(self.centre_table(index))
        neighbour = edges.neighbour.gather(self.neighbour_table(index))
        embedded = torch.cat([centre, neighbour], -1) * (basis @ self.basis())
        return silu(embedded @ self.two_body_hidden(), backend)

    def _matrices(self) -> list[Tensor]:
        """What multiplies the activations of the two-body network and of every layer.

        Columns: one block of `width` for the input of every later layer and of the readout, then the weights of the
        first features (two-body only), then those of the next environment (all but the last layer).
        """
        w, factor = self.config.width, self._neighbours() ** -0.5
        readers = [layer.hidden() for layer in self._layers()] + [self.readout_hidden()]
        two_body, first = self.two_body_out(), self.first()
        makers = [two_body @ first[:, :w]]
        extra = [torch.cat([two_body @ self.tensor_weights(), (two_body @ first[:, w:]) * factor], -1)]
        for layer in self._layers():
            out = layer.out()
            makers.append(out[:, :w])
            extra.append(out[:, w:] * factor)
        matrices = []
        for n, (maker, more) in enumerate(zip(makers, extra, strict=True)):
            read = torch.cat([reader[n * w : (n + 1) * w] for reader in readers[n:]], -1)
            matrices.append(torch.cat([maker @ read, more], -1))
        return matrices
