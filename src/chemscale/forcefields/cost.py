"""What training a force field costs, in closed form: operations, steps and memory, before anything runs.

A training step computes the energies (one pass), the forces as their derivative (another pass for the derivative of
the products with respect to their inputs), and the derivative of a loss of these forces with respect to the parameters
(two passes back through either): about `TRAINING_PASSES` times the operations of the energies.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import DataError
from chemscale.forcefields.batches import ATOMS_PER_EVALUATION
from chemscale.forcefields.frames import Frames
from chemscale.forcefields.labels import COMPONENTS
from chemscale.forcefields.models.family_config import FamilyConfig
from chemscale.forcefields.pairs import graph_of
from chemscale.forcefields.preparation import prepared_frames
from chemscale.forcefields.task import TRAINING_PASSES, ForceFieldData, ForceFieldLoss, split_of
from chemscale.training.config import TrainingConfig
from chemscale.training.workload import MemoryNeed, Workload

FLOAT32 = 4
FORCE_PASSES = 2
# Frames of small organic molecules (ANI-1x: 15 atoms), all of whose atoms are within 5 angstrom of each other.
ASSUMED_ATOMS = 15.0
ASSUMED_NEIGHBOURS = 12.0
SAMPLED_FRAMES = 200


@dataclass(frozen=True)
class ExpectedFrames:
    """Training subset and validation set, as far as costs depend on them.

    Attributes:
        n_train: frames of the training subset.
        n_validation: frames held out.
        n_atoms: atoms of a frame, on average.
        n_pairs: undirected pairs of a frame within the cutoff, on average.
        species: atomic numbers.
        assumptions: what was not counted.
    """

    n_train: int
    n_validation: int
    n_atoms: float
    n_pairs: float
    species: tuple[int, ...]
    assumptions: tuple[str, ...]


class ForceFieldRun(Protocol):
    """The parts of a run's configuration that decide what it costs."""

    @property
    def model(self) -> FamilyConfig:
        """Size and shape."""

    @property
    def data(self) -> ForceFieldData:
        """Which frames."""

    @property
    def loss(self) -> ForceFieldLoss:
        """What is minimised."""

    @property
    def training(self) -> TrainingConfig:
        """Budget and batch."""


def expected_frames(data: ForceFieldData, cutoff: float) -> ExpectedFrames:
    """What a run with this data configuration will see; nothing is downloaded or prepared.

    Raises:
        DataError: the frames are not prepared, and the size is "all".
    """
    frames = prepared_frames(data.source, limit=data.limit, units=data.units)
    if frames is None:
        return _assumed(data)
    split = split_of(frames, data)
    return ExpectedFrames(
        n_train=len(split.train),
        n_validation=len(split.validation),
        n_atoms=float(frames.n_atoms[split.train].mean()),
        n_pairs=_sampled_pairs(frames, split.train, cutoff),
        species=frames.species,
        assumptions=(),
    )


def _sampled_pairs(frames: Frames, indices: npt.NDArray[np.integer[Any]], cutoff: float) -> float:
    """Mean pairs of a frame, from the first of some frames: searching all is a long job where there are many."""
    counts = []
    for index in indices[:SAMPLED_FRAMES].tolist():
        atoms = slice(frames.offsets[index], frames.offsets[index + 1])
        cell = None if frames.cells is None else frames.cells[index]
        periodic = None if cell is None else tuple(bool(np.any(row)) for row in cell)
        graph = graph_of(frames.numbers[atoms], frames.positions[atoms], cutoff, cell=cell, periodic=periodic)
        counts.append(graph.n_pairs)
    return float(np.mean(counts))


def _assumed(data: ForceFieldData) -> ExpectedFrames:
    if data.size == "all":
        raise DataError(
            f"data.source {data.source!r} is not prepared here, so nothing tells how many frames it has; "
            "set data.size, or run `chemscale train` once with the source at hand"
        )
    return ExpectedFrames(
        n_train=data.size,
        n_validation=data.validation_size or max(1, data.size // 20),
        n_atoms=ASSUMED_ATOMS,
        n_pairs=ASSUMED_ATOMS * ASSUMED_NEIGHBOURS / 2,
        species=(1, 6, 7, 8),
        assumptions=(
            f"{data.source}: not prepared here; frames of {ASSUMED_ATOMS:.0f} atoms with {ASSUMED_NEIGHBOURS:.0f} "
            "neighbours each are assumed.",
        ),
    )


def force_field_workload(run: ForceFieldRun, precision: str) -> Workload:
    """What a run asks of a device. A rule that stops it early is not foreseen: the whole budget is counted.

    Args:
        run: model, data and training configuration.
        precision: of the products; force fields take float32.

    Raises:
        DataError: the data cannot give what is asked for, or nothing is known of it.
    """
    expected, training = expected_frames(run.data, run.model.cutoff), run.training
    model = run.model.fitted_to(
        species=run.model.species or expected.species, mean_neighbours=2 * expected.n_pairs / expected.n_atoms
    )
    labels_per_epoch = round(COMPONENTS * expected.n_atoms * expected.n_train)
    in_batches = expected.n_train * (expected.n_atoms if run.data.batch_by == "atoms" else 1)
    steps_per_epoch = min(expected.n_train, math.ceil(round(in_batches) / training.batch_size))
    per_batch = math.ceil(expected.n_train / steps_per_epoch)
    steps = training.total_steps(steps_per_epoch, labels_per_epoch)
    forward = model.forward_flops(expected.n_atoms, expected.n_pairs)
    evaluated = math.ceil(expected.n_validation * expected.n_atoms / ATOMS_PER_EVALUATION)
    visits = steps * expected.n_train / steps_per_epoch
    return Workload(
        n_parameters=model.n_parameters(),
        n_parameters_total=model.n_parameters(embedding=True),
        width=model.width,
        n_layers=model.depth,
        data_points=expected.n_train,
        batch_size=per_batch,
        micro_batches=training.accumulate,
        steps=steps,
        labels=round(visits * COMPONENTS * expected.n_atoms),
        training_flops=TRAINING_PASSES * forward * visits,
        validation_flops=FORCE_PASSES * forward * expected.n_validation * training.evaluations,
        validation_batches=evaluated * training.evaluations,
        memory=_memory_need(model, expected),
        assumptions=expected.assumptions,
    )


def _memory_need(model: FamilyConfig, expected: ExpectedFrames) -> MemoryNeed:
    n_total = model.n_parameters(embedding=True)
    rows = expected.n_atoms + expected.n_pairs
    held = expected.n_validation * (expected.n_atoms * (7 * FLOAT32 + 16) + expected.n_pairs * 24)
    return MemoryNeed(
        weights=FLOAT32 * n_total,
        gradients=FLOAT32 * n_total,
        optimiser=2 * FLOAT32 * n_total,
        cast_weights=0,
        activations_per_example=round(FLOAT32 * rows * model.width * model.saved_rows * model.depth),
        held_data=round(held),
        largest_part=FLOAT32 * n_total // model.depth,
    )
