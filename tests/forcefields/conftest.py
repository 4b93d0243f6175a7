"""Fixtures of this room: frames and pairs made in memory, without a file."""

from collections.abc import Callable, Sequence
from pathlib import Path

import ase
import ase.io
import numpy as np
import numpy.typing as npt
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

from chemscale.forcefields.frames import Frames, Pairs

Molecule = tuple[Sequence[int], npt.NDArray[np.float64]]  # atomic numbers, positions in angstrom


def random_molecules(counts: Sequence[int], seed: int = 0, elements: Sequence[int] = (1, 6, 8)) -> list[Molecule]:
    """Atoms at random, none closer than 0.9 angstrom to another."""
    random = np.random.default_rng(seed)
    molecules = []
    for count in counts:
        places: list[npt.NDArray[np.float64]] = []
        while len(places) < count:
            place = random.normal(0, 0.9 * count ** (1 / 3), 3)
            if all(np.linalg.norm(place - other) > 0.9 for other in places):
                places.append(place)
        molecules.append((random.choice(elements, count).tolist(), np.array(places)))
    return molecules


def frames_in_memory(
    molecules: Sequence[Molecule],
    energies: Sequence[float] | None = None,
    forces: Sequence[npt.NDArray[np.float64]] | None = None,
) -> Frames:
    """`Frames` of these molecules; labels are zero where none are given."""
    counts = [len(numbers) for numbers, _ in molecules]
    n_frames, n_atoms = len(counts), sum(counts)
    flat = np.zeros((n_atoms, 3)) if forces is None else np.concatenate(forces)
    numbers = np.concatenate([np.asarray(numbers, np.uint8) for numbers, _ in molecules])
    return Frames(
        folder=Path(),
        numbers=numbers,
        positions=np.concatenate([positions for _, positions in molecules]).astype(np.float32),
        forces=flat.astype(np.float32),
        energies=np.zeros(n_frames) if energies is None else np.asarray(energies, np.float64),
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        charges=np.zeros(n_frames, np.int16),
        unpaired=np.zeros(n_frames, np.int16),
        molecules=np.arange(n_frames, dtype=np.int32),
        molecule_names=tuple(f"m{i}" for i in range(n_frames)),
        cells=None,
        record={"species": sorted({int(number) for number in numbers}), "counts": {}, "sha256": "0" * 64},
    )


def pairs_in_memory(molecules: Sequence[Molecule], cutoff: float) -> Pairs:
    """`Pairs` by comparing every atom with every other."""
    firsts, seconds, orders, counts = [], [], [], []
    for _, positions in molecules:
        distances = np.linalg.norm(positions[:, None] - positions, axis=-1)
        first, second = np.nonzero(np.triu(distances < cutoff, 1))
        firsts.append(first)
        seconds.append(second)
        orders.append(np.argsort(second, kind="stable"))
        counts.append(len(first))
    first, second, order = (np.concatenate(parts).astype(np.uint16) for parts in (firsts, seconds, orders))
    return Pairs(cutoff, np.concatenate([[0], np.cumsum(counts)]), first, second, order, None)


@pytest.fixture
def molecules() -> list[Molecule]:
    """Molecules of 5, 1, 7 and 3 atoms of H, C and O."""
    return random_molecules((5, 1, 7, 3))


@pytest.fixture
def make_molecules() -> Callable[..., list[Molecule]]:
    """`random_molecules(counts, seed, elements)`."""
    return random_molecules


@pytest.fixture
def make_frames() -> Callable[..., Frames]:
    """`frames_in_memory(molecules, energies, forces)`."""
    return frames_in_memory


@pytest.fixture
def make_pairs() -> Callable[..., Pairs]:
    """`pairs_in_memory(molecules, cutoff)`."""
    return pairs_in_memory


def morse(positions: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
    """Energy in eV and forces in eV/angstrom of a Morse potential between all atoms, by hand."""
    depth, stiffness, length = 2.0, 1.5, 1.2
    vectors = positions[:, None] - positions
    r = np.linalg.norm(vectors, axis=-1) + np.eye(len(positions))
    decay = np.exp(-stiffness * (r - length))
    off = 1 - np.eye(len(positions))
    energy = float((depth * (decay**2 - 2 * decay) * off).sum() / 2)
    slope = depth * (-2 * stiffness * decay**2 + 2 * stiffness * decay) * off
    return energy, -(slope[..., None] * vectors / r[..., None]).sum(1)


REFERENCES = {1: -13.0, 6: -1030.0, 8: -2040.0}


@pytest.fixture
def frames_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An extended XYZ file of 60 frames of 6 molecules with Morse labels and element energies; the cache is fresh."""
    monkeypatch.setenv("CHEMSCALE_CACHE", str(tmp_path / "cache"))
    random = np.random.default_rng(5)
    images = []
    for numbers, places in random_molecules((3, 4, 5, 6, 4, 5), seed=1):
        for _ in range(10):
            positions = places + random.normal(0, 0.08, places.shape)
            energy, forces = morse(positions)
            atoms = ase.Atoms(numbers, positions)
            energy += sum(REFERENCES[number] for number in numbers)
            atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
            images.append(atoms)
    path = tmp_path / "frames.xyz"
    ase.io.write(path, images, format="extxyz")
    return path
