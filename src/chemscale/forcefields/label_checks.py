"""Are the labels what they are said to be? Three checks that find a wrong unit or a wrong sign, and name it.

forces     the energy's change between near geometries against the work of the forces, see `force_work`
lengths    distances to the nearest atom against sums of covalent radii: bohr is 1.89 times angstrom
energies   all-electron total energies against the Thomas-Fermi series of atoms; energies of another kind pass unchecked
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from ase.data import covalent_radii
from scipy.spatial.distance import cdist

from chemscale.base.errors import DataError
from chemscale.forcefields.force_work import work_pairs
from chemscale.forcefields.frames import Frames
from chemscale.forcefields.units import BOHR, HARTREE, IN_ANGSTROM, IN_EV, EnergyUnit, LabelUnits, LengthUnit

FEWEST_PAIRS = 10
MOST_SCATTER = 0.3
# half the way, on a logarithmic scale, between units that differ by a bohr for an angstrom
NEAREST_UNIT = math.log(1 / BOHR) / 2
# what the estimate of a total energy may be off, on a logarithmic scale
TOTAL_ENERGY = 0.04
SAMPLE = 300
_HEAVIEST, _NOBLE_GASES = 36, (2, 10, 18, 36)


@dataclass(frozen=True)
class LabelCheck:
    """What the checks found; None where a check has nothing to go by.

    Attributes:
        verdict: one line for a person.
        contradictions: what is wrong and what to set; empty where nothing is.
        slope: energy change over work of the forces; 1 where they belong together.
        scatter: relative scatter of the pairs of geometries around the slope.
        n_pairs: pairs of geometries compared.
        bond_ratio: median distance to the nearest atom over the sum of covalent radii.
        energy_ratio: median energy over the estimated total energy.
    """

    verdict: str
    contradictions: tuple[str, ...]
    slope: float | None
    scatter: float | None
    n_pairs: int
    bond_ratio: float | None
    energy_ratio: float | None

    def as_json(self) -> dict[str, Any]:
        """Plain values for `frames.json`."""
        return asdict(self)


def check_labels(frames: Frames, units: LabelUnits, source: str, strict: bool = True) -> LabelCheck:
    """Check the labels of frames.

    Args:
        frames: in this project's units.
        units: what the labels were converted from.
        source: the name for messages.
        strict: raise an error for a clear contradiction; else only report it.

    Raises:
        DataError: a sign or a unit is wrong; the message says which and what to set.
    """
    found = work_pairs(frames)
    n_pairs = len(found.work)
    slope, scatter = (found.slope(), found.scatter()) if n_pairs else (None, None)
    # energies that do not change at all are a placeholder for energies that are not known
    clear = bool(slope) and scatter is not None and n_pairs >= FEWEST_PAIRS and scatter < MOST_SCATTER
    bonds, energies = bond_ratio(frames), energy_ratio(frames)
    faults = (
        *_length_fault(bonds, units),
        *_energy_fault(energies, units),
        *(force_faults(slope, units) if clear and slope is not None else ()),
    )
    if faults and strict:
        raise DataError(
            f"{source}: its labels contradict each other. " + " ".join(faults) + " If the source is right as it is, "
            "set data.trust_labels = true"
        )
    if not n_pairs or slope is None or scatter is None:
        verdict = "forces cannot be checked: no two geometries of one molecule are near enough"
    elif slope == 0:
        verdict = "forces cannot be checked: the energies do not change with the geometry"
    elif not clear:
        verdict = f"forces cannot be checked: only {n_pairs} near geometries, scattered by {scatter:.0%}"
    else:
        verdict = f"energy changes are {slope:.3f} times the work of the forces ({n_pairs} near geometries)"
    return LabelCheck(verdict, faults, slope, scatter, n_pairs, bonds, energies)


def force_faults(slope: float, units: LabelUnits) -> tuple[str, ...]:
    """What a slope of energy against work says of the labels.

    Nothing where it is near 1, and nothing where no unit explains it: labels may be odd for other reasons.
    """
    size, faults = abs(slope), []
    guesses = [*_other_force_units(size, units), *_other_energy_units(size, units)]
    right_size = abs(math.log(size)) < NEAREST_UNIT
    if slope < 0 and (right_size or guesses):
        other = "forces" if units.sign == "gradients" else "gradients"
        faults.append(
            f"The forces have the wrong sign (slope {slope:.3g}): they look like {other}, and were read as "
            f"{units.sign}; set data.force_sign = '{other}'."
        )
    if guesses and not right_size:
        faults.append(
            f"Energies change {size:.3g} times as much as the work of the forces, which were read as "
            f"{units.force_energy}/{units.force_length}. Either {', or '.join(guesses)}."
        )
    return tuple(faults)


def bond_ratio(frames: Frames) -> float | None:
    """The median distance of an atom to its nearest, over the sum of their covalent radii; about 1 in molecules.

    None where it varies too much to be a matter of units, or there is nothing to look at.
    """
    ratios = []
    for row in _spread(len(frames)):
        atoms = slice(frames.offsets[row], frames.offsets[row + 1])
        numbers, positions = frames.numbers[atoms], frames.positions[atoms]
        alone = frames.cells is None or not frames.cells[row].any()
        if alone and 1 < len(numbers) <= 500 and not np.isin(numbers, _NOBLE_GASES).any():
            distances = cdist(positions, positions)
            np.fill_diagonal(distances, np.inf)
            nearest = distances.argmin(axis=1)
            ratios.append(distances.min(axis=1) / (covalent_radii[numbers] + covalent_radii[numbers[nearest]]))
    if not ratios:
        return None
    low, middle, high = np.percentile(np.concatenate(ratios), [25, 50, 75])
    return float(middle) if high < 1.25 * low else None


def energy_ratio(frames: Frames) -> float | None:
    """The median of energy over the estimated total energy of the separate atoms; about 1 for total energies.

    E(Z) = -0.768745 Z^(7/3) + Z^2 / 2 - 0.269900 Z^(5/3) hartree, Englert and Schwinger 1985,
    10.1103/PhysRevA.32.26: within a few per cent from hydrogen on.
    """
    ratios = []
    for row in _spread(len(frames)):
        numbers = frames.numbers[frames.offsets[row] : frames.offsets[row + 1]].astype(np.float64)
        energy = float(frames.energies[row])
        if math.isfinite(energy) and numbers.max() <= _HEAVIEST:
            estimate = -0.768745 * numbers ** (7 / 3) + numbers**2 / 2 - 0.2699 * numbers ** (5 / 3)
            ratios.append(energy / (HARTREE * estimate.sum()))
    return float(np.median(ratios)) if ratios else None


def _length_fault(ratio: float | None, units: LabelUnits) -> tuple[str, ...]:
    if ratio is None or abs(math.log(ratio)) < NEAREST_UNIT:
        return ()
    for length in get_args(LengthUnit):
        off = math.log(ratio * IN_ANGSTROM[length] / units.length_factor)
        if length != units.length and abs(off) < 0.2:
            return (
                f"Atoms are {ratio:.2f} times as far apart as in molecules: positions look like {length}, and were "
                f"read as {units.length}; set data.length_unit = '{length}'.",
            )
    return ()


def _energy_fault(ratio: float | None, units: LabelUnits) -> tuple[str, ...]:
    # energies of valence electrons alone are 0.05 to 0.3 of the total: no unit shall be read from those
    if ratio is None or ratio <= 0 or 0.05 < ratio < 0.3:
        return ()
    for energy in get_args(EnergyUnit):
        if energy != units.energy and abs(math.log(ratio * IN_EV[energy] / units.energy_factor)) < TOTAL_ENERGY:
            return (
                f"Energies are {ratio:.3g} times the total energy of such molecules: they look like {energy}, and were "
                f"read as {units.energy}; set data.energy_unit = '{energy}'.",
            )
    return ()


def _other_force_units(size: float, units: LabelUnits) -> list[str]:
    """Units of force that explain the slope, the nearest first: in them the work is `size` times as much."""
    wanted = abs(units.force_factor) * size
    found = []
    for energy in get_args(EnergyUnit):
        for length in get_args(LengthUnit):
            off = abs(math.log(IN_EV[energy] / IN_ANGSTROM[length] / wanted))
            if off < NEAREST_UNIT:
                setting = f"data.force_energy_unit = '{energy}' and data.force_length_unit = '{length}'"
                found.append((off, f"forces look like {energy}/{length}: set {setting}"))
    return [text for _, text in sorted(found)]


def _other_energy_units(size: float, units: LabelUnits) -> list[str]:
    """Units of energy that explain the slope while the forces are read rightly."""
    wanted = units.energy_factor / size
    found = []
    for energy in get_args(EnergyUnit):
        off = abs(math.log(IN_EV[energy] / wanted))
        if energy != units.energy and off < NEAREST_UNIT:
            setting = f"data.energy_unit = '{energy}' and data.force_energy_unit = '{units.force_energy}'"
            found.append((off, f"energies look like {energy}: set {setting}"))
    return [text for _, text in sorted(found)]


def _spread(n_frames: int) -> npt.NDArray[np.int64]:
    """The numbers of a few hundred frames, spread over all."""
    return np.unique(np.linspace(0, n_frames - 1, min(SAMPLE, n_frames)).astype(np.int64))
