"""What the nearest neighbours of a molecule know of it: numbers by R2, two classes by ROC-AUC, in held-out folds."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from chemscale.base.seeds import stream

Vectors = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float64]
K = 5
N_FOLDS = 5
FEWEST = 30  # with fewer, a fold has so few molecules that its score says nothing
_BLOCK = 1024


@dataclass(frozen=True)
class NeighbourScore:
    """How well neighbours predict a label.

    Attributes:
        value: the mean over folds.
        deviation: its standard deviation over folds.
        n_molecules: with a label.
    """

    value: float
    deviation: float
    n_molecules: int


def neighbour_score(
    vectors: Vectors, values: Floats, binary: bool, seed: int, k: int = K, n_folds: int = N_FOLDS
) -> NeighbourScore | None:
    """Predict every fold by the mean label of the k nearest molecules of the other folds, by cosine similarity.

    Args:
        vectors: [n_molecules, width].
        values: numbers, or 0 and 1 where `binary`; NaN where missing [n_molecules].
        binary: score by ROC-AUC, in folds with the same shares of both classes; else by R2.
        seed: of the folds.
        k: neighbours.
        n_folds: folds.

    Returns:
        None where `why_no_score` has a reason.
    """
    if why_no_score(values, binary, n_folds):
        return None
    rows = np.flatnonzero(~np.isnan(values))
    truth = values[rows]
    units = vectors[rows] / np.maximum(np.linalg.norm(vectors[rows], axis=1, keepdims=True), 1e-12)
    folds = _folds(truth, binary, seed, n_folds)
    scores = []
    for fold in range(n_folds):
        test = folds == fold
        predicted = _mean_of_nearest(units[test], units[~test], truth[~test], k)
        scores.append(roc_auc(truth[test], predicted) if binary else r2(truth[test], predicted))
    return NeighbourScore(float(np.mean(scores)), float(np.std(scores, ddof=1)), len(rows))


def why_no_score(values: Floats, binary: bool, n_folds: int = N_FOLDS) -> str:
    """What is missing for a score, in a clause; "" where nothing is. Arguments as for `neighbour_score`."""
    truth = values[~np.isnan(values)]
    if len(truth) < FEWEST:
        return f"{len(truth)} molecules have a value, and fewer than {FEWEST} give no number worth reading"
    if np.ptp(truth) == 0:
        return "all values are the same"
    least = int(min((truth == 0).sum(), (truth == 1).sum())) if binary else n_folds
    return f"{least} molecules are of the rarer class, too few for {n_folds} folds" if least < n_folds else ""


def r2(truth: Floats, predicted: Floats) -> float:
    """Coefficient of determination, 1 - sum (y - p)^2 / sum (y - mean y)^2: 1 is perfect, 0 is the mean of the fold."""
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - predicted) ** 2).sum()) / spread if spread else float("nan")


def roc_auc(truth: Floats, scores: Floats) -> float:
    """The chance that a random 1 has a higher score than a random 0, ties counted half (Mann and Whitney 1947)."""
    ones = truth == 1
    n_ones, n_zeros = int(ones.sum()), int((~ones).sum())
    return float(rankdata(scores)[ones].sum() - n_ones * (n_ones + 1) / 2) / (n_ones * n_zeros)


def _folds(truth: Floats, binary: bool, seed: int, n_folds: int) -> npt.NDArray[np.intp]:
    """The fold of each molecule; the molecules of a class, or all, are dealt out in a random order."""
    random = stream(seed, "folds")
    folds = np.empty(len(truth), dtype=np.intp)
    dealt = 0
    for rows in (np.flatnonzero(truth == 0), np.flatnonzero(truth == 1)) if binary else (np.arange(len(truth)),):
        # Each class goes on where the one before has ended, so that folds stay equally large.
        folds[random.permutation(rows)] = (np.arange(len(rows)) + dealt) % n_folds
        dealt += len(rows)
    return folds


def _mean_of_nearest(queries: Vectors, library: Vectors, values: Floats, k: int) -> Floats:
    """The mean value of the k nearest of a library for each query [n_queries], in blocks of bounded memory."""
    means = np.empty(len(queries))
    for start in range(0, len(queries), _BLOCK):
        similarity = queries[start : start + _BLOCK] @ library.T
        nearest = np.argpartition(similarity, -k, axis=1)[:, -k:]
        means[start : start + _BLOCK] = values[nearest].mean(1)
    return means
