"""The numbers beside a map: embeddings and fingerprints asked the same questions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from chemscale.chem.molecule_labels import SCAFFOLD, MoleculeLabel
from chemscale.language.maps.clustering import SMALLEST_GROUP, silhouette
from chemscale.language.maps.neighbours import neighbour_score, why_no_score
from chemscale.report.maps.contents import (
    EMBEDDING,
    FINGERPRINT,
    NUMBER_COLUMNS,
    R2,
    ROC_AUC,
    SILHOUETTE,
    label_texts,
)

Vectors = npt.NDArray[np.floating]
NAN = float("nan")


def map_numbers(
    embeddings: Vectors,
    fingerprints: Vectors,
    scaffolds: Sequence[str],
    labels: Sequence[MoleculeLabel],
    seed: int,
) -> tuple[pd.DataFrame, list[str]]:
    """Silhouettes of scaffolds, always, and of each label what its kind allows.

    Numbers are asked for R2, two classes for ROC-AUC, more classes for their silhouette.

    Args:
        embeddings: [n_molecules, width].
        fingerprints: [n_molecules, n_bits].
        scaffolds: all of them and not the frequent ones only, "" without rings [n_molecules].
        labels: [n_labels].
        seed: of folds and shuffles.

    Returns:
        a table with the columns `NUMBER_COLUMNS`, and a sentence for each label without a number.
    """
    spaces = {EMBEDDING: embeddings, FINGERPRINT: fingerprints}
    rows: list[dict[str, Any]] = []
    silent = []
    groups = {SCAFFOLD: list(scaffolds)} | {label.name: _groups(label) for label in labels if _is_grouped(label)}
    for name, names in groups.items():
        found = [_silhouette_row(name, space, vectors, names, seed) for space, vectors in spaces.items()]
        if None in found:
            silent.append(f"No silhouette by {name}: fewer than two groups have {SMALLEST_GROUP} molecules.")
        rows += [row for row in found if row is not None]
    for label in labels:
        if label.name == SCAFFOLD or _is_grouped(label):
            continue
        found = [_neighbour_row(label, space, vectors, seed) for space, vectors in spaces.items()]
        if None in found:
            silent.append(f"No nearest-neighbour score of {label.name}: {why_no_score(label.values, label.is_binary)}.")
        rows += [row for row in found if row is not None]
    return pd.DataFrame(rows, columns=list(NUMBER_COLUMNS)), silent


def _is_grouped(label: MoleculeLabel) -> bool:
    return label.name != SCAFFOLD and bool(label.classes) and not label.is_binary


def _groups(label: MoleculeLabel) -> list[str]:
    """Names of classes; leftovers and unknown ones are no group."""
    rest = set(label.classes[len(label.classes) - label.n_rest :])
    return ["" if text is None or text in rest else text for text in label_texts(label)]


def _silhouette_row(name: str, space: str, vectors: Vectors, groups: Sequence[str], seed: int) -> dict[str, Any] | None:
    found = silhouette(vectors, groups, seed)
    if found is None:
        return None
    counts = (found.n_molecules, found.n_groups)
    return _row(SILHOUETTE, name, space, (found.value, NAN), (found.shuffled, found.shuffled_deviation), counts)


def _neighbour_row(label: MoleculeLabel, space: str, vectors: Vectors, seed: int) -> dict[str, Any] | None:
    found = neighbour_score(vectors, label.values, label.is_binary, seed)
    if found is None:
        return None
    measure, chance = (ROC_AUC, 0.5) if label.is_binary else (R2, 0.0)
    return _row(measure, label.name, space, (found.value, found.deviation), (chance, NAN), (found.n_molecules, NAN))


def _row(
    measure: str,
    label: str,
    space: str,
    value: tuple[float, float],
    control: tuple[float, float],
    counts: tuple[int, float],
) -> dict[str, Any]:
    return dict(zip(NUMBER_COLUMNS, (measure, label, space, *value, *control, *counts), strict=True))
