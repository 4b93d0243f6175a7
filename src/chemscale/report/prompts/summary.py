"""Means over the molecules of a sweep, with standard errors: molecules differ more than draws do."""

from typing import Any

import pandas as pd

GROUPS = ["model", "n_parameters", "strategy", "vary", "value", "prompt_length"]
MEASURES = ("passes_filters", "delta_mw", "unique", "contains_scaffold", "similarity")
STRATEGIES = {
    "top_k": "top-k: tokens to draw from",
    "top_p": "nucleus: probability kept",
    "temperature": "temperature",
    "beams": "beam search: beams",
}
"""What is varied, in the words of an axis."""


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard error over molecules, of every measure.

    Args:
        table: one row for each model, strategy, value, length and molecule, as `run_prompt_sweep` gives them, with
            `model` and `n_parameters`.

    Returns:
        One row for each model, strategy, value and length; columns `<measure>` and `<measure>_error`. A number that is
        not defined for a molecule is left out of the mean.
    """
    rows: list[dict[str, Any]] = []
    for keys, part in table.groupby(GROUPS, sort=False):
        row = dict(zip(GROUPS, keys, strict=True))
        for measure in MEASURES:
            values = part[measure].dropna()
            row[measure] = values.mean()
            row[f"{measure}_error"] = values.sem() if len(values) > 1 else float("nan")
        rows.append(row)
    return pd.DataFrame(rows)


def strategy_title(strategy: str, vary: str) -> str:
    """A strategy in the words of an axis: what it varies, or the name that it was given."""
    return STRATEGIES.get(vary, vary) if strategy == vary else strategy


def length_label(length: int) -> str:
    """`5 tokens`, or `all but 3`."""
    return f"{length} tokens" if length > 0 else f"all but {-length}"
