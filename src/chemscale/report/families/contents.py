"""What the page of several families is made of, and the numbers that it compares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from chemscale.base.errors import DataError
from chemscale.report.contents import StudyReport
from chemscale.report.families.published import PUBLISHED, PUBLISHED_SIZE, PublishedExponent
from chemscale.scaling.family_laws import FAMILY, FamilyLaws, common_size, fit_families, fit_loss_ratio
from chemscale.scaling.rank_correlation import correlations_by_group

FORCE_UNIT = "eV/Å"  # of the absolute error of forces: the published exponents are about no other loss
SEEN_LOSSES = (("validation_loss", "seen_loss"), ("force_mae", "seen_force_mae"))  # held out, and on what was seen
PROCESSOR_TIME, WALL_TIME = "cpu_seconds", "seconds"
HELD_OUT_SPLITS = ("formulas", "molecules")
VALIDATION_WORDS = {
    "formulas": "held-out formulas",
    "molecules": "held-out molecules",
    "random": "random frames",
    **{f"official0{number}": "the published test frames" for number in range(1, 6)},
}


@dataclass(frozen=True)
class FamilyComparison:
    """The numbers that compare families.

    Attributes:
        laws: L(n) of every family at one model size.
        held_out: L(n) of what is compared with `seen`, on held-out data; None where there is no `seen`.
        seen: the same on random frames of what was trained on; None where that was not measured.
        ratio: the ratio of the two against n, whose exponent is the difference of theirs.
        correlations: rank correlation of the loss with model size and with training time, one row per family, data size
            and `x`; see `scaling.rank_correlation`.
        time: the column of training times.
        validation: what the validation loss is measured on, in words.
        data_unit, loss_unit: units.
        data_size: column of data sizes.
        published: family -> its exponent in the literature.
    """

    laws: FamilyLaws
    held_out: FamilyLaws | None
    seen: FamilyLaws | None
    ratio: FamilyLaws | None
    correlations: pd.DataFrame
    time: str
    validation: str
    data_unit: str
    loss_unit: str
    data_size: str
    published: Mapping[str, PublishedExponent]

    @property
    def families(self) -> list[str]:
        """Their names, in the order of the colours."""
        return list(self.laws.fits)


@dataclass(frozen=True)
class FamiliesReport:
    """Everything the page of several families shows.

    Attributes:
        study: all runs together; it has no laws of its own.
        parts: family -> the report of its runs alone, in the order of the families.
        comparison: the numbers.
    """

    study: StudyReport
    parts: Mapping[str, StudyReport]
    comparison: FamilyComparison


def compare_families(
    study: StudyReport, families: Sequence[str], *, split: str = "", level: float = 0.95
) -> FamilyComparison:
    """Fit and compare what the runs of several families say.

    Args:
        study: all runs; only its usable ones, `law_runs` among them, are fitted.
        families: their order.
        split: how validation data were held out: `random`, `formulas` or `molecules`.
        level: of all intervals.

    Raises:
        DataError: the table lacks a column.
        FitError: no run is usable.
    """
    runs, size, data = study.usable, study.model_size, study.data_size
    missing = [column for column in (FAMILY, size, data) if column not in runs.columns]
    if missing:
        raise DataError(f"report: the study table has no column {' or '.join(map(repr, missing))}")
    about_forces = study.loss_unit == FORCE_UNIT
    preferred = PUBLISHED_SIZE if about_forces and size == "capacity" else None
    at = common_size(runs, model_size=size, data_size=data, preferred=preferred)
    columns: dict[str, Any] = {"model_size": size, "data_size": data, "level": level}
    held_out = seen = ratio = None
    if (pair := _seen_pair(runs)) and split in HELD_OUT_SPLITS:
        held_out, seen = (fit_families(runs, families, at, loss=loss, **columns) for loss in pair)
        ratio = fit_loss_ratio(runs, families, at, over=pair[0], under=pair[1], **columns)
    time = _time_column(runs)
    model = "n_parameters" if "n_parameters" in runs else size
    correlations = [
        correlations_by_group(runs, x, study.loss, [FAMILY, data], model=model, level=level)
        for x in (size, time)
        if x in runs
    ]
    return FamilyComparison(
        laws=fit_families(runs, families, at, loss=study.loss, **columns),
        held_out=held_out,
        seen=seen,
        ratio=ratio,
        correlations=pd.concat(correlations, ignore_index=True),
        time=time,
        validation=VALIDATION_WORDS.get(split, "the validation set"),
        data_unit=study.data_unit,
        loss_unit=study.loss_unit,
        data_size=data,
        published={name: PUBLISHED[name] for name in families if about_forces and name in PUBLISHED},
    )


def _seen_pair(runs: pd.DataFrame) -> tuple[str, str] | None:
    """The columns of a loss on held-out data, and of the same on what was seen, where every family may have both."""
    for pair in SEEN_LOSSES:
        if set(pair) <= set(runs.columns) and runs[list(pair)].notna().all(axis=1).any():
            return pair
    return None


def _time_column(runs: pd.DataFrame) -> str:
    """Processor time where every run has it: other work on the machine does not change it."""
    known = PROCESSOR_TIME in runs and pd.to_numeric(runs[PROCESSOR_TIME], errors="coerce").gt(0).all()
    return PROCESSOR_TIME if known else WALL_TIME
