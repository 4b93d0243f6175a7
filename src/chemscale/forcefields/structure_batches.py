"""Many structures in one pass of a force field."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import ase
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chemscale.base.errors import DataError
from chemscale.forcefields.force_field import ForceField
from chemscale.forcefields.graph import AtomGraph
from chemscale.forcefields.segments import Segments
from chemscale.forcefields.structures import cell_of, centred, electrons_of, positions_of
from chemscale.forcefields.verlet_list import VerletList


class StructurePrediction(NamedTuple):
    """What a force field says of one structure.

    Attributes:
        energy: in eV.
        forces: in eV/angstrom [n_atoms, 3].
        charges: in e [n_atoms]; None where the force field has none.
    """

    energy: float
    forces: npt.NDArray[np.float64]
    charges: npt.NDArray[np.float64] | None


def predict_batch(force_field: ForceField, structures: Sequence[ase.Atoms]) -> list[StructurePrediction | DataError]:
    """Predict some structures together; for one that cannot be predicted, what is wrong with it."""
    results: list[StructurePrediction | DataError | None] = [None] * len(structures)
    graphs, positions, places = [], [], []
    for place, atoms in enumerate(structures):
        try:
            graphs.append(_graph(force_field, atoms))
        except DataError as error:
            results[place] = error
            continue
        positions.append(centred(atoms.positions, force_field.scale.dtype))
        places.append(place)
    if places:
        for place, result in zip(places, _predict(force_field, graphs, positions), strict=True):
            results[place] = result
    return [result for result in results if result is not None]


def joined(graphs: Sequence[AtomGraph]) -> AtomGraph:
    """Some graphs as one, frames in this order."""
    atom_starts = np.concatenate([[0], np.cumsum([graph.n_atoms for graph in graphs])])
    frame_starts = np.concatenate([[0], np.cumsum([graph.n_frames for graph in graphs])])
    n_atoms = int(atom_starts[-1])
    shifts = None
    if any(graph.shifts is not None for graph in graphs):
        shifts = torch.cat([torch.zeros(g.n_pairs, 3) if g.shifts is None else g.shifts for g in graphs])
    return AtomGraph(
        atomic_numbers=torch.cat([graph.atomic_numbers for graph in graphs]),
        frames=_shifted([graph.frames for graph in graphs], frame_starts, int(frame_starts[-1])),
        first=_shifted([graph.first for graph in graphs], atom_starts, n_atoms),
        second=_shifted([graph.second for graph in graphs], atom_starts, n_atoms),
        shifts=shifts,
        charges=torch.cat([graph.charges for graph in graphs]),
        unpaired=torch.cat([graph.unpaired for graph in graphs]),
    )


def _graph(force_field: ForceField, atoms: ase.Atoms) -> AtomGraph:
    positions = positions_of(atoms)
    force_field.check_species(torch.from_numpy(atoms.numbers).to(force_field.known.device))
    return VerletList(force_field.cutoff, skin=0.0).graph(
        atoms.numbers, positions, *cell_of(atoms), *electrons_of(atoms)
    )


def _predict(
    force_field: ForceField, graphs: Sequence[AtomGraph], positions: Sequence[Tensor]
) -> list[StructurePrediction | DataError]:
    device = force_field.scale.device
    prediction = force_field.predict(joined(graphs).to(device), torch.cat(list(positions)).to(device))
    energies, forces = prediction.energies.cpu().numpy(), prediction.forces.double().cpu().numpy()
    charges = None if prediction.charges is None else prediction.charges.double().cpu().numpy()
    ends = np.cumsum([0, *(graph.n_atoms for graph in graphs)])
    results: list[StructurePrediction | DataError] = []
    for energy, (start, end) in zip(energies, pairwise(ends), strict=True):
        if np.isfinite(energy) and np.isfinite(forces[start:end]).all():
            own_charges = None if charges is None else charges[start:end]
            results.append(StructurePrediction(float(energy), forces[start:end], own_charges))
        else:
            results.append(DataError("the force field gives no finite energy or forces at these positions"))
    return results


def _shifted(parts: Sequence[Segments], starts: npt.NDArray[np.int64], n_rows: int) -> Segments:
    index = torch.cat([part.index + int(start) for part, start in zip(parts, starts, strict=False)])
    return Segments.of(index, n_rows)
