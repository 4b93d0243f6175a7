"""Numbers that say how good a set of molecules is, as the MOSES benchmark defines them (10.3389/fphar.2020.565644).

All values are those of the MOSES reference implementation on the same sets; `tests/golden/moses.json` has some of its
numbers. Molecules are sanitised. Where a metric is not defined (an empty set, no scaffold at all) it is NaN.
"""

import math
from collections.abc import Mapping

from rdkit import Chem

from chemscale.chem.fingerprints import Fingerprints
from chemscale.chem.similarity import mean_similarity, nearest_similarity


def share(part: int, whole: int) -> float:
    """part / whole; NaN of nothing."""
    return part / whole if whole else math.nan


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


def brics_fragments(molecule: Chem.Mol) -> list[str]:
    """SMILES of the BRICS fragments (10.1002/cmdc.200800178) of a molecule, repeated ones included."""
    return str(Chem.MolToSmiles(Chem.FragmentOnBRICSBonds(molecule))).split(".")


def cosine_similarity(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    """The cosine of the angle between two count vectors: Frag and Scaf of MOSES."""
    if not first or not second:
        return math.nan
    shared = sum(count * second.get(key, 0) for key, count in first.items())
    lengths = [math.sqrt(sum(count * count for count in counts.values())) for counts in (first, second)]
    return shared / (lengths[0] * lengths[1])
