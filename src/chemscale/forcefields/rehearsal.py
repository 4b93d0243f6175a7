"""A run's training steps without its data: clusters of atoms of the right size, to measure their time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import nn

from chemscale.forcefields.batches import FrameBatch, collate
from chemscale.forcefields.cost import ForceFieldRun, expected_frames
from chemscale.forcefields.families import build_force_field
from chemscale.forcefields.frames import Frames, Pairs
from chemscale.forcefields.labels import COMPONENTS
from chemscale.forcefields.task import TRAINING_PASSES, ForceFieldTask

SHAPES = 4
SIZES = (0.7, 0.9, 1.1, 1.3)  # atoms of the four batches, relative to the mean
SPACING = 1.3


class RehearsedForceField(ForceFieldTask):
    """The loss and the model of a `ForceFieldTask` on made-up frames; an epoch is a batch of each of a few sizes."""

    def __init__(self, run: ForceFieldRun, n_examples: int) -> None:
        expected = expected_frames(run.data, run.model.cutoff)
        self.data, self.batch_size, self.seed, self.loss = run.data, n_examples, 0, run.loss
        self.model_config = run.model.fitted_to(
            species=run.model.species or expected.species, mean_neighbours=2 * expected.n_pairs / expected.n_atoms
        )
        species = self.model_config.species or expected.species
        counts = [max(2, round(size * expected.n_atoms)) for size in SIZES]
        self._batches = [made_up_batch(n_examples, count, species, run.model.cutoff) for count in counts]
        self._flops = TRAINING_PASSES * self.model_config.forward_flops(expected.n_atoms, expected.n_pairs)
        self._atoms = expected.n_atoms

    @property
    def steps_per_epoch(self) -> int:
        """One step of every size."""
        return SHAPES

    @property
    def labels_per_epoch(self) -> int:
        """Labels of one batch of every size."""
        return sum(batch.n_labels for batch in self._batches)

    def build_model(self) -> nn.Module:
        """A force field in units of one."""
        return build_force_field(self.model_config, self.model_config.species or (), seed=0)

    def batch(self, step: int) -> FrameBatch:
        """The sizes in turn, the largest first."""
        return self._batches[-1 - step % SHAPES]

    def validation_batches(self) -> Iterator[FrameBatch]:
        """None: nothing is evaluated."""
        return iter(())

    def resources(self) -> dict[str, float]:
        """What the training loop must know of the model, and the operations of a label."""
        return {"width": self.model_config.width, "flops_per_label": self._flops / (COMPONENTS * self._atoms)}


def made_up_batch(n_frames: int, n_atoms: int, species: tuple[int, ...], cutoff: float) -> FrameBatch:
    """So many equal clusters of atoms near places of a cubic lattice."""
    random = np.random.default_rng(0)
    positions = _cluster(n_atoms) + random.normal(0, 0.05, (n_atoms, 3))
    distances = np.linalg.norm(positions[:, None] - positions, axis=-1)
    first, second = np.nonzero(np.triu(distances < cutoff, 1))
    pairs = Pairs(
        cutoff=cutoff,
        offsets=np.arange(n_frames + 1) * len(first),
        first=np.tile(first, n_frames).astype(np.uint32),
        second=np.tile(second, n_frames).astype(np.uint32),
        second_order=np.tile(np.argsort(second, kind="stable"), n_frames).astype(np.uint32),
        shifts=None,
    )
    return collate(_in_memory(positions, random.choice(species, n_atoms), n_frames), pairs, np.arange(n_frames))


def _cluster(n_atoms: int) -> npt.NDArray[np.float64]:
    """The places of a cubic lattice nearest to its origin [n_atoms, 3], in angstrom."""
    side = np.arange(np.ceil(n_atoms ** (1 / 3)) + 2)
    places = SPACING * np.stack(np.meshgrid(side, side, side), -1).reshape(-1, 3)
    nearest = np.argsort(np.linalg.norm(places - places.mean(0), axis=1), kind="stable")
    return places[nearest[:n_atoms]]


def _in_memory(positions: npt.NDArray[np.float64], numbers: npt.NDArray[np.int64], n_frames: int) -> Frames:
    n_atoms = len(numbers)
    zeros = np.zeros(n_frames)
    return Frames(
        folder=Path(),
        numbers=np.tile(numbers, n_frames).astype(np.uint8),
        positions=np.tile(positions, (n_frames, 1)).astype(np.float32),
        forces=np.zeros((n_frames * n_atoms, COMPONENTS), np.float32),
        energies=zeros,
        offsets=np.arange(n_frames + 1) * n_atoms,
        charges=zeros.astype(np.int16),
        unpaired=zeros.astype(np.int16),
        molecules=zeros.astype(np.int32),
        molecule_names=("",),
        cells=None,
        record={},
    )
