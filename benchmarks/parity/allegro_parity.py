"""Allegro here and in its authors' package on the same weights: energies and forces, and the golden files of the tests.

    python benchmarks/parity/allegro_parity.py [--golden tests/golden/forcefields]

Needs nequip and nequip-allegro (0.8) in the environment. Prints the largest differences in float64 and float32 for
several sizes; with --golden writes the numbers that the tests check without the package.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ase.build
import numpy as np
import numpy.typing as npt
import torch
from allegro.model.allegro_models import FullAllegroModel
from nequip.utils.global_state import set_global_state
from torch import Tensor, nn

from chemscale.forcefields.equivariant.irreps import Irreps, allowed_irreps
from chemscale.forcefields.families import build_force_field
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.models.allegro import Allegro, AllegroConfig
from chemscale.forcefields.segments import Segments

Molecule = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]
PEER = "nequip-allegro 0.8.3, nequip 0.19.1, e3nn 0.6.0"
NEIGHBOURS = 7.5
GOLDEN = {
    "allegro_package_l1": {"width": 8, "tensor_features": 4, "depth": 2, "l_max": 1},
    "allegro_package_l2": {"width": 4, "tensor_features": 4, "depth": 3, "l_max": 2},
    "allegro_package_so3": {"width": 4, "tensor_features": 4, "depth": 2, "l_max": 2, "parity": "so3"},
}
COMPARED = [
    *GOLDEN.values(),
    {"width": 16, "depth": 4, "l_max": 1},
    {"width": 16, "depth": 4, "l_max": 2},
    {"width": 64, "depth": 3, "l_max": 1},
    {"width": 64, "tensor_features": 16, "depth": 3, "l_max": 2},
    {"width": 16, "depth": 5, "l_max": 2},
    {"width": 8, "depth": 3, "l_max": 2, "parity": "o3_restricted"},
]


def text_of(irreps: Irreps) -> str:
    """Irreps in e3nn's notation."""
    return "+".join(f"1x{irrep.l}{'e' if irrep.parity == 1 else 'o'}" for irrep in irreps)


def build_peer(config: AllegroConfig, species: Sequence[int], dtype: str, compiled: bool = False) -> nn.Module:
    """The package's model of the same sizes; sets the package's global state, and puts torch's default dtype back."""
    default = torch.get_default_dtype()
    set_global_state()
    width = config.width
    try:
        model: nn.Module = FullAllegroModel(
            seed=0,
            model_dtype=dtype,
            compile_mode="compile" if compiled else "eager",
            type_names=[ase.data.chemical_symbols[number] for number in species],
            r_max=config.cutoff,
            irreps_edge_sh=text_of(config.environment_irreps()),
            tensor_track_allowed_irreps=text_of(allowed_irreps(config.l_max, config.parity)),
            radial_chemical_embed={"_target_": "allegro.nn.TwoBodyBesselScalarEmbed", "num_bessels": config.n_basis},
            scalar_embed_mlp_hidden_layers_width=width,
            num_layers=config.depth,
            num_scalar_features=width,
            num_tensor_features=config.channels,
            allegro_mlp_hidden_layers_width=width,
            readout_mlp_hidden_layers_width=width,
            avg_num_neighbors=config.mean_neighbours,
        )
    finally:
        torch.set_default_dtype(default)
    return model


def weights_of(peer: nn.Module, config: AllegroConfig) -> dict[str, Tensor]:
    """The package's weights under the names and in the order of `Allegro`'s."""
    state = {name.split("model.func.")[-1]: value.detach().clone() for name, value in peer.named_parameters()}
    w, u, orders = config.width, config.channels, config.l_max + 1
    by_order = torch.arange(u * orders).reshape(u, orders).T.reshape(-1)  # ours: order, channel; theirs: channel, order
    behind = torch.cat([torch.arange(w), w + by_order])
    embed = "radial_chemical_embed.type_embed"
    found = {
        "centre_table.weight": state[f"{embed}.center_embed.weight"],
        "neighbour_table.weight": state[f"{embed}.neighbor_embed.weight"],
        "basis.weight": state[f"{embed}.basis_linear.mlp.0.weight"],
        "two_body_hidden.weight": state["scalar_embed_mlp.mlp_module.mlp.0.weight"],
        "two_body_out.weight": state["scalar_embed_mlp.mlp_module.mlp.2.weight"],
        "tensor_weights.weight": state["tensor_embed.env_embed_linear.mlp.0.weight"][:, by_order],
        "first.weight": state["allegro.first_layer_env_embed_projection.mlp.0.weight"][:, behind],
        "readout_hidden.weight": state["edge_readout.mlp_module.mlp.0.weight"],
        "readout_out.weight": state["edge_readout.mlp_module.mlp.2.weight"],
    }
    for n in range(config.depth):
        out = state[f"allegro.latents.{n}.mlp.2.weight"]
        found[f"layers.{n}.path_weights"] = state[f"allegro.tps.{n}.weights"].T
        found[f"layers.{n}.hidden.weight"] = state[f"allegro.latents.{n}.mlp.0.weight"]
        found[f"layers.{n}.out.weight"] = out[:, behind] if n + 1 < config.depth else out
    return found


def load_weights(own: ForceField, weights: dict[str, Tensor]) -> None:
    """Put the weights into a force field."""
    assert isinstance(own.network, Allegro)
    own.network.load_state_dict(weights)


def molecules() -> list[Molecule]:
    """Ethanol, formaldehyde, benzene and hydrogen cyanide, rattled."""
    random = np.random.default_rng(5)
    found = []
    for name in ("CH3CH2OH", "H2CO", "C6H6", "HCN"):
        atoms = ase.build.molecule(name)
        found.append((atoms.numbers.astype(np.int64), atoms.positions + random.normal(0, 0.08, (len(atoms), 3))))
    return found


def graph_of(frames: Sequence[Molecule], cutoff: float) -> tuple[AtomGraph, Tensor]:
    """Some molecules as one graph, and their positions in float64."""
    frame = np.repeat(np.arange(len(frames)), [len(numbers) for numbers, _ in frames])
    positions = np.concatenate([places for _, places in frames])
    near = np.linalg.norm(positions[:, None] - positions, axis=-1) < cutoff
    first, second = np.nonzero(np.triu(near & (frame[:, None] == frame), 1))
    segments = [torch.from_numpy(index) for index in (frame, first, second)]
    sizes = (len(frames), len(frame), len(frame))
    frame_segments, firsts, seconds = (Segments.of(index, size) for index, size in zip(segments, sizes, strict=True))
    zeros = torch.zeros(len(frames))
    numbers = torch.from_numpy(np.concatenate([numbers for numbers, _ in frames]))
    return AtomGraph(numbers, frame_segments, firsts, seconds, None, zeros, zeros), torch.from_numpy(positions)


def peer_input(graph: AtomGraph, positions: Tensor, species: Sequence[int]) -> dict[str, Tensor]:
    """The same graph as the package takes it."""
    index = torch.zeros(119, dtype=torch.long)
    index[list(species)] = torch.arange(len(species))
    edges = graph.directed
    return {
        "pos": positions.clone(),
        "edge_index": torch.stack([edges.centre.index, edges.neighbour.index]),
        "atom_types": index[graph.atomic_numbers],
        "batch": graph.frames.index,
        "num_atoms": graph.frames.offsets.diff(),
    }


def compare(settings: dict[str, Any], dtype: str) -> tuple[float, float, float]:
    """Largest difference of energies and of forces, and the largest force."""
    frames = molecules()
    graph, positions = graph_of(frames, 5.0)
    species = sorted(set(graph.atomic_numbers.tolist()))
    config = AllegroConfig.parse({**settings, "mean_neighbours": NEIGHBOURS})
    peer = build_peer(config, species, dtype)
    own = build_force_field(config, species, 0).to(getattr(torch, dtype))
    load_weights(own, weights_of(peer, config))
    theirs = peer(peer_input(graph, positions, species))
    ours = own.predict(graph, positions.to(getattr(torch, dtype)))
    energies = (theirs["total_energy"].squeeze(-1) - ours.energies).abs().max().item()
    return energies, (theirs["forces"] - ours.forces).abs().max().item(), theirs["forces"].abs().max().item()


def golden(settings: dict[str, Any]) -> dict[str, Any]:
    """Weights of three decimals, two frames, and what the package says of them, in float64."""
    frames = [(numbers, positions.round(4)) for numbers, positions in molecules()[:2]]
    graph, positions = graph_of(frames, 5.0)
    species = sorted(set(graph.atomic_numbers.tolist()))
    config = AllegroConfig.parse({**settings, "mean_neighbours": NEIGHBOURS})
    peer = build_peer(config, species, "float64")
    with torch.no_grad():
        for parameter in peer.parameters():
            parameter.copy_(parameter.mul(1000).round() / 1000)
    result = peer(peer_input(graph, positions, species))
    return {
        "peer": PEER,
        "settings": config.model_dump(mode="json", exclude_none=True),
        "species": species,
        "frames": [{"numbers": numbers.tolist(), "positions": places.tolist()} for numbers, places in frames],
        "weights": {name: value.tolist() for name, value in weights_of(peer, config).items()},
        "energies": result["total_energy"].squeeze(-1).tolist(),
        "forces": result["forces"].tolist(),
    }


def main() -> None:
    """Print the differences; write golden files where asked."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--golden", type=Path, help="folder to write the golden files to")
    folder = arguments.parse_args().golden
    for settings in COMPARED:
        for dtype in ("float64", "float32"):
            energy, force, largest = compare(settings, dtype)
            print(f"{settings} {dtype}: |dE| {energy:.1e} eV, |dF| {force:.1e} eV/A, max |F| {largest:.2f} eV/A")
    if folder:
        for name, settings in GOLDEN.items():
            (folder / f"{name}.json").write_text(json.dumps(golden(settings)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
