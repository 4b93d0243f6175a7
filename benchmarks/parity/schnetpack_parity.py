"""SchNet and PaiNN beside SchNetPack's on the same weights, in float64; writes the golden files of the tests.

    python benchmarks/parity/schnetpack_parity.py tests/golden/forcefields

SchNetPack 2.1.1 wants an older sympy than torch: install it with --no-deps in an environment of its own, beside
matscipy, hydra-core, omegaconf, antlr4-python3-runtime 4.9.3, torchmetrics, torch_ema, dirsync, fasteners,
pytorch-lightning, lightning-utilities, tensorboardX, hydra-colorlog and colorlog.
Expected: differences of energies and forces of 1e-13 and less. Takes a few seconds.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
import torch.utils.data.dataloader as dataloader

if not hasattr(dataloader, "T_co"):
    dataloader.T_co = dataloader._T_co  # torch renamed it; SchNetPack still imports the old name
import schnetpack
from schnetpack import atomistic, representation
from schnetpack.model import NeuralNetworkPotential

from chemscale.forcefields.families import build_model
from chemscale.forcefields.foreign_weights import FOREIGN
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.segments import Segments

CUTOFF = 5.0
FRAMES = (  # water and a bent chain of five atoms, in angstrom
    ([8, 1, 1], [[0.0, 0.0, 0.12], [0.02, 0.76, -0.47], [0.0, -0.75, -0.49]]),
    ([6, 7, 1, 8, 1], [[0.1, 0.0, 0.0], [1.4, 0.2, -0.1], [-0.6, 0.9, 0.3], [2.0, 1.5, 1.1], [4.4, 2.6, -0.9]]),
)


def frames_as_graph(frames: Any) -> tuple[AtomGraph, torch.Tensor]:
    """All frames as one graph, and their positions in angstrom [n_atoms, 3], float64."""
    numbers = torch.tensor([number for frame in frames for number in frame[0]])
    positions = torch.tensor([row for frame in frames for row in frame[1]], dtype=torch.float64)
    frame = torch.repeat_interleave(torch.arange(len(frames)), torch.tensor([len(f[0]) for f in frames]))
    near = (torch.cdist(positions, positions) < CUTOFF) & (frame[:, None] == frame[None, :])
    first, second = torch.nonzero(near.triu(1), as_tuple=True)
    zeros = torch.zeros(len(frames))
    segments = [Segments.of(index, n) for index, n in ((frame, len(frames)), (first, len(frame)), (second, len(frame)))]
    return AtomGraph(numbers, *segments, shifts=None, charges=zeros, unpaired=zeros), positions


def peer_model(family: str, width: int, depth: int, n_basis: int) -> NeuralNetworkPotential:
    """SchNetPack's model of that size, with Gaussians and a cosine cutoff."""
    basis, cutoff = schnetpack.nn.GaussianRBF(n_basis, CUTOFF), schnetpack.nn.CosineCutoff(CUTOFF)
    network = {"schnet": representation.SchNet, "painn": representation.PaiNN}[family]
    return NeuralNetworkPotential(
        representation=network(n_atom_basis=width, n_interactions=depth, radial_basis=basis, cutoff_fn=cutoff),
        input_modules=[atomistic.PairwiseDistances()],
        output_modules=[atomistic.Atomwise(n_in=width, output_key="energy"), atomistic.Forces()],
    )


def peer_inputs(graph: AtomGraph, positions: torch.Tensor) -> dict[str, torch.Tensor]:
    """A graph as SchNetPack takes it: every pair in both directions, sorted by its centre."""
    centre = torch.cat([graph.first.index, graph.second.index])
    neighbour = torch.cat([graph.second.index, graph.first.index])
    order = torch.argsort(centre, stable=True)
    return {
        "_n_atoms": torch.bincount(graph.frames.index, minlength=graph.n_frames),
        "_atomic_numbers": graph.atomic_numbers,
        "_positions": positions.detach(),
        "_idx_m": graph.frames.index,
        "_idx_i": centre[order],
        "_idx_j": neighbour[order],
        "_offsets": positions.new_zeros(len(order), 3),
        "_cell": positions.new_zeros(graph.n_frames, 3, 3),
        "_pbc": torch.zeros(3 * graph.n_frames, dtype=torch.bool),
    }


def compare(family: str, width: int, depth: int) -> dict[str, Any]:
    """The peer's numbers on our frames with random weights; raises where ours differ by more than 1e-10."""
    torch.manual_seed(7)
    n_basis = 20 if width > 8 else 6
    peer = peer_model(family, width, depth, n_basis).double()
    with torch.no_grad():
        for name, parameter in peer.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.1)
            parameter.copy_(parameter.round(decimals=4))  # short in the golden file
    graph, positions = frames_as_graph(FRAMES)
    outputs = peer(peer_inputs(graph, positions))
    weights = {name: value.detach() for name, value in peer.state_dict().items()}
    settings = {"width": width, "depth": depth, "cutoff": CUTOFF, "backend": "torch"}
    settings |= {"n_gaussians": n_basis} if family == "schnet" else {"n_basis": n_basis, "basis": "gaussian"}
    own = build_model(family, species=[1, 6, 7, 8], **settings).double()
    own.network.load_state_dict(FOREIGN[family, "schnetpack"](weights, depth))
    predicted = own.predict(graph, positions)
    difference = max(
        float((predicted.energies - outputs["energy"].detach()).abs().max()),
        float((predicted.forces - outputs["forces"].detach()).abs().max()),
    )
    print(f"{family} width {width} depth {depth}: largest difference of energies and forces {difference:.1e}")
    assert difference < 1e-10
    kept = {name: value for name, value in weights.items() if name.endswith(("weight", "bias"))}
    kept["representation.embedding.weight"] = kept["representation.embedding.weight"][:9]
    return {
        "made_by": f"schnetpack {schnetpack.__version__}, torch {torch.__version__}, float64",
        "settings": settings,
        "frames": [{"atomic_numbers": numbers, "positions": positions} for numbers, positions in FRAMES],
        "weights": {name: value.tolist() for name, value in kept.items()},
        "energies": outputs["energy"].detach().tolist(),
        "forces": outputs["forces"].detach().tolist(),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for family in ("schnet", "painn"):
        compare(family, 64, 3)
        golden = compare(family, 8, 2)
        if folder:
            path = folder / f"{family}_schnetpack.json"
            path.write_text(json.dumps(golden) + "\n")
            print(f"{path}: {path.stat().st_size / 1024:.0f} kB")
