"""What a budget is in the figures of a joint law: measured compute, 6 N D, or nothing that could be drawn."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from chemscale.scaling.law_fit import LawFit

FLOPS = "training_flops"
EXAMPLES = "data_points"  # molecules or frames: each is many tokens, and is seen for many epochs
_SAME_CELL = 1e-6  # in ln of a size
_NEAR_ONE = (0.5, 1.5)  # exponents of N and D that C = k N D is drawn for


@dataclass(frozen=True)
class Budgets:
    """What is known of the compute of the runs.

    Attributes:
        spent: compute of every cell [n_cells]; None takes 6 N D.
        refused: why no budget can be drawn; empty where one can.
    """

    spent: np.ndarray | None = None
    refused: str = ""


SIX_ND_BUDGETS = Budgets()


def table_budgets(table: pd.DataFrame | None, fit: LawFit, columns: Mapping[str, str]) -> Budgets:
    """The budgets of a law that was fitted to columns of a table.

    Measured training FLOPs are taken where the table has them for every cell, and refused where they do not grow as
    N D: runs of one budget in tokens cost the same whatever the size of their data. Without them 6 N D is taken, and
    refused where D is known to count examples and not tokens.

    Args:
        table: the runs of this law; None where there is no more than the law.
        fit: the law.
        columns: `parameters` and `data` -> the columns they came from.
    """
    if len(fit.law.inputs) != 2:
        return SIX_ND_BUDGETS
    spent = None if table is None else _compute_of_cells(table, fit, [columns["parameters"], columns["data"]])
    if spent is not None:
        return Budgets(spent, _not_in_proportion(fit, spent))
    if columns["data"] == EXAMPLES:
        return Budgets(None, "D counts examples and no tokens, so that 6 N D is not what the runs cost")
    return SIX_ND_BUDGETS


def _not_in_proportion(fit: LawFit, spent: np.ndarray) -> str:
    """Why measured compute is no multiple of N D; empty where it is one, or nearly."""
    rows = np.column_stack([np.ones(len(spent)), fit.cells.logs])
    _, *exponents = np.linalg.lstsq(rows, np.log(spent), rcond=None)[0]
    if all(_NEAR_ONE[0] <= exponent <= _NEAR_ONE[1] for exponent in exponents):
        return ""
    model, data = (f"{exponent:.1f}".replace("-0.0", "0.0") for exponent in exponents)
    return f"the training FLOPs of these runs go as N^{model} D^{data} and not as N D"


def _compute_of_cells(table: pd.DataFrame, fit: LawFit, columns: list[str]) -> np.ndarray | None:
    """Training FLOPs of every cell of a law [n_cells]; None where the table does not have them all."""
    if not {FLOPS, *columns} <= set(table.columns):
        return None
    known = table[[*columns, FLOPS]].apply(pd.to_numeric, errors="coerce").astype(float)
    logs = np.log(known[((known > 0) & (known < np.inf)).all(axis=1)].to_numpy())
    if not len(logs):
        return None
    means = pd.DataFrame(logs).groupby([0, 1]).mean().reset_index().to_numpy()
    distance = np.abs(fit.cells.logs[:, None, :] - means[None, :, :2]).max(axis=2)
    if distance.min(axis=1).max() > _SAME_CELL:
        return None
    return np.exp(means[distance.argmin(axis=1), 2])
