"""How good generated molecules are, as a set and beside a reference.

One at a time they stand in `molecule_table`, and beside the molecule of a prompt in `compare_with`.

Where MOSES (Polykovskiy et al. 2020, 10.3389/fphar.2020.565644) defines a number, it is MOSES' number. Shares are of
the valid molecules, repeated ones included; only `valid` is of all texts. A text that is no molecule is counted and
never an error; a number that is not defined (of no molecules, against no reference) is NaN.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from rdkit import Chem, rdBase

from chemscale.base.errors import UserError
from chemscale.base.progress import progress_bar
from chemscale.chem.alerts import AlertSet
from chemscale.chem.distributions import Spread, Values, spread_of, wasserstein_distance
from chemscale.chem.fingerprints import Fingerprints, morgan_fingerprints
from chemscale.chem.molecule_set import read_or_none, read_set
from chemscale.chem.moses_filters import judge_all
from chemscale.chem.properties import PROPERTIES, property_table
from chemscale.chem.set_metrics import (
    cosine_similarity,
    fragment_counts,
    internal_diversity,
    mean_nearest_similarity,
    novel_fraction,
    scaffold_counts,
    share,
    unique_fraction,
)
from chemscale.language.prompt_comparison import PromptComparison as PromptComparison
from chemscale.language.prompt_comparison import compare_with as compare_with
from chemscale.language.quality_text import quality_text
from chemscale.language.sample_table import molecule_table as molecule_table

Item = TypeVar("Item")

COMPARED = 10_000


@dataclass(frozen=True)
class Quality:
    """A set of generated molecules in numbers.

    Attributes:
        n_generated: texts.
        n_valid: of them molecules.
        n_unique: different molecules.
        valid: n_valid / n_generated.
        unique: n_unique / n_valid.
        unique_at: the same of the first so many valid molecules, by how many; MOSES takes 1,000 and 10,000.
        novel: share of the different molecules that are not in the reference.
        passes_filters: share that passes the filters of MOSES.
        filter_reasons: how often each reason for not passing came up, most frequent first.
        internal_diversity: 1 - mean similarity within the set.
        internal_diversity_2: the same with root mean square similarities.
        nearest_similarity: mean Tanimoto similarity to the nearest molecule of the reference (SNN).
        fragment_similarity: cosine of the counts of BRICS fragments (Frag).
        scaffold_similarity: cosine of the counts of scaffolds with two rings or more (Scaf).
        properties: mean, median and quartiles by property; molecular weights in g/mol.
        property_distances: Wasserstein distances to the reference, in the property's unit.
        n_reference: molecules of the reference; 0 where none was given.
        n_compared: at most so many molecules of each side are in the numbers from `internal_diversity` on; None: all.
    """

    n_generated: int
    n_valid: int
    n_unique: int
    valid: float
    unique: float
    unique_at: Mapping[int, float]
    novel: float
    passes_filters: float
    filter_reasons: Mapping[str, int] = field(repr=False)
    internal_diversity: float
    internal_diversity_2: float
    nearest_similarity: float
    fragment_similarity: float
    scaffold_similarity: float
    properties: Mapping[str, Spread]
    property_distances: Mapping[str, float]
    n_reference: int
    n_compared: int | None

    def __str__(self) -> str:
        """A table for a terminal of 80 columns."""
        return quality_text(self)


def assess(
    generated: Sequence[str],
    reference: Sequence[str] | None = None,
    *,
    unique_at: Sequence[int] = (1_000, 10_000),
    compared: int | None = COMPARED,
    alerts: AlertSet | None = None,
) -> Quality:
    """The quality of a set of generated molecules; about a thousand molecules a second.

    Args:
        generated: SMILES as the model wrote them; empty and wrong ones count as invalid.
        reference: SMILES to be novel against and to be compared with: the training set, or better a test set.
        unique_at: uniqueness among the first so many valid molecules is asked for too; left out where there are fewer.
        compared: compare distributions of at most so many molecules of each side, evenly spaced; None takes all. MOSES
            takes all. Validity, uniqueness, novelty and filters always take all.
        alerts: alerts in place of MOSES' MCF and PAINS.

    Raises:
        UserError: nothing was generated at all, or the reference has no molecule.
    """
    if not len(generated):
        raise UserError("nothing was generated: give at least one SMILES, valid or not.")
    found = read_set(generated)
    smiles, molecules = found.valid_smiles, found.valid
    reasons = Counter(verdict.reason for verdict in judge_all(molecules, alerts))
    passed = reasons.pop("", 0)
    known = None if reference is None else _reference_smiles(reference)
    chosen = _evenly(molecules, compared)
    values, fingerprints = property_table(chosen), morgan_fingerprints(chosen)
    beside = _evenly([] if known is None else known, compared)
    distances = _distances(chosen, fingerprints, values, read_set(beside).valid)
    return Quality(
        n_generated=len(generated),
        n_valid=len(molecules),
        n_unique=len(set(smiles)),
        valid=len(molecules) / len(generated),
        unique=unique_fraction(smiles),
        unique_at={first: unique_fraction(smiles, first) for first in unique_at if first <= len(smiles)},
        novel=math.nan if known is None else novel_fraction(smiles, known),
        passes_filters=share(passed, len(molecules)),
        filter_reasons=dict(reasons.most_common()),
        internal_diversity=internal_diversity(fingerprints),
        internal_diversity_2=internal_diversity(fingerprints, power=2),
        nearest_similarity=distances.nearest,
        fragment_similarity=distances.fragments,
        scaffold_similarity=distances.scaffolds,
        properties={name: spread_of(values[:, column]) for column, name in enumerate(PROPERTIES)},
        property_distances=distances.properties,
        n_reference=0 if known is None else len(known),
        n_compared=compared,
    )


class _Distances(NamedTuple):
    nearest: float
    fragments: float
    scaffolds: float
    properties: dict[str, float]


def _distances(
    molecules: Sequence[Chem.Mol], fingerprints: Fingerprints, values: Values, reference: Sequence[Chem.Mol]
) -> _Distances:
    """How far molecules with their properties [n_molecules, n_properties] are from a reference; NaN if it is empty."""
    beside = property_table(list(reference))
    return _Distances(
        nearest=mean_nearest_similarity(fingerprints, morgan_fingerprints(reference)),
        fragments=cosine_similarity(fragment_counts(molecules), fragment_counts(reference)),
        scaffolds=cosine_similarity(scaffold_counts(molecules), scaffold_counts(reference)),
        properties={
            name: wasserstein_distance(values[:, column], beside[:, column]) for column, name in enumerate(PROPERTIES)
        },
    )


def _reference_smiles(reference: Sequence[str]) -> list[str]:
    """Canonical SMILES of what can be read of a reference, repeated ones included.

    Raises:
        UserError: nothing can be read.
    """
    found = []
    with rdBase.BlockLogs(), progress_bar("read the reference", len(reference), "molecules") as bar:
        for text in reference:
            molecule = read_or_none(text)
            if molecule is not None:
                found.append(str(Chem.MolToSmiles(molecule)))
            bar.advance()
    if not found:
        raise UserError(f"reference: none of its {len(reference)} texts is a molecule. Give SMILES.")
    return found


def _evenly(items: Sequence[Item], at_most: int | None) -> list[Item]:
    """At most so many of the items, the first one and others at even distances."""
    if at_most is None or len(items) <= at_most:
        return list(items)
    return [items[place * len(items) // at_most] for place in range(at_most)]
