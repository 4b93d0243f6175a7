"""Two coordinates for every molecule: principal components, and t-SNE."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import DataError, UserError
from chemscale.language.nearest.projection import Projection

try:
    from sklearn.manifold import TSNE
except ImportError:  # the optional extra is not installed: `require_sklearn` says so
    TSNE = None

Vectors = npt.NDArray[np.floating]
PERPLEXITY = 30.0
N_NEIGHBOURS = 10
FEWEST_DIFFERENT = 4
_ROUNDING = 1e-5
_COMPONENTS_BEFORE_TSNE = 50
_CHUNK = 1024


@dataclass(frozen=True)
class Components:
    """Principal components of vectors.

    Attributes:
        points: coordinates along the components, most variance first [n_molecules, n_components].
        explained: the share of the whole variance along each component [n_components].
    """

    points: npt.NDArray[np.float64]
    explained: npt.NDArray[np.float64]


def require_sklearn() -> None:
    """Say what is missing before the work and not after it.

    Raises:
        UserError: scikit-learn is not installed.
    """
    if TSNE is None:
        raise UserError("t-SNE needs scikit-learn, which is not installed: pip install 'chemscale[maps]'")


def principal_components(vectors: Vectors, n_components: int = 2) -> Components:
    """Project centred vectors onto the directions of most variance (Pearson 1901, 10.1080/14786440109462720).

    The sign of a component is free; here its largest loading is positive, so that a picture stays the same picture.

    Args:
        vectors: [n_molecules, width].
        n_components: fewer where the vectors have fewer directions.
    """
    fitted = Projection.fit([vectors], min(n_components, len(vectors) - 1))
    rows = np.arange(len(fitted.components))
    largest = fitted.components[rows, np.abs(fitted.components).argmax(1)]
    directions = fitted.components * np.sign(largest)[:, None]
    points = (np.asarray(vectors, dtype=np.float64) - fitted.mean) @ directions.T
    total = fitted.total_variance
    return Components(points, fitted.variances / total if total > 0 else np.zeros(len(rows)))


def tsne_points(vectors: Vectors, seed: int, perplexity: float = PERPLEXITY) -> npt.NDArray[np.float64]:
    """t-SNE (van der Maaten and Hinton 2008) of the first 50 principal components, started from the first two.

    Args:
        vectors: [n_molecules, width].
        seed: of scikit-learn's random numbers.
        perplexity: about how many neighbours count; lowered to a third of the molecules of a small set.

    Returns:
        [n_molecules, 2]; only which molecules stand close together has a meaning.

    Raises:
        UserError: scikit-learn is not installed.
        DataError: fewer than four vectors are different.
    """
    require_sklearn()
    # Vectors without variance end the process in scikit-learn: it divides the start by its spread.
    if (n_different := _count_different(vectors)) < FEWEST_DIFFERENT:
        raise DataError(
            f"the {len(vectors)} molecules have {n_different} different embeddings, and a map needs "
            f"{FEWEST_DIFFERENT} or more: are they copies of each other?"
        )
    start = principal_components(vectors, _COMPONENTS_BEFORE_TSNE).points.astype(np.float32)
    used = used_perplexity(len(vectors), perplexity)
    model = TSNE(n_components=2, perplexity=used, init="pca", learning_rate="auto", random_state=seed)
    return np.asarray(model.fit_transform(start), dtype=np.float64)


def _count_different(vectors: Vectors) -> int:
    """How many vectors differ by more than rounding, where that is fewer than `FEWEST_DIFFERENT`."""
    others, n_different = vectors, 0
    nothing = _ROUNDING * float(np.linalg.norm(vectors, axis=1).max())
    while len(others) and n_different < FEWEST_DIFFERENT:
        others = others[np.linalg.norm(others - others[0], axis=1) > nothing]
        n_different += 1
    return n_different


def used_perplexity(n_molecules: int, perplexity: float = PERPLEXITY) -> float:
    """The perplexity, or a third of the other molecules where the set is small."""
    return min(perplexity, (n_molecules - 1) / 3)


def neighbours_kept(vectors: Vectors, points: Vectors, k: int = N_NEIGHBOURS) -> float:
    """How much of a picture is true: the share of the k nearest in it that are among the k nearest in the space.

    Euclidean on both sides; a random picture has k / (n_molecules - 1).

    Args:
        vectors: [n_molecules, width].
        points: [n_molecules, 2].
        k: at most n_molecules - 1.
    """
    k = min(k, len(vectors) - 1)
    shared = 0
    for start in range(0, len(vectors), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(vectors)))
        near, seen = _nearest(vectors, rows, k), _nearest(points, rows, k)
        shared += int((near[:, :, None] == seen[:, None, :]).sum())
    return shared / (k * len(vectors))


def _nearest(points: Vectors, rows: npt.NDArray[np.intp], k: int) -> npt.NDArray[np.intp]:
    """The k nearest of all points for some of them, themselves left out [n_rows, k]."""
    centred = np.asarray(points - points.mean(0), dtype=np.float64)
    squares = (centred**2).sum(1)
    distances = squares[None, :] - 2 * centred[rows] @ centred.T
    distances[np.arange(len(rows)), rows] = np.inf
    return np.argpartition(distances, k - 1, axis=1)[:, :k]
