"""Structural alerts, compiled once and matched against many molecules without adding hydrogens to any of them.

Alerts are written for molecules with all hydrogens as atoms. Most can be matched without: RDKit turns the hydrogens of
a query into counts (`MergeQueryHs`), which gives the same answer. It does not where another atom of the alert may be a
hydrogen, as the `*` in `[#6]-*`, or where the alert counts neighbours (`D`) or implicit hydrogens (`h`). Of such an
alert only the rest is matched first; where it matches, the alert as written is matched on the molecule with hydrogens.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdkit import Chem

from chemscale.base.errors import DataError
from chemscale.chem.alert_screen import Screen, build_screen
from chemscale.chem.alert_tables import Alert, moses_alerts

_CHANGED_BY_HYDROGENS = re.compile("AtomExplicitDegree|AtomImplicitHCount|AtomHasImplicitH")
_HYDRIDES = tuple(
    Chem.AddHs(Chem.MolFromSmiles(smiles))
    for smiles in ("C", "N", "O", "S", "P", "B", "F", "[SiH4]", "C=C", "C#C", "C=O", "[NH4+]", "c1cc[nH]c1", "[H][H]")
)


@dataclass(frozen=True)
class _Query:
    """An alert ready to match.

    Attributes:
        necessary: what a molecule without hydrogens must match.
        as_written: what the molecule with hydrogens must match too; None where `necessary` is the whole alert.
    """

    necessary: Chem.Mol
    as_written: Chem.Mol | None


class AlertSet:
    """Alerts that are matched together, in their order.

    Args:
        alerts: names and SMARTS.

    Raises:
        DataError: there are none, or one is no SMARTS.
    """

    def __init__(self, alerts: Sequence[Alert]) -> None:
        if not alerts:
            raise DataError("no alerts: give at least one.")
        self.names = tuple(alert.name for alert in alerts)
        self._queries = tuple(map(_compiled, alerts))
        self._screen: Screen = build_screen([query.necessary for query in self._queries])

    def first(self, molecule: Chem.Mol) -> str:
        """The name of the first alert that a sanitised molecule matches, "" where it matches none."""
        return next(self._matches(molecule), "")

    def every(self, molecule: Chem.Mol) -> tuple[str, ...]:
        """The names of all alerts that a sanitised molecule matches."""
        return tuple(self._matches(molecule))

    def _matches(self, molecule: Chem.Mol) -> Iterator[str]:
        with_hydrogens: Chem.Mol | None = None
        for number in self._screen.candidates(molecule):
            query = self._queries[number]
            # Where nothing of the alert is sure, nothing is left to match, which RDKit calls no match.
            if query.necessary.GetNumAtoms() and not molecule.HasSubstructMatch(query.necessary):
                continue
            if query.as_written is not None:
                with_hydrogens = with_hydrogens or Chem.AddHs(molecule)
                if not with_hydrogens.HasSubstructMatch(query.as_written):
                    continue
            yield self.names[number]


@functools.cache
def moses_alert_set(folder: Path | None = None) -> AlertSet:
    """The MCF and PAINS alerts of MOSES, compiled once (a third of a second); see `moses_alerts` for the folder."""
    return AlertSet(moses_alerts(folder))


def _compiled(alert: Alert) -> _Query:
    as_written = Chem.MolFromSmarts(alert.smarts)
    if as_written is None:
        raise DataError(f"alert {alert.name}: {alert.smarts!r} is no SMARTS.")
    merged = Chem.MergeQueryHs(as_written)
    unsure = [atom.GetIdx() for atom in merged.GetAtoms() if _depends_on_hydrogens(atom)]
    if not unsure:
        return _Query(merged, None)
    # Fewer atoms ask for less, so what is left matches wherever the whole alert does.
    necessary = Chem.RWMol(merged)
    for index in reversed(unsure):
        necessary.RemoveAtom(index)
    return _Query(necessary.GetMol(), as_written)


def _depends_on_hydrogens(atom: Chem.Atom) -> bool:
    """Whether an atom of a query may match otherwise, or at all, only where hydrogens are atoms."""
    smarts = atom.GetSmarts()
    if _CHANGED_BY_HYDROGENS.search(atom.DescribeQuery()):
        return True
    if any(map(_depends_on_hydrogens, _atoms_of_recursive(smarts))):
        return True
    return atom.GetDegree() <= 1 and _may_be_hydrogen(smarts) and all(map(_may_hold_hydrogen, atom.GetBonds()))


def _atoms_of_recursive(smarts: str) -> Iterator[Chem.Atom]:
    """The atoms of the queries inside `$(...)`; the molecules live as long as the iteration."""
    for inner in _recursive_parts(smarts):
        query = Chem.MergeQueryHs(Chem.MolFromSmarts(inner))
        yield from query.GetAtoms()


def _recursive_parts(smarts: str) -> Iterator[str]:
    start = smarts.find("$(")
    while start >= 0:
        depth, end = 1, start + 2
        while depth:
            depth += {"(": 1, ")": -1}.get(smarts[end], 0)
            end += 1
        yield smarts[start + 2 : end - 1]
        start = smarts.find("$(", end)


def _may_be_hydrogen(smarts: str) -> bool:
    query = Chem.MolFromSmarts(smarts)
    for hydride in _HYDRIDES:
        matched = {index for match in hydride.GetSubstructMatches(query) for index in match}
        if any(hydride.GetAtomWithIdx(index).GetAtomicNum() == 1 for index in matched):
            return True
    return False


def _may_hold_hydrogen(bond: Chem.Bond) -> bool:
    """Whether a bond of a query matches that between a carbon and its hydrogen."""
    return bool(bond.Match(_HYDRIDES[0].GetBondWithIdx(0)))
