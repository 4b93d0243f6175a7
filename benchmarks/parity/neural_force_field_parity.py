"""SchNet and PaiNN beside NeuralForceField's on the same weights, in float64; writes the golden files of the tests.

    python benchmarks/parity/neural_force_field_parity.py CHECKOUT tests/golden/forcefields

CHECKOUT is a copy of the repository learningmatter-mit/NeuralForceField (tried: commit 07fec92). Packages that it
imports and that these two models do not use are replaced by empty ones. It adds 1e-15 to squares, so that differences
of some 1e-13 are left. Takes a few seconds.
"""

import importlib.abc
import importlib.machinery
import json
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from schnetpack_parity import CUTOFF, FRAMES, frames_as_graph

from chemscale.forcefields.families import build_model
from chemscale.forcefields.foreign_weights import FOREIGN
from chemscale.forcefields.graph import AtomGraph

UNUSED = {"nvidia_smi", "mace", "chgnet", "pymatgen", "e3fp", "nglview", "munch", "sklearn", "networkx", "IPython"}


class EmptyModule(types.ModuleType):
    """A module that has every name."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class EmptyModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the unused packages, empty."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The package, if it is unused."""
        unused = name.split(".")[0] in UNUSED
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if unused else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """An empty one."""
        return EmptyModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run."""


def peer_model(family: str, width: int, depth: int, n_basis: int) -> torch.nn.Module:
    """The peer's model: SchNet with Gaussians that learn, PaiNN with Bessel functions."""
    # found only once the checkout is on the path
    from nff.nn.models.painn import Painn
    from nff.nn.models.schnet import SchNet

    if family == "schnet":
        shape = {"n_atom_basis": width, "n_filters": width, "n_gaussians": n_basis, "n_convolutions": depth}
        linear = [{"in_features": width, "out_features": width // 2}, {"in_features": width // 2, "out_features": 1}]
        layers: list[dict[str, Any]] = [{"name": "linear", "param": each} for each in linear]
        layers.insert(1, {"name": "shifted_softplus", "param": {}})
        return SchNet({**shape, "cutoff": CUTOFF, "trainable_gauss": True, "readoutdict": {"energy": layers}})
    shape = {"feat_dim": width, "n_rbf": n_basis, "num_conv": depth, "cutoff": CUTOFF, "activation": "swish"}
    painn = Painn({**shape, "output_keys": ["energy"], "grad_keys": ["energy_grad"]})
    for block in painn.message_blocks:
        basis = block.inv_message.dist_embed.block[0]
        basis.n = basis.n.double()  # no buffer: it would stay in float32
    return painn


def peer_prediction(
    peer: torch.nn.Module, graph: AtomGraph, positions: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Energies and forces."""
    at = positions.detach().requires_grad_()
    batch = {
        "nxyz": torch.cat([graph.atomic_numbers.unsqueeze(-1).double(), positions], dim=-1),
        "num_atoms": torch.bincount(graph.frames.index),
        "nbr_list": torch.stack([graph.first.index, graph.second.index], dim=1),
    }
    if hasattr(peer, "atomwise"):
        atomic = peer.atomwise(batch, xyz=at)[0]["energy"]
    else:
        atomic = peer.atomwisereadout(peer.convolve(batch, xyz=at)[0])["energy"]
    energies = graph.frames.sum(atomic.reshape(-1))
    (gradient,) = torch.autograd.grad(energies.sum(), at)
    return energies.detach(), -gradient


def compare(family: str, width: int, depth: int) -> dict[str, Any]:
    """The peer's numbers on our frames with random weights; raises where ours differ by more than 1e-10."""
    torch.manual_seed(7)
    n_basis = 20 if width > 8 else 6
    peer = peer_model(family, width, depth, n_basis).double().eval()
    with torch.no_grad():
        for name, parameter in peer.named_parameters():
            if name.endswith(("bias", "offsets", "width")):
                parameter += 0.1 * torch.randn_like(parameter)
            parameter.copy_(parameter.round(decimals=4))  # short in the golden file
    graph, positions = frames_as_graph(FRAMES)
    energies, forces = peer_prediction(peer, graph, positions)
    settings: dict[str, Any] = {"width": width, "depth": depth, "cutoff": CUTOFF, "backend": "torch"}
    if family == "schnet":
        settings |= {"n_gaussians": n_basis, "trainable_gaussians": True, "filter_hidden": "gaussians"}
        settings |= {"cutoff_function": "none", "input_bias": True, "readout": "ssp"}
    else:
        settings |= {"n_basis": n_basis, "norm_epsilon": 3e-15}
    weights = {name: value.detach() for name, value in peer.state_dict().items()}
    own = build_model(family, species=[1, 6, 7, 8], **settings).double()
    own.network.load_state_dict(FOREIGN[family, "neural_force_field"](weights, depth))
    predicted = own.predict(graph, positions)
    difference = max(float((predicted.energies - energies).abs().max()), float((predicted.forces - forces).abs().max()))
    print(f"{family} width {width} depth {depth}: largest difference of energies and forces {difference:.1e}")
    assert difference < 1e-10
    table = "atom_embed.weight" if family == "schnet" else "embed_block.atom_embed.weight"
    weights[table] = weights[table][:9]
    return {
        "made_by": f"NeuralForceField, torch {torch.__version__}, float64",
        "settings": settings,
        "frames": [{"atomic_numbers": numbers, "positions": places} for numbers, places in FRAMES],
        "weights": {name: value.tolist() for name, value in weights.items()},
        "energies": energies.tolist(),
        "forces": forces.tolist(),
    }


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    sys.meta_path.insert(0, EmptyModules())
    for family in ("schnet", "painn"):
        compare(family, 64, 3)
        golden = compare(family, 8, 2)
        if len(sys.argv) > 2:
            path = Path(sys.argv[2]) / f"{family}_neural_force_field.json"
            path.write_text(json.dumps(golden) + "\n")
            print(f"{path}: {path.stat().st_size / 1024:.0f} kB")
