"""Which runs of a study lie on one law."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

# What a law is drawn along, and what is repeated at one point of it.
LAW_KEYS = ("model.width", "model.n_layers", "model.depth", "data.size", "seed")
FAMILY = "family"
_SIZES = ("n_parameters", "data_points")


@dataclass(frozen=True)
class Selection:
    """The runs that enter the laws, and what a reader has to know about the choice.

    Attributes:
        table: the runs.
        notes: whole sentences.
        families: the families that vary, in the order of the study, each with laws of its own; empty where there is
            one, and all runs may be fitted together.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]
    families: tuple[str, ...] = ()


def runs_of_the_law(
    table: pd.DataFrame,
    varying: Sequence[str],
    loss: str = "validation_loss",
    families: Sequence[str] = (),
) -> Selection:
    """Choose the runs that may be fitted together.

    Runs of one law differ in model size, data size and seed alone. Where training settings vary too, every size is
    represented by the setting with the lowest mean loss over its seeds, as if it had been tuned. Where the family
    varies, every family has laws of its own, and is tuned by itself. Where anything else varies (the encoding, the
    number of heads), there is no one law, and no run is chosen.

    Args:
        table: the study table.
        varying: dotted keys that vary in it.
        loss: the column that is compared.
        families: the order of the families; those of the table that are not among them come last.
    """
    several = _families(table, families) if FAMILY in varying else ()
    others = [key for key in varying if key not in (*LAW_KEYS, FAMILY)]
    if not others:
        return Selection(table, (), several)
    names = ", ".join(others)
    if any(not key.startswith("training.") for key in others):
        note = f"No law is fitted, because {names} vary too: fit runs that differ in them as studies of their own."
        return Selection(table.iloc[:0], (note,), several)
    sizes = [*_SIZES, *([FAMILY] if several else [])]
    usable = table[(table["status"] == "finished") & table[loss].notna()]
    means = usable.groupby([*sizes, *others], dropna=False)[loss].mean().reset_index()
    best = means.loc[means.groupby(sizes)[loss].idxmin()].drop(columns=loss)
    note = f"{names} vary too: at every size the laws use the setting with the lowest mean loss over seeds."
    return Selection(table.merge(best, on=[*sizes, *others]), (note,), several)


def _families(table: pd.DataFrame, order: Sequence[str]) -> tuple[str, ...]:
    present = set(table[FAMILY].dropna())
    found = [family for family in order if family in present]
    return (*found, *sorted(present - set(found)))
