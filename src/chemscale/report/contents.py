"""What a report is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from chemscale.base.config import nearest
from chemscale.base.errors import DataError
from chemscale.scaling.groups import GroupFit
from chemscale.scaling.law_fit import LawFit


@dataclass(frozen=True)
class StudyReport:
    """Everything a report shows; a table that this program did not make is as good as one it made.

    Attributes:
        title: heading of the page.
        table: one row per run; needs the columns `run` and `loss`, all others are shown where present.
        fits: laws by group, as `scaling.fit_study` gives them.
        curves: one row per evaluation of a run: `run`, `step`, `epoch`, `tokens`, `train_loss`, `validation_loss`,
            `learning_rate`, `seconds`.
        commands: the exact commands that made the study, one line each.
        environment: versions, machine, date: name -> text.
        config_text: the study file as TOML.
        notes: what a reader should know, in whole sentences.
        law_runs: names of the runs that the laws rest on, and that figures of the laws show; None is all.
        joint: a law of model size and data size, fitted to all of them together.
        loss, model_size, data_size: the columns on the axes.
        loss_unit, data_unit: units of the loss and of the data size.
        curve_axis: the column of `curves` along which learning curves are drawn: `tokens`, `step` or `epoch`.
    """

    title: str
    table: pd.DataFrame
    fits: Sequence[GroupFit] = ()
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    commands: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    config_text: str = ""
    notes: Sequence[str] = ()
    law_runs: frozenset[str] | None = None
    joint: LawFit | None = None
    loss: str = "validation_loss"
    model_size: str = "n_parameters"
    data_size: str = "data_points"
    loss_unit: str = "nats per token"
    data_unit: str = "molecules"
    curve_axis: str = "tokens"

    def __post_init__(self) -> None:
        """Check the columns that nothing can be drawn without.

        Raises:
            DataError: a column is missing.
        """
        for column in ("run", self.loss):
            if column not in self.table.columns:
                hint = nearest(column, [str(name) for name in self.table.columns])
                raise DataError(f"report: the study table has no column {column!r}{hint}")

    @property
    def usable(self) -> pd.DataFrame:
        """The finished runs of the laws with a finite positive loss."""
        table = self.table
        losses = pd.to_numeric(table[self.loss], errors="coerce")
        good = (losses > 0) & (losses < float("inf"))
        if self.law_runs is not None:
            good &= table["run"].isin(self.law_runs)
        return table[good & (table["status"] == "finished")] if "status" in table else table[good]

    def fits_along(self, resource: str) -> list[GroupFit]:
        """The fits whose resource is this column."""
        return [fit for fit in self.fits if fit.x == resource]
