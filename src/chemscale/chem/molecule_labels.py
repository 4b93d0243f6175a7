"""What a set of molecules can be coloured or asked by: scaffolds, a column of their file, or a property.

A label is a number per molecule or a class per molecule, and may be missing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from rdkit import Chem

from chemscale.base.config import nearest
from chemscale.base.errors import ConfigError
from chemscale.chem.properties import PROPERTIES, TITLES, property_table
from chemscale.chem.scaffolds import murcko_scaffold

SCAFFOLD = "scaffold"
NO_RING, OTHER = "no ring", "other"
N_CLASSES = 8  # what colours can tell apart
_MOST_WHOLE_NUMBERS = 10
_LISTED = 12


@dataclass(frozen=True)
class MoleculeLabel:
    """One number or one class for each molecule.

    Attributes:
        name: as it was asked for.
        title: for people, with its unit where that is known.
        values: numbers, or the places of classes in `classes`; NaN where missing [n_molecules].
        classes: names of the classes; empty for a label of numbers.
        n_rest: how many of the last classes are leftovers ("other", "no ring") and not classes of their own.
        n_infinite: how many of the missing values are infinite in the file.
    """

    name: str
    title: str
    values: npt.NDArray[np.float64]
    classes: tuple[str, ...] = ()
    n_rest: int = 0
    n_infinite: int = 0

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes, neither a leftover."""
        return len(self.classes) == 2 and self.n_rest == 0

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Where a molecule has a value [n_molecules]."""
        return ~np.isnan(self.values)


def check_label_names(names: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """The names as the file spells them, each once; letter case matters only where it tells columns apart.

    Raises:
        ConfigError: a name is neither `scaffold`, a column, nor a property; the nearest one is named.
    """
    allowed = [SCAFFOLD, *columns, *PROPERTIES]
    found = []
    for name in names:
        alike = [one for one in allowed if one == name] or [one for one in allowed if one.lower() == name.lower()]
        if not alike:
            listed = ", ".join(allowed[:_LISTED]) + (" and more" if len(allowed) > _LISTED else "")
            raise ConfigError(f"{name!r} is no column of the file and no property{nearest(name, allowed)} ({listed})")
        found.append(alike[0])
    return tuple(dict.fromkeys(found))


def molecule_label(
    name: str, molecules: Sequence[Chem.Mol], columns: pd.DataFrame, n_classes: int = N_CLASSES
) -> MoleculeLabel:
    """The label of a name from `check_label_names`; a column of the file comes before a property of that name.

    Args:
        name: `scaffold`, a column, or one of `chem.properties.PROPERTIES`.
        molecules: [n_molecules].
        columns: texts of the same rows [n_molecules, n_columns].
        n_classes: so many frequent classes stand by themselves, the rest is "other".

    Raises:
        ConfigError: a column is empty, holds no finite number, or holds texts of which none occurs twice.
    """
    if name in columns.columns:
        return _column_label(name, [str(text).strip() for text in columns[name]], n_classes)
    if name == SCAFFOLD:
        return scaffold_label([murcko_scaffold(molecule) for molecule in molecules], n_classes)
    return MoleculeLabel(name, TITLES[name], property_table(list(molecules), (name,))[:, 0])


def scaffold_label(scaffolds: Sequence[str], n_classes: int = N_CLASSES) -> MoleculeLabel:
    """The most frequent scaffolds as classes, then "other" and "no ring" where there are any.

    Args:
        scaffolds: SMILES, "" for a molecule without rings [n_molecules].
        n_classes: so many scaffolds stand by themselves.
    """
    return _frequent(SCAFFOLD, "scaffold", scaffolds, n_classes, blank=NO_RING)


def _column_label(name: str, texts: list[str], n_classes: int) -> MoleculeLabel:
    filled = [text for text in texts if text]
    if not filled:
        raise ConfigError(f"{name}: this column is empty, so there is nothing to colour by")
    numbers = pd.to_numeric(pd.Series(texts, dtype=object).replace("", None), errors="coerce").to_numpy(np.float64)
    if int((~np.isnan(numbers)).sum()) == sum(text.lower() not in ("nan", "na", "none") for text in filled):
        return _number_label(name, numbers)
    if max(Counter(filled).values()) == 1:
        raise ConfigError(f"{name}: no text of this column occurs twice, so there is nothing to colour by")
    return _frequent(name, name, texts, n_classes, blank=None)


def _number_label(name: str, numbers: npt.NDArray[np.float64]) -> MoleculeLabel:
    """Few whole numbers are classes: assay outcomes, counts of rings; all else is a number, and infinities missing."""
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        raise ConfigError(f"{name}: this column has no finite number, so there is nothing to colour by")
    n_infinite = int(np.isinf(numbers).sum())
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    levels = np.unique(known)
    few = 2 * len(levels) <= len(known) and len(levels) <= _MOST_WHOLE_NUMBERS
    if not (few and (levels == np.round(levels)).all()):
        return MoleculeLabel(name, name, numbers, n_infinite=n_infinite)
    places = np.searchsorted(levels, numbers).astype(np.float64)
    places[np.isnan(numbers)] = np.nan
    return MoleculeLabel(name, name, places, tuple(f"{level:g}" for level in levels), n_infinite=n_infinite)


def _frequent(name: str, title: str, texts: Sequence[str], n_classes: int, blank: str | None) -> MoleculeLabel:
    """Classes by falling frequency, ties in the order of the alphabet; "" is the class `blank`, or missing."""
    counts = Counter(text for text in texts if text)
    ordered = sorted(counts, key=lambda text: (-counts[text], text))
    # One class alone too many takes the place that "other" would have.
    kept = ordered if len(ordered) == n_classes + 1 else ordered[:n_classes]
    rest = [OTHER] if len(ordered) > len(kept) else []
    rest += [blank] if blank and "" in texts else []
    places = {text: float(kept.index(text)) if text in kept else float(len(kept)) for text in counts}
    places[""] = float(len(kept) + len(rest) - 1) if blank else np.nan
    values = np.array([places[text] for text in texts], dtype=np.float64)
    return MoleculeLabel(name, title, values, (*kept, *rest), len(rest))
