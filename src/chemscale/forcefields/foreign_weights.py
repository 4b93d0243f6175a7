"""The weights of other programs' SchNet and PaiNN under the names, and in the order, of ours.

SchNetPack 2 and NeuralForceField store the same matrices. They differ in names, in the order in which PaiNN's gates
stand in one matrix, in the number of elements, and in whether a layer's filters share a matrix with the others'.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from chemscale.base.errors import DataError
from chemscale.forcefields.force_field import N_ELEMENTS

Weights = Mapping[str, Tensor]


def schnet_from_schnetpack(weights: Weights, depth: int) -> dict[str, Tensor]:
    """State of a `SchNet` from that of SchNetPack's SchNet with an Atomwise readout.

    Raises:
        DataError: a tensor is missing; the message names it.
    """
    names = {"filter_1": "filter_network.0", "filter_2": "filter_network.1", "convolved": "in2f"}
    names |= {"update_1": "f2out.0", "update_2": "f2out.1"}
    layers = {f"layers.{k}.{own}": f"interactions.{k}.{name}" for k in range(depth) for own, name in names.items()}
    return _renamed(weights, {own: f"representation.{name}" for own, name in layers.items()} | _SCHNETPACK_ENDS)


def painn_from_schnetpack(weights: Weights, depth: int) -> dict[str, Tensor]:
    """State of a `PaiNN` from that of SchNetPack's PaiNN with an Atomwise readout.

    Raises:
        DataError: a tensor is missing; the message names it.
    """
    names = {"filters": "representation.filter_net"}
    for k in range(depth):
        message, mixing = f"representation.interactions.{k}", f"representation.mixing.{k}"
        names |= {f"senders.{k}.scalar_{i + 1}": f"{message}.interatomic_context_net.{i}" for i in range(2)}
        names |= {f"updates.{k}.gate_{i + 1}": f"{mixing}.intraatomic_context_net.{i}" for i in range(2)}
        names[f"updates.{k}.mix"] = f"{mixing}.mu_channel_mix"
    return _renamed(weights, names | _SCHNETPACK_ENDS)


def schnet_from_neural_force_field(weights: Weights, depth: int) -> dict[str, Tensor]:
    """State of a `SchNet` in NeuralForceField's shape (trainable Gaussians or not) from that of its SchNet.

    Raises:
        DataError: a tensor is missing; the message names it.
    """
    names = {"filter_1": "message_edge_filter.1", "filter_2": "message_edge_filter.3"}
    names |= {"convolved": "message_node_filter", "update_1": "update_function.0", "update_2": "update_function.2"}
    readout = "atomwisereadout.readout.energy"
    ends = {"embedding.table": "atom_embed", "readout_1": f"{readout}.linear0", "readout_2": f"{readout}.linear2"}
    layers = [(k, f"convolutions.{k}.moduledict") for k in range(depth)]
    renamed = {f"layers.{k}.{own}": f"{at}.{name}" for k, at in layers for own, name in names.items()}
    state = _renamed(weights, renamed | ends)
    for k, at in layers:
        state[f"layers.{k}.centres"] = weights[f"{at}.message_edge_filter.0.offsets"]
        state[f"layers.{k}.widths"] = weights[f"{at}.message_edge_filter.0.width"]
    return state


def painn_from_neural_force_field(weights: Weights, depth: int) -> dict[str, Tensor]:
    """State of a `PaiNN` from that of NeuralForceField's Painn with one readout, called `energy`.

    Its messages have the order (c, a, b), its gates (a_vv, a_sv, a_ss); ours are (a, b, c) and (a_ss, a_vv, a_sv).

    Raises:
        DataError: a tensor is missing; the message names it.
    """
    names = {"embedding.table": "embed_block.atom_embed"}
    names |= {f"readout_{i + 1}": f"readout_blocks.0.readoutdict.energy.{i}" for i in range(2)}
    for k in range(depth):
        message, update = f"message_blocks.{k}.inv_message", f"update_blocks.{k}"
        names |= {f"senders.{k}.scalar_{i + 1}": f"{message}.inv_dense.layers.{i}" for i in range(2)}
        names |= {f"updates.{k}.gate_{i + 1}": f"{update}.s_dense.{i}" for i in range(2)}
        names |= {f"layers.{k}.filters": f"{message}.dist_embed.block.1"}
        names |= {f"updates.{k}.{own}": f"{update}.{name}" for own, name in (("normed", "v_mat"), ("carried", "u_mat"))}
    state = _renamed(weights, names)
    for part in ("weight", "bias"):
        for k in range(depth):
            state[f"senders.{k}.scalar_2.{part}"] = _thirds(state[f"senders.{k}.scalar_2.{part}"], (1, 2, 0))
            state[f"updates.{k}.gate_2.{part}"] = _thirds(state[f"updates.{k}.gate_2.{part}"], (2, 0, 1))
        filters = [_thirds(state.pop(f"layers.{k}.filters.{part}"), (1, 2, 0)) for k in range(depth)]
        state[f"filters.{part}"] = torch.cat(filters)
    for k in range(depth):
        mixed = [state.pop(f"updates.{k}.{name}.weight") for name in ("normed", "carried")]
        state[f"updates.{k}.mix.weight"] = torch.cat(mixed)
    return state


FOREIGN: Mapping[tuple[str, str], Callable[[Weights, int], dict[str, Tensor]]] = {
    ("schnet", "schnetpack"): schnet_from_schnetpack,
    ("painn", "schnetpack"): painn_from_schnetpack,
    ("schnet", "neural_force_field"): schnet_from_neural_force_field,
    ("painn", "neural_force_field"): painn_from_neural_force_field,
}

_SCHNETPACK_ENDS = {
    "embedding.table": "representation.embedding",
    "readout_1": "output_modules.0.outnet.0",
    "readout_2": "output_modules.0.outnet.1",
}


def _renamed(weights: Weights, names: Mapping[str, str]) -> dict[str, Tensor]:
    """Weights, and biases where there are some, of the layers `names` maps to; a longer table for the elements."""
    state = {}
    for own, name in names.items():
        if f"{name}.weight" not in weights:
            raise DataError(f"{name}.weight: not among the weights; is this the family, the program and the depth?")
        for part in ("weight", "bias"):
            if f"{name}.{part}" in weights:
                state[f"{own}.{part}"] = weights[f"{name}.{part}"]
    table = state["embedding.table.weight"]
    state["embedding.table.weight"] = torch.cat([table, table.new_zeros(N_ELEMENTS - len(table), table.shape[1])])
    return state


def _thirds(tensor: Tensor, order: tuple[int, int, int]) -> Tensor:
    """The three blocks of rows in another order."""
    blocks = tensor.chunk(3)
    return torch.cat([blocks[i] for i in order])
