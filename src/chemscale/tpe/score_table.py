"""Every estimator's value for every run at one budget, all runs read alike."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from chemscale.tpe.budget import Budget
from chemscale.tpe.curve import Curve
from chemscale.tpe.estimators import ESTIMATORS, Reading, score, shared_source

READ_ONE_EPOCH_MORE = ("tse_e", "tse_ema")  # by the code released with the paper, see estimators.py


@dataclass(frozen=True)
class ScoreRow:
    """One run: what was seen of it, whether that is the whole budget, and every estimator's value."""

    run: str
    seen: Curve
    enough: bool
    values: dict[str, float]


@dataclass(frozen=True)
class ScoreTable:
    """The runs at one budget, how they were read, and whether TSE-E and TSE-EMA read one epoch more."""

    rows: tuple[ScoreRow, ...]
    reading: Reading
    one_epoch_more: bool


def score_table(
    curves: Sequence[Curve], budget: Budget, wanted: Reading, one_epoch_more: bool | None = None
) -> ScoreTable:
    """Score every run on what it has shown within the budget.

    A run that has seen less than the budget has no score (NaN): a sum or a window over fewer epochs does not compare.

    Args:
        curves: the runs.
        budget: what may be seen.
        wanted: how to read them; its source is chosen here, the same for all.
        one_epoch_more: whether TSE-E and TSE-EMA read one epoch more; where absent, if every run has it.
    """
    seen = [curve.up_to(budget.epochs) for curve in curves]
    enough = [shown.diverged or curve.reaches(budget.epochs) for shown, curve in zip(seen, curves, strict=True)]
    compared = [shown for shown, whole in zip(seen, enough, strict=True) if whole]
    reading = dataclasses.replace(wanted, source=shared_source(compared))
    more = _have_one_epoch_more(curves, seen, enough, budget) if one_epoch_more is None else one_epoch_more
    rows = []
    for curve, shown, whole in zip(curves, seen, enough, strict=True):
        longer = curve.up_to(budget.epochs + 1) if more else shown
        rows.append(ScoreRow(curve.run, shown, whole, _values(shown, longer, reading, whole)))
    return ScoreTable(tuple(rows), reading, more)


def _values(seen: Curve, longer: Curve, reading: Reading, enough: bool) -> dict[str, float]:
    if not enough:
        return dict.fromkeys(ESTIMATORS, math.nan)
    return {name: score(name, longer if name in READ_ONE_EPOCH_MORE else seen, reading) for name in ESTIMATORS}


def _have_one_epoch_more(
    curves: Sequence[Curve], seen: Sequence[Curve], enough: Sequence[bool], budget: Budget
) -> bool:
    """Whether every run that is compared has logged one whole epoch after a budget of whole epochs."""
    if budget.epochs != math.floor(budget.epochs):
        return False
    compared = [c for c, shown, whole in zip(curves, seen, enough, strict=True) if whole and not shown.diverged]
    return bool(compared) and all(curve.diverged or curve.reaches(budget.epochs + 1) for curve in compared)
