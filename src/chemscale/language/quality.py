"""How good generated molecules are, as a set and beside a reference.

One at a time they stand in `molecule_table`, and beside the molecule of a prompt in `compare_with`.

Where MOSES (Polykovskiy et al. 2020, 10.3389/fphar.2020.565644) defines a number, it is MOSES' number. Shares are of
the valid molecules, repeated ones included; only `valid` is of all texts. A text that is no molecule is counted and
never an error; a number that is not defined (of no molecules, against no reference) is NaN.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from rdkit import Chem

from chemscale.base.errors import UserError
from chemscale.base.progress import progress_bar
from chemscale.chem.alerts import AlertSet
from chemscale.chem.distributions import Spread, spread_of
from chemscale.chem.properties import PROPERTIES
from chemscale.chem.set_metrics import internal_diversity, share
from chemscale.language.known_molecules import molecule_key, read_known
from chemscale.language.molecule_profiles import Profile, fingerprints_of, profile, property_values, set_distances
from chemscale.language.prompt_comparison import PromptComparison as PromptComparison
from chemscale.language.prompt_comparison import compare_with as compare_with
from chemscale.language.quality_text import quality_text
from chemscale.language.reservoir import Reservoir
from chemscale.language.sample_table import Verdicts, judged, sample_frame
from chemscale.language.sample_table import molecule_table as molecule_table

COMPARED = 10_000
UNIQUE_AT = (1_000, 10_000)
_BLOCK = 500


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
        n_compared: a random sample of at most so many molecules of each side is in the numbers from
            `internal_diversity` on; None: all.
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


class QualityCollector:
    """The quality of molecules that come in blocks; each is judged once, and no molecule is kept.

    What stays in memory is a hash of each different molecule (about 80 bytes, 8 for one of the reference), and a
    kilobyte for each of at most `compared` molecules of each side. The blocks that the texts come in change no number.
    """

    def __init__(
        self,
        reference: Iterable[str] | None = None,
        *,
        unique_at: Sequence[int] = UNIQUE_AT,
        compared: int | None = COMPARED,
        alerts: AlertSet | None = None,
    ) -> None:
        """Read the reference, with a progress bar; it may be a stream. For the arguments see `assess`.

        Raises:
            UserError: the reference has no molecule.
        """
        self._known = None if reference is None else read_known(reference, compared)
        self._unique_at, self._compared, self._alerts = tuple(unique_at), compared, alerts
        self._sample: Reservoir[Profile] = Reservoir(compared)
        self._seen: set[int] = set()
        self._reasons: Counter[str] = Counter()
        self._unique_of_first: dict[int, int] = {}
        self._n_generated = self._n_valid = self._n_new = 0

    def add(self, smiles: Sequence[str]) -> pd.DataFrame:
        """Judge the next texts, as the model wrote them.

        Returns:
            their `molecule_table`; `duplicate` counts the molecules of all blocks so far.
        """
        rows, duplicate = [], []
        for molecule, verdicts in judged(smiles, self._alerts):
            rows.append(verdicts)
            duplicate.append(molecule is not None and self._count(molecule, verdicts))
        self._n_generated += len(smiles)
        return sample_frame(rows, duplicate)

    def _count(self, molecule: Chem.Mol, verdicts: Verdicts) -> bool:
        """Take a molecule into account; whether it is a repeated one."""
        key = molecule_key(verdicts.smiles)
        repeated = key in self._seen
        self._seen.add(key)
        self._n_valid += 1
        self._n_new += not repeated and self._known is not None and key not in self._known
        self._reasons[verdicts.filter_reason] += 1
        self._sample.offer(lambda: profile(molecule, verdicts.properties, verdicts.scaffold))
        if self._n_valid in self._unique_at:
            self._unique_of_first[self._n_valid] = len(self._seen)
        return repeated

    def result(self) -> Quality:
        """The quality of all texts so far.

        Raises:
            UserError: nothing was generated at all.
        """
        if not self._n_generated:
            raise UserError("nothing was generated: give at least one SMILES, valid or not.")
        reasons = self._reasons.copy()
        passed = reasons.pop("", 0)
        profiles = self._sample.items()
        values, fingerprints = property_values(profiles), fingerprints_of(profiles)
        distances = set_distances(profiles, self._known.profiles if self._known else ())
        n_valid, n_unique, unique_of = self._n_valid, len(self._seen), self._unique_of_first
        return Quality(
            n_generated=self._n_generated,
            n_valid=n_valid,
            n_unique=n_unique,
            valid=n_valid / self._n_generated,
            unique=share(n_unique, n_valid),
            unique_at={first: share(unique_of[first], first) for first in self._unique_at if first in unique_of},
            novel=share(self._n_new, n_unique) if self._known else math.nan,
            passes_filters=share(passed, n_valid),
            filter_reasons=dict(reasons.most_common()),
            internal_diversity=internal_diversity(fingerprints),
            internal_diversity_2=internal_diversity(fingerprints, power=2),
            nearest_similarity=distances.nearest,
            fragment_similarity=distances.fragments,
            scaffold_similarity=distances.scaffolds,
            properties={name: spread_of(values[:, column]) for column, name in enumerate(PROPERTIES)},
            property_distances=distances.properties,
            n_reference=self._known.n_molecules if self._known else 0,
            n_compared=self._compared,
        )


def assess(
    generated: Sequence[str],
    reference: Iterable[str] | None = None,
    *,
    unique_at: Sequence[int] = UNIQUE_AT,
    compared: int | None = COMPARED,
    alerts: AlertSet | None = None,
) -> Quality:
    """The quality of a set of generated molecules; about a thousand molecules a second.

    Args:
        generated: SMILES as the model wrote them; empty and wrong ones count as invalid.
        reference: SMILES to be novel against and to be compared with: the training set, or better a test set.
        unique_at: uniqueness among the first so many valid molecules is asked for too; left out where there are fewer.
        compared: compare distributions of at most so many molecules of each side, a random sample (the same for the
            same molecules); None takes all. MOSES takes all. Validity, uniqueness, novelty and filters always take all.
        alerts: alerts in place of MOSES' MCF and PAINS.

    Raises:
        UserError: nothing was generated at all, or the reference has no molecule.
    """
    collector = QualityCollector(reference, unique_at=unique_at, compared=compared, alerts=alerts)
    with progress_bar("judge molecules", len(generated), "molecules") as bar:
        for start in range(0, len(generated), _BLOCK):
            bar.advance(len(collector.add(generated[start : start + _BLOCK])))
    return collector.result()
