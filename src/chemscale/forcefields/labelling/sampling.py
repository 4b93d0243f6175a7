"""Which geometries of one molecule become frames, and which are left out for what reason."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, PositiveFloat, field_validator
from pydantic_core.core_schema import ValidationInfo
from rdkit import Chem

from chemscale.base.config import Config
from chemscale.base.seeds import stream
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.labelling.conformers import Conformer, conformers
from chemscale.forcefields.labelling.displacements import (
    along_normal_modes,
    at_random,
    nonzero_modes,
    smallest_distance,
)
from chemscale.forcefields.labelling.dynamics import HYDROGEN_MASS, Labelled, langevin
from chemscale.forcefields.labelling.relaxation import relax
from chemscale.forcefields.labelling.xtb import LabelError, XtbLabeller

Kind = Literal["relaxation", "normal modes", "random", "dynamics"]
KINDS: tuple[Kind, ...] = ("relaxation", "normal modes", "random", "dynamics")


class Sampling(Config):
    """How the geometries of a molecule are chosen."""

    frames_per_molecule: int = Field(12, ge=1, description="frames of a molecule before any is left out")
    conformers: int = Field(1, ge=1, description="conformers the frames are spread over")
    max_atoms: int = Field(60, ge=1, description="molecules with more atoms, hydrogens counted, are left out")
    random_share: float = Field(0.2, ge=0, le=1, description="share of randomly displaced geometries")
    dynamics_share: float = Field(0.25, ge=0, le=1, description="share of geometries from dynamics")
    temperatures: tuple[PositiveFloat, ...] = Field(
        (300.0, 600.0, 1000.0), min_length=1, description="of normal modes and dynamics, in kelvin, equally often"
    )
    smallest_sigma: float = Field(0.02, ge=0, description="narrowest random displacement, in angstrom")
    largest_sigma: float = Field(0.06, ge=0, description="widest random displacement, in angstrom")
    time_step: float = Field(2.0, gt=0, description="of the dynamics, in fs, with hydrogens of 4 amu")
    steps_per_frame: int = Field(2, ge=1, description="steps of the dynamics from one frame to the next")
    friction: float = Field(0.02, ge=0, description="of the dynamics, in 1/fs")
    relaxation_steps: int = Field(6, ge=0, description="at most so many steps towards the minimum first")
    relaxed_force: float = Field(0.25, gt=0, description="largest force component when relaxed, in eV/angstrom")
    max_force: float = Field(20.0, gt=0, description="largest force on an atom of a frame, in eV/angstrom")
    min_distance: float = Field(0.65, gt=0, description="smallest distance of two atoms of a frame, in angstrom")

    @field_validator("largest_sigma")
    @classmethod
    def _not_below_the_smallest(cls, value: float, info: ValidationInfo) -> float:
        smallest = info.data.get("smallest_sigma", 0.0)
        if value < smallest:
            raise ValueError(f"must not be below smallest_sigma, {smallest:g}")
        return value

    def counts(self) -> dict[Kind, int]:
        """How many frames of each kind a molecule gives: up to two from relaxation, normal modes take the rest."""
        total = self.frames_per_molecule
        dynamics = round(self.dynamics_share * total)
        displaced = min(round(self.random_share * total), total - dynamics)
        relaxation = min(2 * self.conformers, total - dynamics - displaced)
        rest = total - dynamics - displaced - relaxation
        return {"relaxation": relaxation, "normal modes": rest, "random": displaced, "dynamics": dynamics}


@dataclass
class MoleculeFrames:
    """What came out of one molecule.

    Attributes:
        frames: in the order they were made.
        kinds: for each frame how its geometry was made.
        temperatures: for each frame in kelvin; 0 where there is none.
        rejects: for each geometry or molecule that was left out the reason.
        n_labels: how many geometries were labelled.
    """

    frames: list[Frame] = field(default_factory=list)
    kinds: list[Kind] = field(default_factory=list)
    temperatures: list[float] = field(default_factory=list)
    rejects: Counter[str] = field(default_factory=Counter)
    n_labels: int = 0


def frames_of(smiles: str, number: int, seed: int, sampling: Sampling) -> MoleculeFrames:
    """Make and label the frames of one molecule; the same arguments give the same frames.

    Args:
        smiles: the molecule, canonical: it is the frames' `molecule`.
        number: of the molecule in its source, from 0; it enters the random numbers.
        seed: of all molecules.
        sampling: which geometries.

    Raises:
        LabelError: the molecule has no conformer, or none that can be labelled; the message is the reason.
        MoleculeError: the text is no molecule.
    """
    random = stream(seed, "frames of a molecule", number)
    found = conformers(smiles, sampling.conformers, int(random.integers(2**31)), sampling.max_atoms)
    made = _Making(smiles, sampling, random, XtbLabeller(found[0].atomic_numbers, found[0].charge, found[0].unpaired))
    for place, conformer in enumerate(found):
        shares = {
            kind: count // len(found) + int(place < count % len(found)) for kind, count in sampling.counts().items()
        }
        made.add_conformer(conformer, shares, number + place)
    made.result.n_labels = made.labeller.n_calls
    return made.result


class _Making:
    """The frames of one molecule while they are made."""

    def __init__(self, smiles: str, sampling: Sampling, random: np.random.Generator, labeller: XtbLabeller) -> None:
        self.smiles, self.sampling, self.random, self.labeller = smiles, sampling, random, labeller
        self.result = MoleculeFrames()

    def add_conformer(self, conformer: Conformer, shares: dict[Kind, int], turn: int) -> None:
        """Relax a conformer, then take its share of every kind; `turn` chooses the first temperature."""
        settings = self.sampling
        try:
            path, hessian = relax(
                self.label,
                conformer.positions,
                conformer.hessian,
                max_force=settings.relaxed_force,
                max_steps=settings.relaxation_steps,
            )
        except LabelError as error:
            self.result.rejects[str(error)] += sum(shares.values())
            return
        for place in _spread(shares["relaxation"], len(path)):
            self.try_to_keep(conformer, path[place], "relaxation", 0.0)
        minimum = path[-1]
        if len(conformer.atomic_numbers) == 1:
            return  # an atom has one geometry
        start = self.add_normal_modes(conformer, minimum, hessian, shares["normal modes"], turn)
        self.add_random(conformer, minimum, shares["random"])
        self.add_dynamics(conformer, start or minimum, shares["dynamics"], self.temperature(turn))

    def add_normal_modes(
        self, conformer: Conformer, minimum: Labelled, hessian: npt.NDArray[np.float64], count: int, turn: int
    ) -> Labelled | None:
        """Displace along normal modes; returns the last geometry, of the temperature of `turn`, if it has a label."""
        curvatures, modes = nonzero_modes(hessian, minimum[0])
        last = None
        for place in reversed(range(count)):
            temperature = self.temperature(turn + place)
            positions = along_normal_modes(minimum[0], curvatures, modes, temperature, self.random)
            last = self.try_to_label(conformer, positions, "normal modes", temperature)
        return last

    def add_random(self, conformer: Conformer, minimum: Labelled, count: int) -> None:
        """Displace every coordinate at random."""
        for _ in range(count):
            sigma = self.random.uniform(self.sampling.smallest_sigma, self.sampling.largest_sigma)
            self.try_to_label(conformer, at_random(minimum[0], sigma, self.random), "random", 0.0)

    def add_dynamics(self, conformer: Conformer, start: Labelled, count: int, temperature: float) -> None:
        """Follow one trajectory; what comes after a geometry that cannot be kept is lost with it."""
        settings = self.sampling
        trajectory = langevin(
            self.label,
            start,
            _masses(conformer.atomic_numbers),
            temperature=temperature,
            time_step=settings.time_step,
            friction=settings.friction,
            random=self.random,
        )
        kept = 0
        try:
            while kept < count:
                for _ in range(settings.steps_per_frame):
                    labelled = next(trajectory)
                self.keep(conformer, labelled, "dynamics", temperature)
                kept += 1
        except LabelError as error:
            self.result.rejects[str(error)] += count - kept

    def try_to_label(
        self, conformer: Conformer, positions: npt.NDArray[np.float64], kind: Kind, temperature: float
    ) -> Labelled | None:
        """Label a geometry and keep it; a reason not to is counted."""
        try:
            labelled = (positions, *self.label(positions))
        except LabelError as error:
            self.result.rejects[str(error)] += 1
            return None
        return labelled if self.try_to_keep(conformer, labelled, kind, temperature) else None

    def try_to_keep(self, conformer: Conformer, labelled: Labelled, kind: Kind, temperature: float) -> bool:
        """Keep a labelled geometry; a reason not to is counted."""
        try:
            self.keep(conformer, labelled, kind, temperature)
        except LabelError as error:
            self.result.rejects[str(error)] += 1
            return False
        return True

    def keep(self, conformer: Conformer, labelled: Labelled, kind: Kind, temperature: float) -> None:
        """Add a labelled geometry to the result.

        Raises:
            LabelError: a force is too large for a frame.
        """
        positions, energy, forces = labelled
        if np.linalg.norm(forces, axis=1).max() > self.sampling.max_force:
            raise LabelError(f"force above {self.sampling.max_force:g} eV/A")
        numbers, charge, unpaired = conformer.atomic_numbers, conformer.charge, conformer.unpaired
        self.result.frames.append(Frame(numbers, positions, energy, forces, charge, unpaired, self.smiles))
        self.result.kinds.append(kind)
        self.result.temperatures.append(temperature)

    def label(self, positions: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        """Energy and forces of a geometry.

        Raises:
            LabelError: atoms are too close, or there is no label.
        """
        if smallest_distance(positions) < self.sampling.min_distance:
            raise LabelError(f"atoms closer than {self.sampling.min_distance:g} A")
        return self.labeller(positions)

    def temperature(self, turn: int) -> float:
        """The temperatures in turn."""
        return self.sampling.temperatures[turn % len(self.sampling.temperatures)]


def _spread(count: int, available: int) -> list[int]:
    """Up to `count` different places of a path, evenly spread, its end always among them."""
    if count == 0:
        return []
    if count == 1 or available == 1:
        return [available - 1]
    return sorted({round(place) for place in np.linspace(0, available - 1, count)})


def _masses(atomic_numbers: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
    table = Chem.GetPeriodicTable()
    return np.array([HYDROGEN_MASS if number == 1 else table.GetAtomicWeight(int(number)) for number in atomic_numbers])
