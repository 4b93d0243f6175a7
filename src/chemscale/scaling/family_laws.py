"""Several families of models in one study: how the loss of each falls with data at one model size, and how they differ.

Every family has a power law of its own. Nothing is fitted across families, because they differ in more than size.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from chemscale.base.errors import FitError
from chemscale.scaling.groups import GroupFit, fit_by_group
from chemscale.scaling.points import MIN_POINTS
from chemscale.scaling.power_law import Range
from chemscale.scaling.prediction.exponent_difference import ExponentDifference, compare_exponents

FAMILY = "family"
RATIO = "loss_ratio"


@dataclass(frozen=True)
class FamilyPair:
    """Two families and the difference of their exponents.

    Attributes:
        first, second: the families.
        difference: exponent of the first less that of the second; None where `problem` says why.
        holm_p: the difference's p-value after Holm's correction for all pairs (holm1979); 1 where there is none.
        problem: empty where there is one.
    """

    first: str
    second: str
    difference: ExponentDifference | None
    holm_p: float = 1.0
    problem: str = ""


@dataclass(frozen=True)
class FamilyLaws:
    """The laws of a loss against the data size, one per family, at one model size.

    Attributes:
        loss: the loss column.
        model_size: the column of model sizes.
        size: the model size at which families are compared.
        fits: family -> its law, or why there is none.
        pairs: every two families.
    """

    loss: str
    model_size: str
    size: float
    fits: Mapping[str, GroupFit]
    pairs: tuple[FamilyPair, ...]


def common_size(
    table: pd.DataFrame, *, model_size: str, data_size: str = "data_points", preferred: float | None = None
) -> float:
    """The model size at which most families can be compared over data sizes.

    Args:
        table: one row per run that may be fitted, with `family`.
        model_size: column of model sizes.
        data_size: column of data sizes.
        preferred: taken where no other size allows more families a law.

    Returns:
        Of equally good ones the one with the most data sizes, and of those the smallest.

    Raises:
        FitError: the table has no row.
    """
    if table.empty:
        raise FitError("there is no finished run to compare families by")
    counts = table.groupby([model_size, FAMILY])[data_size].nunique().reset_index()
    rated = {
        float(part[model_size].iloc[0]): (int((part[data_size] >= MIN_POINTS).sum()), int(part[data_size].sum()))
        for _, part in counts.groupby(model_size)
    }
    best = max(rated, key=lambda size: (rated[size], -size))
    if preferred in rated and rated[preferred][0] >= max(1, rated[best][0]):
        return float(preferred)
    return best


def fit_families(
    table: pd.DataFrame,
    families: Sequence[str],
    size: float,
    *,
    loss: str = "validation_loss",
    model_size: str = "n_parameters",
    data_size: str = "data_points",
    level: float = 0.95,
    fit_range: Range = "auto",
) -> FamilyLaws:
    """Fit L(n) = alpha n^-beta in every family at one model size, and compare the exponents pair by pair.

    Args:
        table: one row per run, with `family`; runs that are not finished are not used.
        families: their order.
        size: the value of `model_size` whose runs are fitted.
        loss: loss column.
        model_size: column of model sizes.
        data_size: column of data sizes.
        level: of all intervals.
        fit_range: as in `fit_power_law`.

    Raises:
        FitError: a column is missing.
    """
    chosen = table[table[model_size] == size]
    found = {
        str(fit.value): fit for fit in fit_by_group(chosen, data_size, loss, FAMILY, level=level, fit_range=fit_range)
    }
    fits = {family: found.get(family) or _absent(family, loss, data_size, size) for family in families}
    return FamilyLaws(loss, model_size, size, fits, _pairs(fits, level))


def fit_loss_ratio(
    table: pd.DataFrame,
    families: Sequence[str],
    size: float,
    *,
    over: str,
    under: str,
    model_size: str = "n_parameters",
    data_size: str = "data_points",
    level: float = 0.95,
) -> FamilyLaws:
    """Fit the ratio of two losses of the same runs, over / under = r n^-gamma, in every family at one model size.

    gamma is the exponent of `over` less that of `under` on the same runs. What both losses of a run share drops out, so
    its interval is narrower than that of two separate fits; every data size enters.

    Args:
        table: one row per run, with `family`.
        over: loss column.
        under: loss column.
        families, size, model_size, data_size, level: as in `fit_families`.
    """
    losses = [pd.to_numeric(table[name], errors="coerce") for name in (over, under)]
    ratios = table.assign(**{RATIO: losses[0] / losses[1]})
    return fit_families(
        ratios, families, size, loss=RATIO, model_size=model_size, data_size=data_size, level=level, fit_range="all"
    )


def _absent(family: str, loss: str, data_size: str, size: float) -> GroupFit:
    return GroupFit(data_size, loss, FAMILY, family, None, f"no finished run of model size {size:g}", 0, ())


def _pairs(fits: Mapping[str, GroupFit], level: float) -> tuple[FamilyPair, ...]:
    pairs = []
    for first, second in itertools.combinations(fits, 2):
        laws = fits[first].law, fits[second].law
        missing = [name for name, law in zip((first, second), laws, strict=True) if law is None]
        if laws[0] is None or laws[1] is None:
            pairs.append(FamilyPair(first, second, None, problem=f"no law of {' and '.join(missing)}"))
            continue
        try:
            pairs.append(FamilyPair(first, second, compare_exponents(laws[0], laws[1], "beta", level)))
        except FitError as error:
            pairs.append(FamilyPair(first, second, None, problem=str(error)))
    return _with_holm(pairs)


def _with_holm(pairs: Sequence[FamilyPair]) -> tuple[FamilyPair, ...]:
    """The k-th smallest of m p-values times m - k + 1, never below one before it, at most 1."""
    order = sorted((pair.difference.p, index) for index, pair in enumerate(pairs) if pair.difference is not None)
    corrected, least = dict.fromkeys(range(len(pairs)), 1.0), 0.0
    for rank, (p, index) in enumerate(order):
        least = max(least, min(1.0, p * (len(order) - rank)))
        corrected[index] = least
    return tuple(
        FamilyPair(pair.first, pair.second, pair.difference, corrected[index], pair.problem)
        for index, pair in enumerate(pairs)
    )
