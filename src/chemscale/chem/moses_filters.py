"""The filters of MOSES: would a medicinal chemist keep this molecule? With the reason where not.

A molecule passes when it can be read, has no ring of eight atoms or more, no charged atom, no atom but H, C, N, O, F,
S, Cl and Br, and none of the MCF and PAINS alerts (Polykovskiy et al. 2020, 10.3389/fphar.2020.565644). The verdicts
are those of the MOSES reference implementation; `benchmarks/moses_filters.py` compares both. Cheap tests come first.
"""

from collections.abc import Iterable
from typing import NamedTuple

from rdkit import Chem, rdBase
from rdkit.Chem import rdMolDescriptors

from chemscale.chem.alert_screen import is_charged
from chemscale.chem.alerts import AlertSet, moses_alert_set
from chemscale.chem.molecule_set import read_or_none

ALLOWED_ATOMS = frozenset({"H", "C", "N", "O", "F", "S", "Cl", "Br"})
LARGEST_RING = 7
UNREADABLE = "unreadable"
# MOSES writes every molecule without stereo and reads it again. In 98,000 molecules (nine public sources, and decoded
# random SELFIES) none failed there. What can fail is RDKit's search for alternating bonds, which gives up after a
# number of attempts, so only molecules with many fused aromatic rings are worth the time.
_ROUND_TRIP_FROM_AROMATIC_RINGS = 5
_FORBIDDEN = Chem.MolFromSmarts("[!#1&!#6&!#7&!#8&!#9&!#16&!#17&!#35]")


class Verdict(NamedTuple):
    """Whether a molecule passes, and why not.

    Attributes:
        passes: whether it passes all filters.
        reason: "" if so; else `unreadable`, `ring of 8 atoms`, `charged N`, `atom P`, or the name of the first alert.
    """

    passes: bool
    reason: str


def judge(molecule: str | Chem.Mol | None, alerts: AlertSet | None = None) -> Verdict:
    """The verdict on one molecule.

    Args:
        molecule: SMILES, or a sanitised molecule; None counts as unreadable.
        alerts: alerts to take in place of MOSES' MCF and PAINS.
    """
    if isinstance(molecule, str):
        with rdBase.BlockLogs():
            molecule = read_or_none(molecule)
    reason = _reason(molecule, alerts or moses_alert_set())
    return Verdict(not reason, reason)


def judge_all(molecules: Iterable[str | Chem.Mol | None], alerts: AlertSet | None = None) -> list[Verdict]:
    """The verdicts on many molecules, in order [n_molecules]; see `judge`."""
    return [judge(molecule, alerts) for molecule in molecules]


def _reason(molecule: Chem.Mol | None, alerts: AlertSet) -> str:
    if molecule is None:
        return UNREADABLE
    largest = max(map(len, molecule.GetRingInfo().AtomRings()), default=0)
    if largest > LARGEST_RING:
        return f"ring of {largest} atoms"
    if is_charged(molecule):
        charged = next(atom for atom in molecule.GetAtoms() if atom.GetFormalCharge())
        return f"charged {charged.GetSymbol()}"
    if molecule.HasSubstructMatch(_FORBIDDEN):
        return f"atom {next(a.GetSymbol() for a in molecule.GetAtoms() if a.GetSymbol() not in ALLOWED_ATOMS)}"
    return alerts.first(molecule) or _unwritable(molecule)


def _unwritable(molecule: Chem.Mol) -> str:
    if rdMolDescriptors.CalcNumAromaticRings(molecule) < _ROUND_TRIP_FROM_AROMATIC_RINGS:
        return ""
    with rdBase.BlockLogs():
        again = Chem.MolFromSmiles(Chem.MolToSmiles(molecule, isomericSmiles=False))
    return "" if again is not None else UNREADABLE
