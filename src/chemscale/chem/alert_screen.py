"""What a molecule must have before an alert can match it: a cheap test that leaves few alerts to match.

Three kinds of things are compared: bits for the paths and branches of up to three bonds between atoms of known
elements (RDKit's path fingerprint over atomic numbers and bond orders), how many atoms of each element there are, and
whether any atom is charged. What an alert does not say for certain (any atom, either of two bonds, recursive SMARTS)
asks for nothing, so an alert that matches always passes the test. On drug-like molecules 18 of the 502 alerts of MOSES
are left, and the test costs less than matching them; RDKit's pattern fingerprint leaves 45 and takes twice as long.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

N_BITS = 1024
_MAX_BONDS = 3
_ELEMENTS = {"C": 6, "N": 7, "O": 8, "F": 9, "P": 15, "S": 16, "Cl": 17, "Br": 35, "I": 53}
_ELEMENTS |= {symbol.lower(): number for symbol, number in _ELEMENTS.items() if len(symbol) == 1 and symbol not in "FI"}
_COUNTED = (6, 7, 8, 9, 15, 16, 17, 35, 53)
_HALOGENS = {9, 17, 35, 53}
_ORDERS = {
    "-": Chem.BondType.SINGLE,
    "=": Chem.BondType.DOUBLE,
    "#": Chem.BondType.TRIPLE,
    ":": Chem.BondType.AROMATIC,
}
_CHARGE = re.compile(r"[+-]+[1-9]?")
_CHARGED = Chem.MolFromSmarts("[!+0]")

Bits = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Screen:
    """What each of many alerts asks for; the alerts stand in the last axis, along which numpy is fast.

    Attributes:
        bits: [N_BITS / 64, n_alerts]
        counts: [n_counts, n_alerts]
    """

    bits: Bits
    counts: Counts

    def candidates(self, molecule: Chem.Mol) -> list[int]:
        """The alerts that may match a molecule, by number, in order."""
        numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
        bits, counts = _path_bits(molecule, numbers), _counts(numbers, is_charged(molecule))
        refused = (self.counts > counts[:, None]).any(axis=0)
        refused |= np.bitwise_or.reduce(self.bits & ~bits[:, None], axis=0) != 0
        return [int(number) for number in np.flatnonzero(~refused)]


def build_screen(queries: Sequence[Chem.Mol]) -> Screen:
    """What queries ask for; atoms that may match a hydrogen have to be deleted from them before."""
    asked = [_asked(query) for query in queries]
    return Screen(np.stack([bits for bits, _ in asked], axis=1), np.stack([counts for _, counts in asked], axis=1))


def is_charged(molecule: Chem.Mol) -> bool:
    """Whether any atom has a formal charge; a matched SMARTS is ten times faster than a loop over atoms."""
    return bool(molecule.HasSubstructMatch(_CHARGED))


def terms(smarts: str) -> list[str]:
    """The parts of one atom's or bond's SMARTS that must all hold: `[#6&!H0;R,$(N)]` has `#6`, `!H0` and `R,$(N)`."""
    text = smarts[1:-1] if smarts.startswith("[") else smarts
    found = []
    for part in _split(text, ";"):
        found += [part] if len(_split(part, ",")) > 1 else _split(part, "&")
    return found


def _asked(query: Chem.Mol) -> tuple[Bits, Counts]:
    elements = [_possible_elements(terms(atom.GetSmarts())) for atom in query.GetAtoms()]
    charged = any(_CHARGE.fullmatch(term) for atom in query.GetAtoms() for term in terms(atom.GetSmarts()))
    skeleton = _skeleton(query, elements)
    counts = _counts([min(found) if len(found) == 1 else 0 for found in elements], charged)
    counts[-3] = sum(bool(found) and 6 not in found for found in elements)
    counts[-2] = sum(bool(found) and found <= _HALOGENS for found in elements)
    return _path_bits(skeleton, [atom.GetAtomicNum() for atom in skeleton.GetAtoms()]), counts


def _counts(numbers: list[int], charged: bool) -> Counts:
    """Atoms of each counted element, all atoms, atoms but carbon, halogens, and 1 if any atom is charged [n_counts]."""
    by_element = [numbers.count(number) for number in _COUNTED]
    halogens = sum(map(numbers.count, _HALOGENS))
    return np.array([*by_element, len(numbers), len(numbers) - by_element[0], halogens, charged], dtype=np.int64)


def _path_bits(molecule: Chem.Mol, numbers: list[int]) -> Bits:
    fingerprint = _PATHS.GetFingerprint(molecule, customAtomInvariants=numbers)
    return np.frombuffer(DataStructs.BitVectToBinaryText(fingerprint), dtype=np.uint64)


def _skeleton(query: Chem.Mol, elements: Sequence[frozenset[int]]) -> Chem.Mol:
    """The atoms of a query that can be one element only, and the bonds between them that can have one order only."""
    skeleton, place = Chem.RWMol(), {}
    for atom, found in zip(query.GetAtoms(), elements, strict=True):
        if len(found) == 1:
            place[atom.GetIdx()] = skeleton.AddAtom(Chem.Atom(min(found)))
    for bond in query.GetBonds():
        orders = [_ORDERS[term] for term in terms(_smarts(bond)) if term in _ORDERS]
        ends = (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
        if len(orders) == 1 and ends[0] in place and ends[1] in place:
            number = skeleton.AddBond(place[ends[0]], place[ends[1]], orders[0])
            skeleton.GetBondWithIdx(number - 1).SetIsAromatic(orders[0] == Chem.BondType.AROMATIC)
    molecule = skeleton.GetMol()
    molecule.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(molecule)
    return molecule


def _smarts(bond: Chem.Bond) -> str:
    return str(bond.GetSmarts())  # type: ignore[call-arg]


def _possible_elements(found: Sequence[str]) -> frozenset[int]:
    """The elements an atom with these terms can be; empty where the terms leave it open."""
    for term in found:
        sets = [_element(choice) for choice in _split(term, ",")]
        if all(sets):
            return frozenset().union(*sets)
    if "!#6" in found:
        return _ANY_BUT_CARBON
    return frozenset()


def _element(choice: str) -> frozenset[int]:
    for term in _split(choice, "&"):
        if re.fullmatch(r"#\d+", term):
            return frozenset([int(term[1:])])
        if term in _ELEMENTS:
            return frozenset([_ELEMENTS[term]])
    return frozenset()


def _split(text: str, separator: str) -> list[str]:
    """Parts of a text between separators that stand in no brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


_ANY_BUT_CARBON = frozenset(range(1, 119)) - {6}
_PATHS = rdFingerprintGenerator.GetRDKitFPGenerator(
    minPath=1, maxPath=_MAX_BONDS, useHs=False, numBitsPerFeature=1, fpSize=N_BITS
)
