"""How a training step's time and memory grow with the atoms of a frame and the frames of a batch.

Part of `force_field_speed.py --growth`. Frames are boxes cut from a jittered lattice as dense as an organic liquid,
one of H, C, N, O at each point: what the atoms are does not matter for speed, how many are near does.

    us, kB     processor time and peak memory of a step, by atoms; the memory is what the process holds at most beyond
               what it held before (parameters, Adam's moments and the data are held before)
"""

import ctypes
import dataclasses
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from statistics import median

import numpy as np
import torch

from chemscale.forcefields.families import build_model
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.segments import Segments
from chemscale.forcefields.task import ForceFieldTask
from chemscale.training.memory import peak_memory_bytes, reset_peak_memory
from chemscale.training.precision import float32_products

FAMILIES = ("schnet", "painn", "allegro", "spookynet")
CUTOFF = 5.0
SPACING = 2.15  # angstrom, 0.1 atoms a cubic angstrom
JITTER = 0.25
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h
SPECIES = (1, 6, 7, 8)
ATOMS, FRAMES_OF_THOSE = (8, 16, 32, 64, 128), 8
FRAMES, ATOMS_OF_THOSE = (1, 4, 16, 64), 16


def print_growth(rounds: int, sizes: Sequence[tuple[int, int]]) -> None:
    """A table per size of the models: a row per batch, two columns per family."""
    batches = [(n_atoms, FRAMES_OF_THOSE) for n_atoms in ATOMS] + [(ATOMS_OF_THOSE, n_frames) for n_frames in FRAMES]
    for width, depth in sizes:
        print(f"\nwidth {width}, depth {depth}: us and kB an atom")
        print("  atoms frames pairs/atom" + "".join(f"{family:>22s}" for family in FAMILIES))
        models = {
            name: build_model(name, species=SPECIES, width=width, depth=depth, cutoff=CUTOFF) for name in FAMILIES
        }
        with float32_products(torch.device("cpu"), width, ForceFieldTask.arithmetic):
            for n_atoms, n_frames in batches:
                graph, positions = lattice_frames(n_atoms, n_frames)
                costs = [step_costs(model, graph, positions, rounds) for model in models.values()]
                cells = "".join(f"{us:11,.0f}us {kilobytes:6,.0f}kB" for us, kilobytes in costs)
                print(f"{n_atoms:7d}{n_frames:7d}{graph.n_pairs / graph.n_atoms:11.1f}{cells}", flush=True)


def lattice_frames(n_atoms: int, n_frames: int) -> tuple[AtomGraph, torch.Tensor]:
    """Frames of so many atoms as a graph, and positions in angstrom [n_atoms * n_frames, 3]."""
    random = np.random.default_rng(0)
    side = np.arange(np.ceil(n_atoms ** (1 / 3)))
    points = np.stack(np.meshgrid(side, side, side, indexing="ij"), -1).reshape(-1, 3)
    centre = points - points.mean(axis=0)
    nearest = centre[np.argsort((centre**2).sum(axis=1), kind="stable")[:n_atoms]]
    places = SPACING * nearest + random.normal(0, JITTER, (n_frames, n_atoms, 3))
    near = np.linalg.norm(places[:, :, None] - places[:, None], axis=-1) < CUTOFF
    frame, first, second = np.nonzero(near & np.triu(np.ones((n_atoms, n_atoms), dtype=bool), 1))
    total = n_atoms * n_frames
    graph = AtomGraph(
        atomic_numbers=torch.from_numpy(random.choice(SPECIES, total)),
        frames=Segments.of(torch.arange(n_frames).repeat_interleave(n_atoms), n_frames),
        first=Segments.of(torch.from_numpy(frame * n_atoms + first), total),
        second=Segments.of(torch.from_numpy(frame * n_atoms + second), total),
        shifts=None,
        charges=torch.zeros(n_frames),
        unpaired=torch.zeros(n_frames),
    )
    return graph, torch.from_numpy(places.reshape(-1, 3)).float()


def step_costs(model: ForceField, graph: AtomGraph, positions: torch.Tensor, rounds: int) -> tuple[float, float]:
    """Median microseconds and peak kilobytes of a training step, by atoms."""
    steps = take_steps(model, graph, positions)
    next(steps)
    release_free_memory()
    reset_peak_memory()
    before = peak_memory_bytes(torch.device("cpu"))
    next(steps)
    peak = peak_memory_bytes(torch.device("cpu")) - before
    seconds = median(next(steps) for _ in range(rounds))
    return 1e6 * seconds / graph.n_atoms, peak / 1024 / graph.n_atoms


def take_steps(model: ForceField, graph: AtomGraph, positions: torch.Tensor) -> Iterator[float]:
    """Processor seconds of one training step after the other."""
    parameters = list(model.parameters())
    optimiser = torch.optim.Adam(parameters, lr=1e-6, fused=True)
    while True:
        start = time.process_time()
        fresh = dataclasses.replace(graph)  # without what it keeps from the step before
        optimiser.zero_grad(set_to_none=True)
        model.predict(fresh, positions, create_graph=True).forces.abs().mean().backward(inputs=parameters)
        optimiser.step()
        yield time.process_time() - start


def release_free_memory() -> None:
    """Give the system back what the C library keeps, so that what a step asks for shows; where it can be asked to."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def keep_freed_memory() -> None:
    """Let glibc neither map large blocks one by one nor give memory back; elsewhere nothing changes."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_MAX, 0)
        library.mallopt(M_TRIM_THRESHOLD, -1)
