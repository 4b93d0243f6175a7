"""SpookyNet beside its public source on the same weights, and the golden file that tests compare with.

    python benchmarks/parity/spookynet_parity.py SOURCE [--write]

SOURCE is a checkout of github.com/OUnke/SpookyNet (commit d57b1fc), which has no package. A few seconds; prints the
largest differences in energy, forces and charges, in float64, and with --write makes
tests/golden/forcefields/spookynet.json. No weights are stored: they follow from `weight_waves`.

The source needs its weights in float64 by hand (some of its buffers are float64 already), gives energies that depend
on whether one or several molecules are asked for (random features), and returns None from `eval()`.
"""

import argparse
import importlib
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from chemscale.forcefields.families import build_model
from chemscale.forcefields.force_field import ForceField, Prediction
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.physics.dispersion_tables import FOLDER_VARIABLE
from chemscale.forcefields.segments import Segments
from chemscale.forcefields.spooky.public_weights import correspondences, load_public_weights, part_of

GOLDEN = Path(__file__).parents[2] / "tests" / "golden" / "forcefields" / "spookynet.json"
WIDTH, DEPTH, CUTOFF = 8, 2, 5.0
SPECIES = (1, 6, 7, 8)
FRAMES: list[dict[str, Any]] = [
    {
        "atomic_numbers": [8, 1, 1, 6, 8],  # water, and carbon monoxide farther away than the cutoff
        "positions": [[0.0, 0.05, 0.11], [0.76, -0.02, -0.48], [-0.74, 0.04, -0.51], [0.3, 5.6, 1.2], [1.1, 6.4, 1.5]],
        "charge": 0,
        "unpaired": 0,
    },
    {
        "atomic_numbers": [7, 1, 1, 1, 1],  # ammonium
        "positions": [
            [0.02, 0.0, 0.01],
            [0.6, 0.63, 0.57],
            [-0.61, -0.55, 0.62],
            [-0.58, 0.6, -0.6],
            [0.62, -0.6, -0.55],
        ],
        "charge": 1,
        "unpaired": 0,
    },
    {
        "atomic_numbers": [6, 8, 8, 1],  # the formate radical anion: no sensible molecule, but both embeddings at once
        "positions": [[0.0, 0.1, 0.02], [1.1, -0.5, 0.1], [-1.15, -0.45, -0.1], [0.05, 1.2, 0.05]],
        "charge": -1,
        "unpaired": 2,
    },
]


def weight_waves(network: nn.Module) -> None:
    """Weights that anyone can make again: matrices become waves, what starts at a constant is moved a little by one."""
    count = 0
    with torch.no_grad():
        for name, weights in sorted([*network.named_parameters(), *network.named_buffers()]):
            if not isinstance(weights, nn.Parameter) and not name.endswith("omega"):
                continue
            steps = torch.arange(count, count + weights.numel(), dtype=torch.float64)
            wave = torch.sin(1.7 * steps + 0.3).reshape(weights.shape)
            count += weights.numel()
            constant = name.endswith(("alpha", "beta")) or "free_" in name or name.startswith("repulsion")
            weights.copy_(weights + 0.1 * wave if constant else 0.8 * wave)


def graph_of(frames: list[dict[str, Any]], cutoff: float) -> tuple[AtomGraph, Tensor]:
    """Frames as a graph and positions, by plain loops."""
    numbers = [number for frame in frames for number in frame["atomic_numbers"]]
    positions = torch.tensor([row for frame in frames for row in frame["positions"]], dtype=torch.float64)
    frame_of = torch.tensor([i for i, frame in enumerate(frames) for _ in frame["atomic_numbers"]])
    near = (torch.cdist(positions, positions) < cutoff) & (frame_of[:, None] == frame_of)
    first, second = torch.nonzero(torch.triu(near, diagonal=1), as_tuple=True)
    graph = AtomGraph(
        atomic_numbers=torch.tensor(numbers),
        frames=Segments.of(frame_of, len(frames)),
        first=Segments.of(first, len(numbers)),
        second=Segments.of(second, len(numbers)),
        shifts=None,
        charges=torch.tensor([float(frame["charge"]) for frame in frames]),
        unpaired=torch.tensor([float(frame["unpaired"]) for frame in frames]),
    )
    return graph, positions


def import_source(source: Path) -> types.ModuleType:
    """The module with the network, without the package's calculator and its dependencies."""
    package = types.ModuleType("spookynet")
    package.__path__ = [str(source / "spookynet")]
    sys.modules["spookynet"] = package
    return importlib.import_module("spookynet.spookynet")


def peer_of(source: Path, ours: ForceField) -> Any:
    """The public network with our weights."""
    config = ours.network.config
    peer = (
        import_source(source)
        .SpookyNet(
            num_features=config.width,
            num_modules=config.depth,
            num_basis_functions=config.n_basis,
            cutoff=config.cutoff,
            use_zbl_repulsion=config.repulsion,
            use_electrostatics=config.electrostatics,
            use_d4_dispersion=config.dispersion,
        )
        .double()
    )
    if config.attention == "softmax":
        for module in peer.module:
            attention = module.nonlocal_interaction.attention
            attention.num_random_features = None
            type(attention)._exact_attention.__defaults__ = (0.0,)  # its 1e-8 in the denominator shows at 1e-8 eV
    state = peer.state_dict()
    weights = ours.network.state_dict()
    for own, part, public in correspondences(ours.network):
        given = part_of(weights[own], part)
        theirs = state[public]
        if own in ("output.weight", "element_bias"):
            theirs = theirs[: given.shape[0], : given.shape[1]]
        theirs.copy_(given.reshape(theirs.shape))
    if config.dispersion:
        peer.d4_dispersion_energy._compute_refc6()  # it would keep those of the old charges
    peer.train()  # eval() would keep the embeddings of the old weights
    return peer


def predict_with(peer: Any, graph: AtomGraph, positions: Tensor) -> Prediction:
    """Energies, forces and charges of the public network, which wants all directed pairs of a molecule."""
    frame = graph.frames.index
    i, j = torch.nonzero((frame[:, None] == frame) & ~torch.eye(len(frame), dtype=torch.bool), as_tuple=True)
    out = peer.energy_and_forces(
        Z=graph.atomic_numbers,
        Q=graph.charges.double(),
        S=graph.unpaired.double(),
        R=positions.clone().requires_grad_(),
        idx_i=i,
        idx_j=j,
        num_batch=graph.n_frames,
        batch_seg=frame,
    )
    return Prediction(out[0].detach(), out[1].detach(), out[4].detach())


def compare(source: Path, settings: dict[str, Any]) -> tuple[Prediction, dict[str, float]]:
    """Our prediction on the frames, and the largest absolute differences to the public network's."""
    ours = build_model("spookynet", species=SPECIES, width=WIDTH, depth=DEPTH, cutoff=CUTOFF, **settings).double()
    weight_waves(ours.network)
    graph, positions = graph_of(FRAMES, CUTOFF)
    mine = ours.predict(graph, positions)
    theirs = predict_with(peer_of(source, ours), graph, positions)
    differences = {
        "energy": (mine.energies - theirs.energies).abs().max().item(),
        "forces": (mine.forces - theirs.forces).abs().max().item(),
    }
    if mine.charges is not None and theirs.charges is not None:
        differences["charges"] = (mine.charges - theirs.charges).abs().max().item()
    return theirs, differences


def compare_published(source: Path) -> dict[str, float]:
    """The trained parameters that come with the source, on singlet and triplet carbene: all terms, D4 included."""
    saved = torch.load(source / "parameters.pth", map_location="cpu", weights_only=True)
    settings = {"width": saved["num_features"], "depth": saved["num_modules"], "cutoff": saved["cutoff"]}
    ours = build_model("spookynet", species=(1, 6), attention="favor", dispersion=True, **settings).double()
    load_public_weights(ours.network, saved["state_dict"])
    carbene = {"atomic_numbers": [6, 1, 1], "positions": [[0.0, 0.0, 0.0], [-0.865, -0.584, 0.0], [0.865, -0.584, 0.0]]}
    graph, positions = graph_of([carbene | {"charge": 0, "unpaired": spin} for spin in (0, 2)], saved["cutoff"])
    mine, theirs = ours.predict(graph, positions), predict_with(peer_of(source, ours), graph, positions)
    energy, forces = (mine.energies - theirs.energies).abs().max(), (mine.forces - theirs.forces).abs().max()
    gap = (mine.energies[1] - mine.energies[0]).item()
    return {"energy": energy.item(), "forces": forces.item(), "triplet minus singlet in eV": gap}


def main() -> None:
    """Compare every variant, and write the golden file if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    os.environ[FOLDER_VARIABLE] = str(arguments.source / "spookynet" / "modules" / "d4data")
    variants = []
    for settings in (
        {"attention": "favor", "repulsion": False, "electrostatics": False},
        {"attention": "favor"},
        {"attention": "softmax", "repulsion": False, "electrostatics": False},
        {"attention": "softmax"},
        {"attention": "softmax", "dispersion": True},
    ):
        theirs, differences = compare(arguments.source, settings)
        print(settings, {name: f"{value:.1e}" for name, value in differences.items()})
        print("  largest force", f"{theirs.forces.abs().max():.3g} eV/A, energies", theirs.energies.tolist())
        record = {"settings": settings, "energies": theirs.energies.tolist(), "forces": theirs.forces.tolist()}
        if settings.get("electrostatics", True) and theirs.charges is not None:
            record["charges"] = theirs.charges.tolist()
        variants.append(record)
    print("published parameters on carbene", compare_published(arguments.source))
    if arguments.write:
        model = {"width": WIDTH, "depth": DEPTH, "cutoff": CUTOFF, "species": SPECIES}
        GOLDEN.parent.mkdir(parents=True, exist_ok=True)
        GOLDEN.write_text(json.dumps({"model": model, "frames": FRAMES, "variants": variants}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
