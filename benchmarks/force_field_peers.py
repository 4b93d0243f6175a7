"""The peers of `force_field_speed.py`, and ours with their weights: SchNetPack, the Allegro package, SpookyNet.

Each is built by the script in `parity/` that shows that both give the same energies and forces. A peer's package is
imported when it is asked for, because they cannot all live in one environment.
"""

import dataclasses
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from chemscale.base.errors import UserError
from chemscale.forcefields.batches import FrameBatch
from chemscale.forcefields.families import build_force_field, build_model
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.foreign_weights import FOREIGN
from chemscale.forcefields.models.allegro import AllegroConfig
from chemscale.forcefields.spooky.public_weights import load_public_weights

CUTOFF = 5.0
Step = Callable[[int], None]
MOST_TENSOR_FEATURES = {1: 64, 2: 32}  # above the width that is first out of reach, 32: the package needs gigabytes


class Peer(NamedTuple):
    """Another program's model.

    Attributes:
        name: for the table.
        model: whose parameters are trained.
        forces: of the batch of that number [n_atoms, 3], to be differentiated once more.
        build_own: our force field of the same equations and weights, by `backend`.
    """

    name: str
    model: nn.Module
    forces: Callable[[int], Tensor]
    build_own: Callable[[str], ForceField]


def parity_script(name: str) -> ModuleType:
    """The script in `parity/` that knows this peer.

    Raises:
        UserError: the peer's package is not in this environment.
    """
    try:
        return importlib.import_module(f"parity.{name}_parity")
    except ImportError as error:
        raise UserError(
            f"--peer {name} needs an environment with its package ({error}); see `benchmarks/README.md`"
        ) from None


def schnetpack_peer(family: str, width: int, depth: int, batches: Sequence[FrameBatch], species: Sequence[int]) -> Peer:
    """SchNetPack's SchNet or PaiNN, with 20 Gaussians."""
    parity = parity_script("schnetpack")
    model = parity.peer_model(family, width, depth, 20).float()
    inputs = [parity.peer_inputs(batch.graph, batch.positions) for batch in batches]
    weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
    settings: dict[str, Any] = {"width": width, "depth": depth, "cutoff": CUTOFF}
    settings |= {"n_gaussians": 20} if family == "schnet" else {"n_basis": 20, "basis": "gaussian"}

    def forces(number: int) -> Tensor:
        positions = inputs[number]["_positions"].detach()
        return model({**inputs[number], "_positions": positions})["forces"]

    def build_own(backend: str) -> ForceField:
        own = build_model(family, species=species, backend=backend, **settings)
        own.network.load_state_dict(FOREIGN[family, "schnetpack"](weights, depth))
        return own

    return Peer("schnetpack", model, forces, build_own)


def tensor_features_of(width: int, l_max: int) -> int:
    """Channels of tensor features at which both programs are compared."""
    return width if width <= MOST_TENSOR_FEATURES[l_max] else 32


def allegro_peer(
    l_max: int, width: int, depth: int, batches: Sequence[FrameBatch], species: Sequence[int], compiled: bool = False
) -> Peer:
    """The Allegro package's model of full parity, eager or compiled by itself."""
    parity = parity_script("allegro")
    neighbours = np.mean([2 * batch.graph.n_pairs / batch.graph.n_atoms for batch in batches])
    sizes = {"width": width, "depth": depth, "l_max": l_max, "cutoff": CUTOFF}
    sizes |= {"tensor_features": tensor_features_of(width, l_max), "mean_neighbours": float(neighbours)}
    config = AllegroConfig.parse(sizes)
    model = parity.build_peer(config, species, "float32", compiled)
    inputs = [parity.peer_input(batch.graph, batch.positions, species) for batch in batches]
    weights = parity.weights_of(model, config)

    def forces(number: int) -> Tensor:
        return model(dict(inputs[number]))["forces"]

    def build_own(backend: str) -> ForceField:
        own = build_force_field(config.model_copy(update={"backend": backend}), species, 0)
        parity.load_weights(own, weights)
        return own

    return Peer("allegro, compiled" if compiled else "allegro", model, forces, build_own)


def spookynet_peer(source: Path, width: int, depth: int, batches: Sequence[FrameBatch], species: Sequence[int]) -> Peer:
    """SpookyNet's source with repulsion, electrostatics and its own attention, of random features ("favor")."""
    parity = parity_script("spookynet")
    settings: dict[str, Any] = {"width": width, "depth": depth, "cutoff": CUTOFF, "attention": "favor"}
    model = parity.peer_of(source, build_model("spookynet", species=species, **settings)).float()
    weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
    pairs = [_all_pairs(batch.graph.frames.index) for batch in batches]  # it wants all, and selects those in the cutoff

    def forces(number: int) -> Tensor:
        graph, (centre, neighbour) = batches[number].graph, pairs[number]
        out = model.energy_and_forces(
            Z=graph.atomic_numbers,
            Q=graph.charges,
            S=graph.unpaired,
            R=batches[number].positions.clone().requires_grad_(),
            idx_i=centre,
            idx_j=neighbour,
            num_batch=graph.n_frames,
            batch_seg=graph.frames.index,
            create_graph=True,
        )
        return out[1]

    def build_own(backend: str) -> ForceField:
        own = build_model("spookynet", species=species, backend=backend, **settings)
        load_public_weights(own.network, weights)
        return own

    return Peer("spookynet source", model, forces, build_own)


def _all_pairs(frame: Tensor) -> tuple[Tensor, Tensor]:
    """All directed pairs of atoms of the same frame: [n_atoms] -> two of [n_pairs]."""
    different = ~torch.eye(len(frame), dtype=torch.bool)
    centre, neighbour = torch.nonzero((frame[:, None] == frame) & different, as_tuple=True)
    return centre, neighbour


def error_of_peer(peer: Peer, batches: Sequence[FrameBatch], number: int) -> Tensor:
    """A peer's mean absolute error of forces."""
    return (peer.forces(number) - batches[number].forces).abs().mean()


def force_error(model: ForceField, batch: FrameBatch) -> Tensor:
    """Our mean absolute error of forces."""
    return (model.predict(batch.graph, batch.positions, create_graph=True).forces - batch.forces).abs().mean()


def own_loss(model: ForceField, batches: Sequence[FrameBatch], compiled: bool = False) -> Callable[[int], Tensor]:
    """Our loss of the batch of that number; nothing that a graph keeps is left from the step before."""
    loss = torch.compile(force_error, dynamic=True) if compiled else force_error

    def of(number: int) -> Tensor:
        batch = batches[number]
        return loss(model, dataclasses.replace(batch, graph=dataclasses.replace(batch.graph)))

    return of


def training_step(model: nn.Module, loss: Callable[[int], Tensor], everything: bool = False) -> Step:
    """One step on the batch of that number; `everything` also takes the derivatives to the positions."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.Adam(parameters, lr=1e-5, fused=True)

    def step(number: int) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss(number).backward(inputs=None if everything else parameters)
        optimiser.step()

    return step
