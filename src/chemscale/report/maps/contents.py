"""What a map of molecules is made of: pictures, labels, drawings, and the numbers beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from chemscale.chem.depiction import Depiction
from chemscale.chem.molecule_labels import MoleculeLabel

NUMBER_COLUMNS = (
    "measure",
    "label",
    "space",
    "value",
    "deviation",
    "control",
    "control_deviation",
    "n_molecules",
    "n_groups",
)
SILHOUETTE, R2, ROC_AUC = "silhouette", "R2", "ROC-AUC"
EMBEDDING, FINGERPRINT = "embedding", "fingerprint"


@dataclass(frozen=True)
class Picture:
    """One projection.

    Attributes:
        name: as a file and in the page's code.
        title: one short line.
        points: [n_molecules, 2].
        axes: titles of both axes.
        caption: what the picture keeps of the space, in a sentence.
        equal: whether both axes have one scale.
    """

    name: str
    title: str
    points: npt.NDArray[np.float64]
    axes: tuple[str, str]
    caption: str
    equal: bool


@dataclass(frozen=True)
class MapReport:
    """A map.

    Attributes:
        title: plain text.
        lead: one line under it, plain text.
        smiles: of the molecules as their file writes them [n_molecules].
        lines: their line numbers in the file, from 1 [n_molecules].
        names: what the file calls them [n_molecules]; empty where it does not.
        scaffolds: SMILES of scaffolds, "" for a molecule without rings [n_molecules].
        drawings: [n_molecules].
        scaffold_drawings: SMILES of a scaffold -> its drawing, for the legend.
        labels: what points can be coloured by, at least one.
        pictures: the projections, side by side.
        numbers: one row per measure, label and space, columns `NUMBER_COLUMNS`.
        notes: what to know before reading on, plain sentences.
        commands: how it was made.
        facts: versions and sources.
    """

    title: str
    lead: str
    smiles: Sequence[str]
    lines: Sequence[int]
    names: Sequence[str]
    scaffolds: Sequence[str]
    drawings: Sequence[Depiction]
    scaffold_drawings: Mapping[str, Depiction]
    labels: Sequence[MoleculeLabel]
    pictures: Sequence[Picture]
    numbers: pd.DataFrame
    notes: Sequence[str] = ()
    commands: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.smiles)


def map_frame(report: MapReport) -> pd.DataFrame:
    """One row per molecule: line, SMILES, scaffold, coordinates in every picture, and every label.

    A label that is called as one of the others has `label_` before its name.
    """
    columns: dict[str, object] = {
        "line": list(report.lines),
        "smiles": list(report.smiles),
        "murcko_scaffold": list(report.scaffolds),
    }
    for picture in report.pictures:
        for axis in (0, 1):
            columns[f"{picture.name}_{axis + 1}"] = picture.points[:, axis]
    for label in report.labels:
        name = label.name
        while name in columns:
            name = f"label_{name}"
        columns[name] = label_texts(label) if label.classes else label.values
    return pd.DataFrame(columns)


def label_texts(label: MoleculeLabel) -> list[str | None]:
    """The class of each molecule by name; None where missing [n_molecules]."""
    return [None if np.isnan(value) else label.classes[int(value)] for value in label.values]
