"""SchNet: continuous-filter convolutions over distances (Schuett et al. 2018, doi:10.1063/1.5019779).

    x_i <- embedding(Z_i)
    y_i  = sum_j (A x_j) * W(r_ij),    W(r) = f_cut(r) (W_2 ssp(W_1 g(r) + b_1) + b_2)
    x_i <- x_i + V_2 ssp(V_1 y_i + c_1) + c_2
    e_i  = U_2 act(U_1 x_i + d_1) + d_2,        ssp(x) = ln(1 + e^x) - ln 2

The default shape is SchNetPack's; NeuralForceField's (Frey et al. 2023) is `trainable_gaussians`, filters as narrow as
the basis, a bias in A, no cutoff function and ssp in the readout.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from chemscale.forcefields.activations import shifted_softplus, silu
from chemscale.forcefields.convolution import convolution
from chemscale.forcefields.element_embedding import ElementEmbedding
from chemscale.forcefields.force_field import N_ELEMENTS
from chemscale.forcefields.graph import AtomGraph, distances_of
from chemscale.forcefields.models.family_config import FamilyConfig
from chemscale.forcefields.native.library import choose_backend
from chemscale.forcefields.output import AtomwiseOutput
from chemscale.forcefields.radial import cosine_cutoff, even_gaussians, gaussian_basis


class SchNetConfig(FamilyConfig):
    """Configuration of SchNet; width is the number of atom features and of filters."""

    saved_rows: ClassVar[int] = 8

    n_gaussians: int = Field(20, description="Gaussians that resolve a distance", ge=2)
    trainable_gaussians: bool = Field(False, description="learn centres and widths, apart in every layer")
    filter_hidden: Literal["width", "gaussians"] = Field("width", description="hidden features of the filter network")
    cutoff_function: Literal["cosine", "none"] = Field("cosine", description="how filters end at the cutoff")
    input_bias: bool = Field(False, description="whether the features that are convolved have a bias")
    readout: Literal["silu", "ssp"] = Field("silu", description="activation of the readout")

    @property
    def filter_width(self) -> int:
        """Hidden features of the filter network."""
        return self.width if self.filter_hidden == "width" else self.n_gaussians

    def n_parameters(self, embedding: bool = False) -> int:
        """Closed form; see `FamilyConfig.n_parameters`."""
        w, g, h = self.width, self.n_gaussians, self.filter_width
        layer = (g + 1) * h + (h + 1) * w + 3 * w * w + 2 * w
        layer += (w if self.input_bias else 0) + (2 * g if self.trainable_gaussians else 0)
        half = max(1, w // 2)
        return self.depth * layer + (w + 1) * half + half + 1 + (N_ELEMENTS * w if embedding else 0)

    def forward_flops(self, n_atoms: float, n_pairs: float) -> float:
        """Closed form: matrix products and messages (activations and the basis are left out)."""
        w, g, h = self.width, self.n_gaussians, self.filter_width
        half = max(1, w // 2)
        per_pair = self.depth * 2 * (g * h + h * w + 2 * w)
        per_atom = self.depth * 2 * 3 * w * w + 2 * (w * half + half)
        return n_pairs * per_pair + n_atoms * per_atom


class Interaction(nn.Module):
    """One convolution and the update of the atoms."""

    centres: Tensor
    widths: Tensor

    def __init__(self, config: SchNetConfig) -> None:
        super().__init__()
        width = config.width
        self.filter_1 = nn.Linear(config.n_gaussians, config.filter_width)
        self.filter_2 = nn.Linear(config.filter_width, width)
        self.convolved = nn.Linear(width, width, bias=config.input_bias)
        self.update_1 = nn.Linear(width, width)
        self.update_2 = nn.Linear(width, width)
        if config.trainable_gaussians:
            centres, widths = even_gaussians(config.n_gaussians, config.cutoff)
            self.centres, self.widths = nn.Parameter(centres), nn.Parameter(widths)

    def own_hidden_filters(self, r: Tensor, backend: str) -> Tensor:
        """ssp(W_1 g(r) + b_1) with this layer's own Gaussians: [n_pairs] -> [n_pairs, filter_width]."""
        return shifted_softplus(self.filter_1(gaussian_basis(r, self.centres, self.widths)), backend)

    def update(self, y: Tensor, backend: str) -> Tensor:
        """What the convolution changes in an atom: [n_atoms, width] -> [n_atoms, width]."""
        change: Tensor = self.update_2(shifted_softplus(self.update_1(y), backend))
        return change


class SchNet(nn.Module):
    """Atomic energies from distances. Every linear layer starts with Glorot-uniform weights and no bias."""

    centres: Tensor
    widths: Tensor

    def __init__(self, config: SchNetConfig, species: Sequence[int]) -> None:
        super().__init__()
        self.config = config
        half = max(1, config.width // 2)
        self.embedding = ElementEmbedding(config.width, species)
        self.layers = nn.ModuleList(Interaction(config) for _ in range(config.depth))
        self.readout_1, self.readout_2 = nn.Linear(config.width, half), nn.Linear(half, 1)
        centres, widths = even_gaussians(config.n_gaussians, config.cutoff)
        self.register_buffer("centres", centres, persistent=False)
        self.register_buffer("widths", widths, persistent=False)
        self.apply(glorot)

    def forward(self, graph: AtomGraph, positions: Tensor) -> AtomwiseOutput:
        """Atomic energies; see `Network`."""
        config, backend = self.config, choose_backend(self.config.backend, positions)
        r = distances_of(graph.vectors(positions))
        envelope = cosine_cutoff(r, config.cutoff) if config.cutoff_function == "cosine" else None
        x = self.embedding(graph.atomic_numbers)
        layers = [layer for layer in self.layers if isinstance(layer, Interaction)]
        for k, (layer, hidden) in enumerate(zip(layers, self._hidden_filters(layers, r, backend), strict=True)):
            # the first layer sees nothing but elements
            features = self.embedding.after(layer.convolved, graph.atomic_numbers) if k == 0 else layer.convolved(x)
            y = convolution(graph, layer.filter_2(hidden), features, envelope, backend)
            x = x + layer.update(y, backend)
        activation = silu if config.readout == "silu" else shifted_softplus
        return AtomwiseOutput(self.readout_2(activation(self.readout_1(x), backend)).squeeze(-1))

    def _hidden_filters(self, layers: Sequence[Interaction], r: Tensor, backend: str) -> Sequence[Tensor]:
        """ssp(W_1 g(r) + b_1) of every layer: [n_pairs] -> [n_pairs, filter_width] each."""
        if self.config.trainable_gaussians:
            return [layer.own_hidden_filters(r, backend) for layer in layers]
        basis = gaussian_basis(r, self.centres, self.widths)
        weight = torch.cat([layer.filter_1.weight for layer in layers])
        bias = torch.cat([layer.filter_1.bias for layer in layers])
        hidden = shifted_softplus(functional.linear(basis, weight, bias), backend)
        return hidden.split(self.config.filter_width, dim=-1)


def glorot(module: nn.Module) -> None:
    """Glorot-uniform weights and zero biases for a linear layer."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
