"""Molecules as flat drawings in few integers, for pages that draw thousands of them by themselves.

RDKit lays out a molecule, chooses the single and double bonds of its rings and the wedges of its stereo centres; here
this becomes three short lists. An SVG of the same molecule takes about thirty times as many bytes.
"""

from dataclasses import dataclass
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

UNITS_PER_ANGSTROM = 50
"""Coordinates are integers of a fiftieth of RDKit's angstrom: a bond of 1.5 is 75 long."""

SINGLE, DOUBLE, TRIPLE, DOUBLE_LEFT, DOUBLE_RIGHT, WEDGE, HASH, WAVY, DASHED = range(1, 10)
"""How a bond is drawn.

A double bond of a ring has its second line to the left or right of the way from its first to its second atom, with y
upwards; wedges are narrow at the first atom; dashed is what is neither single, double nor triple.
"""
_ORDERS = {Chem.BondType.SINGLE: SINGLE, Chem.BondType.DOUBLE: DOUBLE, Chem.BondType.TRIPLE: TRIPLE}
_WEDGES = {Chem.BondDir.BEGINWEDGE: WEDGE, Chem.BondDir.BEGINDASH: HASH, Chem.BondDir.UNKNOWN: WAVY}


@dataclass(frozen=True)
class Depiction:
    """A flat drawing of one molecule.

    Attributes:
        xy: coordinates, y upwards: x, y of the first atom, of the second ... (2 n_atoms,).
        bonds: first atom, second atom, how it is drawn, for each bond (3 n_bonds,).
        labels: atom, symbol (with its isotope in front), hydrogens, charge, for each atom that is not a bare corner.
    """

    xy: tuple[int, ...]
    bonds: tuple[int, ...]
    labels: tuple[tuple[int, str, int, int], ...]

    def to_json(self) -> list[Any]:
        """As nested lists: [xy, bonds, [atom, symbol, hydrogens, charge, ...]]."""
        return [list(self.xy), list(self.bonds), [value for label in self.labels for value in label]]


def depict(molecule: Chem.Mol) -> Depiction:
    """Lay out a molecule; its atoms and bonds keep their numbers.

    Args:
        molecule: sanitised; hydrogens that are no atoms of it are not drawn as atoms.
    """
    rdDepictor.SetPreferCoordGen(False)
    flat = rdMolDraw2D.PrepareMolForDrawing(molecule, kekulize=True, addChiralHs=False, forceCoords=True)
    positions = flat.GetConformer().GetPositions()
    xy = tuple(round(float(value) * UNITS_PER_ANGSTROM) for place in positions for value in place[:2])
    bonds: list[int] = []
    for bond in flat.GetBonds():
        bonds += (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), _style(bond, positions))
    labels = tuple(_label(atom) for atom in flat.GetAtoms() if _is_labelled(atom))
    return Depiction(xy, tuple(bonds), labels)


def _style(bond: Chem.Bond, positions: Any) -> int:
    if bond.GetBondDir() in _WEDGES:
        return _WEDGES[bond.GetBondDir()]
    style = _ORDERS.get(bond.GetBondType(), DASHED)
    return _double_in_ring(bond, positions) if style == DOUBLE and bond.IsInRing() else style


def _double_in_ring(bond: Chem.Bond, positions: Any) -> int:
    """On which side its ring has its middle: the sign of a cross product. Of several rings, a hexagon is taken."""
    first, second = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    rings = [ring for ring in bond.GetOwningMol().GetRingInfo().AtomRings() if first in ring and second in ring]
    if not rings:
        return DOUBLE
    ring = sorted(rings, key=_hexagons_first)[0]
    middle = positions[list(ring)].mean(0)
    along, towards = positions[second] - positions[first], middle - positions[first]
    return DOUBLE_LEFT if along[0] * towards[1] - along[1] * towards[0] > 0 else DOUBLE_RIGHT


def _hexagons_first(ring: tuple[int, ...]) -> int:
    return abs(len(ring) - 6)


def _is_labelled(atom: Chem.Atom) -> bool:
    plain = atom.GetSymbol() == "C" and not atom.GetIsotope() and not atom.GetFormalCharge()
    return not plain or atom.GetDegree() == 0 or atom.GetNumRadicalElectrons() > 0


def _label(atom: Chem.Atom) -> tuple[int, str, int, int]:
    isotope = str(atom.GetIsotope() or "")
    return atom.GetIdx(), isotope + atom.GetSymbol(), atom.GetTotalNumHs(), atom.GetFormalCharge()
