"""The numbers beside a map, as a table of the page and as lines of the terminal, and what each of them means."""

import html
import math

import pandas as pd

from chemscale.report.html_table import table_html
from chemscale.report.maps.contents import EMBEDDING, FINGERPRINT, R2, ROC_AUC, SILHOUETTE

HEADS = ("measure", "embedding", "Morgan fingerprint", "by chance", "molecules")
TITLES = {
    SILHOUETTE: "silhouette by {}",
    R2: "nearest-neighbour R² of {}",
    ROC_AUC: "nearest-neighbour ROC-AUC of {}",
}
_MEANINGS = {
    SILHOUETTE: "The mean of (b − a) / max(a, b) over molecules, by cosine distance in the space itself and not in the "
    "picture; a is the mean distance to the molecule's own group, b that to the nearest other one. 1: groups far "
    "apart. 0: no gaps. Negative: mixed. Groups of 5 molecules and more; molecules without rings are no group. "
    "Beside it, the same with the groups shuffled among the molecules, 20 times, ± one standard deviation.",
    R2: "Every molecule is predicted by the mean of its 5 nearest by cosine similarity in the other folds of 5; mean "
    "and standard deviation over folds, which are drawn at random. 1 is perfect; predicting the mean gives 0.",
    ROC_AUC: "Every molecule is scored by the share of the second class among its 5 nearest by cosine similarity in "
    "the other folds of 5, with equal shares of classes in all folds; mean and standard deviation over folds. 1 is "
    "perfect, 0.5 is chance. Molecules without a label take no part.",
}
_FINGERPRINT = (
    "Radius 2, 1024 bits: what there is without any model, asked the same questions in the same folds. An embedding "
    "that does no better has, by this measure, nothing to add."
)


def number_rows(numbers: pd.DataFrame) -> list[list[str]]:
    """One row of texts per measure and label, in the order of `HEADS`."""
    rows = []
    for (measure, label), part in numbers.groupby(["measure", "label"], sort=False):
        by_space = part.set_index("space")
        first = part.iloc[0]
        groups = "" if math.isnan(float(first["n_groups"])) else f" in {int(first['n_groups'])} groups"
        rows.append(
            [
                TITLES[str(measure)].format(label),
                *(_with_spread(by_space, space, "value", "deviation") for space in (EMBEDDING, FINGERPRINT)),
                _with_spread(by_space, EMBEDDING, "control", "control_deviation"),
                f"{int(first['n_molecules']):,}{groups}",
            ]
        )
    return rows


def numbers_section(numbers: pd.DataFrame) -> str:
    """The table with its definitions, from columns `NUMBER_COLUMNS`; a sentence where there is no number to give."""
    head = "<h2>Numbers beside the pictures</h2>"
    if numbers.empty:
        return f"{head}<p class='empty'>No label has enough molecules for a number.</p>"
    rows = "".join(_row(cells) for cells in number_rows(numbers))
    seen = list(dict.fromkeys(numbers["measure"]))
    names = {measure: TITLES[measure].format("…") for measure in seen}
    meanings = "".join(f"<dt>{names[m]}</dt><dd>{_MEANINGS[m]}</dd>" for m in seen)
    meanings += f"<dt>Morgan fingerprint</dt><dd>{_FINGERPRINT}</dd>"
    table = table_html(HEADS, ("text", "", "", "", ""), rows)
    return f"{head}{table}<dl class='means'>{meanings}</dl>"


def _row(cells: list[str]) -> str:
    others = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells[1:])
    return f"<tr><td class='text'>{html.escape(cells[0])}</td>{others}</tr>"


def _with_spread(by_space: pd.DataFrame, space: str, column: str, spread: str) -> str:
    if space not in by_space.index:
        return "–"
    value, width = (float(by_space[name].astype(float)[space]) for name in (column, spread))
    if math.isnan(value):
        return "–"
    if math.isnan(width):
        return (f"{value:.3f}" if column == "value" else f"{value:g}").replace("-", "−")
    return f"{value:.3f} ± {width:.3f}".replace("-", "−")
