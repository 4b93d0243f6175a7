"""Do molecules of one group stand together? Silhouettes by cosine distance, beside those of shuffled groups."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chemscale.base.seeds import stream

Vectors = npt.NDArray[np.floating]
SMALLEST_GROUP = 5
N_SHUFFLES = 20
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Silhouette:
    """How well groups are apart in a space.

    Attributes:
        value: the mean over molecules: 1 apart, 0 no structure, negative mixed up.
        shuffled: the mean of the same number with the groups shuffled among the molecules.
        shuffled_deviation: its standard deviation over the shuffles.
        n_molecules: of groups that were large enough.
        n_groups: so many.
    """

    value: float
    shuffled: float
    shuffled_deviation: float
    n_molecules: int
    n_groups: int


def silhouette(
    vectors: Vectors,
    groups: Sequence[str],
    seed: int,
    smallest: int = SMALLEST_GROUP,
    n_shuffles: int = N_SHUFFLES,
) -> Silhouette | None:
    """The mean silhouette of groups with enough members, and of the same groups shuffled.

    Args:
        vectors: [n_molecules, width].
        groups: names; "" is no group and left out [n_molecules].
        seed: of the shuffles.
        smallest: groups with fewer members are left out.
        n_shuffles: how often.

    Returns:
        None where fewer than two groups are large enough.
    """
    counts = Counter(group for group in groups if group)
    large = sorted(group for group, count in counts.items() if count >= max(smallest, 2))
    if len(large) < 2:
        return None
    places = {group: place for place, group in enumerate(large)}
    rows = np.array([row for row, group in enumerate(groups) if group in places])
    codes = np.array([places[groups[row]] for row in rows])
    units = _unit_rows(vectors[rows])
    random = stream(seed, "silhouette")
    shuffled = [_silhouettes(units, random.permutation(codes)).mean() for _ in range(n_shuffles)]
    return Silhouette(
        value=float(_silhouettes(units, codes).mean()),
        shuffled=float(np.mean(shuffled)),
        shuffled_deviation=float(np.std(shuffled, ddof=1)) if n_shuffles > 1 else 0.0,
        n_molecules=len(rows),
        n_groups=len(large),
    )


def cosine_silhouettes(vectors: Vectors, codes: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """The silhouette of every molecule, by cosine distance.

    s = (b - a) / max(a, b), with a the mean distance to the others of its group, b that to the nearest other group
    (Rousseeuw 1987, 10.1016/0377-0427(87)90125-7). A mean of cosine distances to a group is one minus the product with
    the sum of its unit vectors, so no distance of two molecules is computed and shuffles cost little.

    Args:
        vectors: [n_molecules, width].
        codes: the group of each molecule, from 0, each with two members or more [n_molecules].

    Returns:
        [n_molecules]; 0 for a molecule on the spot of all others.
    """
    return _silhouettes(_unit_rows(vectors), codes)


def _silhouettes(units: npt.NDArray[np.float64], codes: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Silhouettes of vectors of length one; see `cosine_silhouettes`."""
    n_groups = int(codes.max()) + 1
    sizes = np.bincount(codes, minlength=n_groups)
    sums = np.zeros((n_groups, units.shape[1]))
    np.add.at(sums, codes, units)
    products = units @ sums.T
    rows = np.arange(len(codes))
    own = sizes[codes] - products[rows, codes]
    within = _without_rounding(own / (sizes[codes] - 1))
    others = _without_rounding(1 - products / sizes)
    others[rows, codes] = np.inf
    between = others.min(1)
    largest = np.maximum(within, between)
    return np.divide(between - within, largest, out=np.zeros(len(codes)), where=largest > 0)


def _without_rounding(distances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Distances of float64 that are zero but for the last digits, as zero."""
    return np.where(distances < _ROUNDING, 0.0, distances)


def _unit_rows(vectors: Vectors) -> npt.NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), dtype=np.float64)
