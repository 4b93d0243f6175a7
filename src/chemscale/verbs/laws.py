"""The verbs about laws: fit tables of runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from chemscale.base.errors import FitError
from chemscale.scaling.power_law import Range
from chemscale.scaling.table_file import read_table
from chemscale.scaling.table_fit import TableColumns, TableFit, fit_table

STUDY_LOSS, STUDY_MODEL, STUDY_DATA = "validation_loss", "n_parameters", "data_points"


@dataclass(frozen=True)
class Fits:
    """Every law that was fitted, and what could not be.

    Attributes:
        tables: one per law asked for; a study without further wishes gives up to three.
        problems: law -> why it could not be fitted.
    """

    tables: tuple[TableFit, ...]
    problems: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types: the one law's own keys, or all under `fits`."""
        if len(self.tables) == 1:
            return self.tables[0].to_dict()
        fits = []
        for table in self.tables:
            about = {"inputs": dict(table.inputs), "y": table.y, "group": table.group}
            fits += [{**about, "value": entry.value, **entry.to_dict()} for entry in table.entries]
        return {"fits": fits, "problems": dict(self.problems)}


def fit(
    source: Path | pd.DataFrame,
    columns: TableColumns,
    law: str | None = None,
    *,
    level: float = 0.95,
    fit_range: Range = "auto",
    shared: str | None = "auto",
    skip_invalid: bool = False,
) -> Fits:
    """Fit a law to a table.

    Args:
        source: a file, see `scaling.table_file.read_table`, or a table.
        columns: what is fitted against what. For the table of a study of ours, without `x` and `parameters`, all that
            a study holds is fitted: power laws of the model per amount of data, of the data per model, and the
            additive law of both.
        law: see `scaling.table_fit.fit_table`, as for all that follows.

    Raises:
        UserError: the file, a column or the law is wrong, or nothing can be fitted.
    """
    table = source if isinstance(source, pd.DataFrame) else read_table(source)
    one_law = columns.x or columns.parameters or columns.data or columns.compute
    if one_law or not {STUDY_LOSS, STUDY_MODEL, STUDY_DATA} <= set(table.columns):
        asked = [("", columns, law)]
    else:
        asked = _of_a_study(columns.y or STUDY_LOSS, law)
    tables, problems = [], {}
    for name, chosen, chosen_law in asked:
        options: dict[str, Any] = {"level": level, "shared": shared, "skip_invalid": skip_invalid}
        if chosen_law == "power" or (chosen_law is None and chosen.x):
            options["fit_range"] = fit_range
        try:
            tables.append(fit_table(table, chosen, chosen_law, **options))
        except FitError as error:
            if len(asked) == 1:
                raise
            problems[name] = str(error)
    if not tables:
        raise FitError("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
    return Fits(tuple(tables), problems)


def _of_a_study(y: str, law: str | None) -> list[tuple[str, TableColumns, str | None]]:
    model = TableColumns(y=y, x=STUDY_MODEL, group=STUDY_DATA)
    data = TableColumns(y=y, x=STUDY_DATA, group=STUDY_MODEL)
    joint = TableColumns(y=y, parameters=STUDY_MODEL, data=STUDY_DATA)
    if law is None:
        return [("model size", model, "power"), ("data size", data, "power"), ("joint law", joint, "additive")]
    if law in ("additive", "kaplan"):
        return [("joint law", joint, law)]
    return [("model size", model, law), ("data size", data, law)]
