"""From a SMILES to three-dimensional conformers: RDKit's ETKDG and MMFF94 (UFF where MMFF94 has no parameters)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from chemscale.chem.smiles import parse_smiles
from chemscale.forcefields.labelling.xtb import LabelError
from chemscale.forcefields.units import KCAL_PER_MOL

_MAX_ITERATIONS = 500
_HESSIAN_STEP = 1e-3

Gradient = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Conformer:
    """A molecule at a minimum of a classical force field.

    Attributes:
        atomic_numbers: [n_atoms].
        charge: total charge in e.
        unpaired: unpaired electrons.
        positions: in angstrom [n_atoms, 3].
        hessian: of the classical force field there, in eV/angstrom^2 [3 n_atoms, 3 n_atoms].
    """

    atomic_numbers: npt.NDArray[np.int64]
    charge: int
    unpaired: int
    positions: npt.NDArray[np.float64]
    hessian: npt.NDArray[np.float64]


def conformers(smiles: str, n_conformers: int, seed: int, max_atoms: int = 1000) -> list[Conformer]:
    """Embed a molecule and bring it to a minimum of MMFF94.

    Args:
        smiles: one molecule; hydrogens are added.
        n_conformers: how many; fewer come back where fewer can be embedded.
        seed: of the embedding, from 0 to 2^31 - 1.
        max_atoms: a molecule with more, hydrogens counted, is refused.

    Raises:
        LabelError: too many atoms, more than one fragment, a wildcard atom, or the embedding fails.
        MoleculeError: the text is no molecule.
    """
    molecule = Chem.AddHs(parse_smiles(smiles))
    _check(molecule, max_atoms)
    with rdBase.BlockLogs():
        parameters: Any = rdDistGeom.ETKDGv3()
        parameters.randomSeed = seed
        numbers = list(rdDistGeom.EmbedMultipleConfs(molecule, n_conformers, parameters))
        if not numbers:
            raise LabelError("embedding failed")
        return [_minimised(molecule, number) for number in numbers]


def _check(molecule: Chem.Mol, max_atoms: int) -> None:
    if molecule.GetNumAtoms() > max_atoms:
        raise LabelError(f"more than {max_atoms} atoms")
    if len(Chem.GetMolFrags(molecule)) > 1:
        # Embedded fragments come out on top of each other.
        raise LabelError("more than one fragment")
    if any(atom.GetAtomicNum() == 0 for atom in molecule.GetAtoms()):
        raise LabelError("wildcard atom")


def _minimised(molecule: Chem.Mol, number: int) -> Conformer:
    force_field = _force_field(molecule, number)
    force_field.Minimize(maxIts=_MAX_ITERATIONS)

    def gradient(flat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        coordinates = flat.tolist()
        force_field.CalcEnergy(coordinates)  # CalcGrad takes the distances of the last energy, not those it is given
        return np.asarray(force_field.CalcGrad(coordinates)) * KCAL_PER_MOL

    positions = np.asarray(force_field.Positions(), dtype=np.float64).reshape(-1, 3)
    atoms = list(molecule.GetAtoms())
    return Conformer(
        np.array([atom.GetAtomicNum() for atom in atoms]),
        sum(atom.GetFormalCharge() for atom in atoms),
        sum(atom.GetNumRadicalElectrons() for atom in atoms),
        positions,
        numerical_hessian(gradient, positions),
    )


def _force_field(molecule: Chem.Mol, number: int) -> Any:
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(molecule)
    if properties is not None:
        found = rdForceFieldHelpers.MMFFGetMoleculeForceField(molecule, properties, confId=number)
    elif rdForceFieldHelpers.UFFHasAllMoleculeParams(molecule):
        found = rdForceFieldHelpers.UFFGetMoleculeForceField(molecule, confId=number)
    else:
        found = None
    if found is None:
        raise LabelError("no classical force field for these atoms")
    found.Initialize()
    return found


def numerical_hessian(
    gradient: Gradient, positions: npt.NDArray[np.float64], step: float = _HESSIAN_STEP
) -> npt.NDArray[np.float64]:
    """The symmetric Hessian by central differences of a gradient.

    Args:
        gradient: flat positions [3 n_atoms] -> flat gradient [3 n_atoms].
        positions: [n_atoms, 3].
        step: displacement of each coordinate, in the unit of the positions.

    Returns:
        [3 n_atoms, 3 n_atoms].
    """
    flat = positions.reshape(-1)
    rows = np.empty((flat.size, flat.size))
    for coordinate in range(flat.size):
        shift = np.zeros(flat.size)
        shift[coordinate] = step
        rows[coordinate] = (gradient(flat + shift) - gradient(flat - shift)) / (2 * step)
    return 0.5 * (rows + rows.T)
