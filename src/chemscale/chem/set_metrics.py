"""Numbers that say how good a set of molecules is, as the MOSES benchmark defines them (10.3389/fphar.2020.565644).

All values are those of the MOSES reference implementation on the same sets; `tests/golden/moses.json` has some of its
numbers. Sets are lists of canonical SMILES or of sanitised molecules without the invalid ones. Where a metric is not
defined (an empty set, no scaffold at all) it is NaN.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors
from rdkit.Chem.Scaffolds import MurckoScaffold

from chemscale.chem.fingerprints import Fingerprints
from chemscale.chem.similarity import mean_similarity, nearest_similarity


def share(part: int, whole: int) -> float:
    """part / whole; NaN of nothing."""
    return part / whole if whole else math.nan


def unique_fraction(smiles: Sequence[str], first: int | None = None) -> float:
    """Different molecules by molecules, among the first so many canonical SMILES (all where there are fewer)."""
    taken = smiles[:first]
    return share(len(set(taken)), len(taken))


def novel_fraction(smiles: Iterable[str], known: Iterable[str]) -> float:
    """The share of the different molecules that are not known; both canonical SMILES of the same RDKit."""
    different = set(smiles)
    return share(len(different.difference(known)), len(different))


def internal_diversity(fingerprints: Fingerprints, power: int = 1) -> float:
    """1 - mean over a of (mean over b of T(a, b)^p)^(1/p), pairs of a molecule with itself included.

    This is the reference implementation's formula; the paper takes the root of the mean over all pairs, which is the
    same for p = 1 only.
    """
    if not len(fingerprints):
        return math.nan
    return float(1 - mean_similarity(fingerprints, fingerprints, power).mean())


def mean_nearest_similarity(generated: Fingerprints, reference: Fingerprints) -> float:
    """SNN: the mean similarity of generated molecules to their nearest neighbours in the reference."""
    if not len(generated) or not len(reference):
        return math.nan
    return float(nearest_similarity(generated, reference).mean(dtype=float))


def fragment_counts(molecules: Iterable[Chem.Mol]) -> Counter[str]:
    """How often each BRICS fragment (10.1002/cmdc.200800178) occurs, by its SMILES."""
    counts: Counter[str] = Counter()
    for molecule in molecules:
        pieces = Chem.MolToSmiles(Chem.FragmentOnBRICSBonds(molecule))
        counts.update(pieces.split("."))
    return counts


def scaffold_counts(molecules: Iterable[Chem.Mol], min_rings: int = 2) -> Counter[str]:
    """How often each Bemis-Murcko scaffold of at least `min_rings` rings occurs, by its SMILES."""
    counts: Counter[str] = Counter()
    for molecule in molecules:
        try:
            scaffold = MurckoScaffold.GetScaffoldForMol(molecule)  # type: ignore[no-untyped-call]
        except (ValueError, RuntimeError):
            continue
        if rdMolDescriptors.CalcNumRings(scaffold) >= min_rings:
            counts[Chem.MolToSmiles(scaffold)] += 1
    return counts


def cosine_similarity(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    """The cosine of the angle between two count vectors: Frag and Scaf of MOSES."""
    if not first or not second:
        return math.nan
    shared = sum(count * second.get(key, 0) for key, count in first.items())
    lengths = [math.sqrt(sum(count * count for count in counts.values())) for counts in (first, second)]
    return shared / (lengths[0] * lengths[1])
