"""A force field's side of a run: which frames, which batches, which loss."""

import dataclasses
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
from ase.data import chemical_symbols
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from chemscale.base.config import Config, content_hash
from chemscale.base.errors import ConfigError, DataError
from chemscale.base.seeds import stream, stream_seed
from chemscale.forcefields.batches import FrameBatch, atom_bounded, collate, equal_atoms
from chemscale.forcefields.companion import save_companion
from chemscale.forcefields.evaluation import METRICS, judge
from chemscale.forcefields.families import build_force_field
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.frames import Frames
from chemscale.forcefields.labels import COMPONENTS, labelled
from chemscale.forcefields.models.family_config import FamilyConfig
from chemscale.forcefields.pairs import pairs_for
from chemscale.forcefields.preparation import frames_for
from chemscale.forcefields.reference_energies import energy_scale, fit_references, fit_remainder
from chemscale.forcefields.splits import FrameSplit, SplitName, split_frames
from chemscale.forcefields.units import EnergyUnit, ForceSign, LengthUnit, UnitSettings
from chemscale.training.arithmetic import Arithmetic

__all__ = ["METRICS", "ForceFieldData", "ForceFieldLoss", "ForceFieldTask", "check_frames"]

TRAINING_PASSES = 6  # operations of a step in units of one energy: see `cost.py`
FRAMES_OF_STATISTICS = 5000


class ForceFieldData(Config):
    """Which frames a run sees."""

    source: str = Field(description="a source's name, a file, or a folder of prepared frames")
    limit: int | None = Field(None, description="use only the first frames of the source", ge=1)
    energy_unit: EnergyUnit | None = Field(None, description="of the source's labels, where its format does not say")
    length_unit: LengthUnit | None = Field(None, description="of the source's positions, likewise")
    force_energy_unit: EnergyUnit | None = Field(None, description="of forces, where it is not that of energies")
    force_length_unit: LengthUnit | None = Field(None, description="of forces, where it is not that of positions")
    force_sign: ForceSign | None = Field(None, description="gradients, where the source holds minus the forces")
    trust_labels: bool = Field(False, description="train even where forces and energies contradict each other")
    split: SplitName = Field(
        "random",
        description="validation set: random frames, held-out formulas or molecules, or a published split",
    )
    size: int | Literal["all"] = Field("all", description="training subset: a number of frames, or all")
    validation_size: int | None = Field(None, description="frames held out; none takes 5%, at most 50,000", ge=1)
    split_seed: int = Field(0, description="seed of the one permutation that makes validation set and subsets", ge=0)
    batch_by: Literal["frames", "atoms"] = Field("frames", description="what training.batch_size counts")

    @property
    def units(self) -> UnitSettings:
        """What the configuration says about the source's units."""
        forces = (self.force_energy_unit, self.force_length_unit, self.force_sign)
        return UnitSettings(self.energy_unit, self.length_unit, *forces, trusted=self.trust_labels)

    @field_validator("size", mode="before")
    @classmethod
    def _number_or_all(cls, value: Any) -> Any:
        if value != "all" and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise ValueError("expected a number of 1 or more, or 'all'")
        return value


class ForceFieldLoss(Config):
    """What is minimised, Eq. 5 (l1) or Eq. 4 (l2) of Frey et al. 2023.

        L = alpha_F mean over force components |F - F_hat|^p + alpha_E mean over atoms (|E - E_hat| / n_atoms)^p

    with p = 1 or 2. The paper writes the first mean over atoms, of the norm of a force's error; the code behind it,
    like the field, takes the mean over all components, and so does this. The second one weighs a frame by its atoms.
    Where labels are missing, both sums are divided by the number of the known force components (the second by a third
    of it); without a force term, the second is the mean over the atoms of frames with a known energy.
    """

    kind: Literal["l1", "l2"] = Field("l1", description="l1: absolute errors; l2: squared errors")
    force_weight: float = Field(1.0, description="alpha_F", ge=0)
    energy_weight: float = Field(0.0, description="alpha_E", ge=0)

    @model_validator(mode="after")
    def _something_to_learn(self) -> "ForceFieldLoss":
        if self.force_weight == 0 and self.energy_weight == 0:
            raise ValueError("force_weight and energy_weight are both 0: there is nothing to learn")
        return self


def frames_of(data: ForceFieldData) -> Frames:
    """The frames of a configuration, prepared on their first use.

    Raises:
        DataError: the source cannot be found or holds nothing usable.
    """
    return frames_for(data.source, limit=data.limit, units=data.units)


def split_of(frames: Frames, data: ForceFieldData) -> FrameSplit:
    """Training subset and validation sets of a configuration.

    Raises:
        DataError: there are fewer frames than asked for.
    """
    return split_frames(
        frames,
        split=data.split,
        size=data.size,
        validation_size=data.validation_size,
        split_seed=data.split_seed,
        limit=data.limit,
    )


def data_hash(frames: Frames, data: ForceFieldData) -> str:
    """Identifies the frames and how they are split: runs with different hashes do not belong into one law."""
    return content_hash([frames.sha256, data.identity()], length=16)


def check_frames(data: ForceFieldData) -> str:
    """Prepare the frames of a configuration, see that there are enough, and give its `data_hash`.

    Raises:
        DataError: the source cannot be found, holds nothing usable, or less than `size`.
    """
    frames = frames_of(data)
    split_of(frames, data)
    return data_hash(frames, data)


class ForceFieldTask:
    """Learning forces, and energies if asked to; the loss is in eV/angstrom (l1) per force component."""

    # forces are derivatives, and lose all digits in bfloat16; narrow products gain nothing from the other library
    arithmetic: ClassVar[Arithmetic] = Arithmetic(bfloat16=False, fast_products_from_width=32)

    def __init__(
        self, model: FamilyConfig, data: ForceFieldData, loss: ForceFieldLoss, batch_size: int, seed: int
    ) -> None:
        self.frames = frames_of(data)
        self.data, self.loss, self.batch_size, self.seed = data, loss, batch_size, seed
        self.split, self._labels = self._usable(split_of(self.frames, data))
        self.pairs = pairs_for(self.frames, model.cutoff)
        self.model_config = self._fitted_to_data(model)
        self._epoch_order = lru_cache(maxsize=2)(self._order_of_epoch)

    @property
    def _by_forces(self) -> bool:
        return self.loss.force_weight > 0

    def _usable(self, split: FrameSplit) -> tuple[FrameSplit, int]:
        """The split without frames that have nothing to learn from, and the labels of its training subset."""
        train, n_labels = labelled(self.frames, split.train, self._by_forces)
        validation, _ = labelled(self.frames, split.validation, self._by_forces)
        seen = None if split.seen is None else labelled(self.frames, split.seen, self._by_forces)[0]
        if not len(train) or not len(validation):
            wanted = "forces" if self._by_forces else "energies"
            where = "validation set" if len(train) else "training subset"
            raise DataError(
                f"{self.data.source}: no frame of the {where} has {wanted}; see loss.force_weight, loss.energy_weight"
            )
        return dataclasses.replace(split, train=train, validation=validation, seen=seen), n_labels

    def _fitted_to_data(self, model: FamilyConfig) -> FamilyConfig:
        missing = set(self.frames.species) - set(model.species or self.frames.species)
        if missing:
            raise ConfigError(
                f"model.species: the frames also hold the atomic numbers {sorted(missing)}; add them, or leave it out"
            )
        n_pairs, n_atoms = _totals(self.pairs.offsets, self.split.train), _totals(self.frames.offsets, self.split.train)
        return model.fitted_to(species=model.species or self.frames.species, mean_neighbours=2 * n_pairs / n_atoms)

    def _order_of_epoch(self, epoch: int) -> list[npt.NDArray[np.int64]]:
        order = self.split.train[stream(self.seed, "data order", epoch).permutation(len(self.split.train))]
        if self.data.batch_by == "atoms":
            return equal_atoms(order, self.frames.n_atoms[order], self.steps_per_epoch)
        return [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the subset; counted in frames, the last may be smaller."""
        count = len(self.split.train)
        if self.data.batch_by == "atoms":
            return min(count, -(-_totals(self.frames.offsets, self.split.train) // self.batch_size))
        return -(-count // self.batch_size)

    @property
    def labels_per_epoch(self) -> int:
        """Force components to predict in one pass over the subset."""
        return self._labels

    @property
    def data_hash(self) -> str:
        """Hash of the frames and of how they are split."""
        return data_hash(self.frames, self.data)

    def build_model(self) -> nn.Module:
        """A force field initialised from the run's seed, in the units of the training subset."""
        return self._untrained()

    def _untrained(self) -> ForceField:
        force_field = build_force_field(
            self.model_config, self.model_config.species or (), stream_seed(self.seed, "initialisation")
        )
        some = self._statistics()
        force_field.set_units(energy_scale(self.frames, some), fit_references(self.frames, some))
        return force_field

    @cached_property
    def elements(self) -> tuple[int, ...]:
        """Atomic numbers of the training subset."""
        found: set[int] = set()
        for index in self.split.train.tolist():
            found.update(self.frames.numbers[self.frames.offsets[index] : self.frames.offsets[index + 1]].tolist())
            if len(found) == len(self.frames.species):
                break
        return tuple(sorted(found))

    def _statistics(self) -> npt.NDArray[np.int64]:
        """The first frames of the training subset, enough for means over it."""
        return self.split.train[:FRAMES_OF_STATISTICS]

    def save_companions(self, folder: Path) -> None:
        """Write `energies.json` with the constants from before training; `finish` writes those from after it."""
        save_companion(folder, self._untrained(), self.model_config, self.elements, fitted_after_training=False)

    def batch(self, step: int) -> FrameBatch:
        """The batch of a step, counted through all epochs."""
        epoch, position = divmod(step, self.steps_per_epoch)
        return collate(self.frames, self.pairs, self._epoch_order(epoch)[position], self._by_forces)

    def validation_batches(self) -> Iterator[FrameBatch]:
        """The validation set, frames of similar size together."""
        return self.batches(self.split.validation)

    def batches(self, indices: npt.NDArray[np.int64]) -> Iterator[FrameBatch]:
        """Some frames in batches for evaluation."""
        for part in atom_bounded(indices, self.frames.n_atoms[indices]):
            yield collate(self.frames, self.pairs, part, self._by_forces)

    def loss_sum(self, model: Any, batch: FrameBatch) -> Tensor:
        """The loss times the number of known force components."""
        predicted = model.predict(batch.graph, batch.positions, create_graph=model.training)
        total = predicted.forces.new_zeros(())
        if self.loss.force_weight:
            known = torch.isfinite(batch.forces)
            error = torch.where(known, predicted.forces - batch.forces, torch.zeros_like(batch.forces))
            total = total + self.loss.force_weight * self._power(error).sum()
        if self.loss.energy_weight:
            total = total + self.loss.energy_weight * COMPONENTS * self._energy_term(predicted.energies, batch)
        return total

    def _energy_term(self, energies: Tensor, batch: FrameBatch) -> Tensor:
        """The sum over atoms of the error of their frame's energy per atom."""
        offsets = batch.graph.frames.offsets
        n_atoms = (offsets[1:] - offsets[:-1]).to(batch.positions.dtype)
        known = torch.isfinite(batch.energies)
        difference = torch.where(known, energies - batch.energies, torch.zeros_like(energies))
        error = difference.to(batch.positions.dtype)
        return (n_atoms * self._power(error / n_atoms)).sum()

    def _power(self, error: Tensor) -> Tensor:
        return error.abs() if self.loss.kind == "l1" else error.square()

    def resources(self) -> dict[str, float]:
        """Size of model and data; a training step takes `TRAINING_PASSES` times the operations of the energies."""
        config = self.model_config
        n_frames = len(self.split.train)
        n_atoms = _totals(self.frames.offsets, self.split.train) / n_frames
        n_pairs = _totals(self.pairs.offsets, self.split.train) / n_frames
        flops = TRAINING_PASSES * config.forward_flops(n_atoms, n_pairs)
        return {
            "n_parameters": config.n_parameters(),
            "n_parameters_total": config.n_parameters(embedding=True),
            "width": config.width,
            "capacity": config.capacity(),
            "data_points": n_frames,
            "tokens": self._labels,
            "flops_per_label": flops * n_frames / self._labels,
        }

    def environment(self, device: torch.device) -> dict[str, str]:
        """The operators of the family, and elements of the frames that the training subset does not hold."""
        missing = sorted(set(self.model_config.species or ()) - set(self.elements))
        unseen = {"not_trained": ", ".join(chemical_symbols[number] for number in missing)} if missing else {}
        return {"kernels": self.model_config.kernels(device)} | unseen

    def finish(self, model: ForceField, folder: Path) -> dict[str, float]:
        """Fit the reference energies to what the model left over, write them, and judge the model.

        A model trained on forces knows its energy up to a constant; the constant is fitted per element, on the
        training subset.
        """
        after = self.loss.energy_weight == 0
        if after:
            correction = fit_remainder(model, self.frames, self.batches(self._statistics()))
            model.set_units(float(model.scale), model.references + correction.to(model.references.device))
        save_companion(folder, model, self.model_config, self.elements, fitted_after_training=after)
        losses = judge(model, self.validation_batches())
        if self.split.seen is not None:
            losses |= {f"seen_{name}": value for name, value in judge(model, self.batches(self.split.seen)).items()}
        return losses


def _totals(offsets: npt.NDArray[np.int64], indices: npt.NDArray[np.int64]) -> int:
    return int((offsets[indices + 1] - offsets[indices]).sum())
