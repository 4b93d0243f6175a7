r"""Estimators of a run's final loss from its early curve: one number per run, the smaller the better.

TSE      = \sum_{t=1}^{T} 1/B \sum_{i=1}^{B} l_{t,i}                    (ru2021, Eq. 1; frey2023, Eq. 7)
TSE-E    = \sum_{t=T-E+1}^{T} 1/B \sum_i l_{t,i}                        (ru2021)
TSE-EMA  = \sum_{t=1}^{T} \gamma^{T-t} 1/B \sum_i l_{t,i}               (ru2021)

| symbol | here |
|---|---|
| T | epochs seen; a fraction of an epoch counts as that fraction |
| B | steps logged in epoch t, so epochs may differ in their steps |
| l_{t,i} | training loss of step i of epoch t |
| E | `last_epochs` = 1 |
| \gamma | `decay` = 0.999 per epoch |

Here all three read the same T epochs. The code released with frey2023 counts epochs from 0 and reads epochs 0 to T - 1
for TSE but one more, epoch T, for TSE-E and TSE-EMA; its values are those of TSE-E and TSE-EMA on T + 1 epochs.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chemscale.base.errors import ConfigError
from chemscale.tpe.curve import SAME_PLACE, Curve
from chemscale.tpe.extrapolation import MIN_PLACES, extrapolate, pieces

Source = Literal["validation", "train"]


@dataclass(frozen=True)
class Reading:
    """How curves are read, the same for all runs that are compared.

    Attributes:
        source: which losses the window and the power law read.
        share: the window's share of what was seen.
        warmup_steps: first steps that the window and the power law leave out.
        last_epochs: E of TSE-E.
        decay: gamma of TSE-EMA, per epoch.
        total_epochs: the full budget, where the power law is read off.
    """

    source: Source = "train"
    share: float = 0.25
    warmup_steps: int = 0
    last_epochs: int = 1
    decay: float = 0.999
    total_epochs: float = math.nan

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ConfigError(f"share: expected the window's share of what was seen, 0 < share <= 1, got {self.share}")
        if self.warmup_steps < 0:
            raise ConfigError(f"warmup_steps: expected 0 or more, got {self.warmup_steps}")
        if self.last_epochs < 1:
            raise ConfigError(f"last_epochs: expected 1 or more, got {self.last_epochs}")
        if not 0 < self.decay <= 1:
            raise ConfigError(f"decay: expected 0 < decay <= 1, got {self.decay}")


@dataclass(frozen=True)
class Estimator:
    """One estimator: its function of what was seen of a run, and what it is in words."""

    function: Callable[[Curve, Reading], float]
    words: str


def tse(curve: Curve, reading: Reading) -> float:
    """TSE: the sum over epochs of the mean training loss."""
    means, shares = curve.epoch_means()
    return float((means * shares).sum())


def tse_e(curve: Curve, reading: Reading) -> float:
    """TSE-E: the sum over the last E epochs, counted back from what was seen, inside an epoch too."""
    means, shares = curve.epoch_means()
    starts = np.arange(len(means), dtype=float)
    ends = starts + shares
    weights = np.clip(ends - np.maximum(starts, ends[-1] - reading.last_epochs), 0.0, None)
    return float((means * weights).sum())


def tse_ema(curve: Curve, reading: Reading) -> float:
    """TSE-EMA: the sum over epochs, each weighted by decay^(epochs since then)."""
    means, shares = curve.epoch_means()
    weights = reading.decay ** np.arange(len(means) - 1, -1, -1)
    return float((means * shares * weights).sum())


def window(curve: Curve, reading: Reading) -> float:
    """The mean loss in the last `share` of what was seen, warm-up left out: our default.

    Validation losses where `reading.source` says so; where the window holds none, the latest one before it.
    """
    start = curve.seen * (1 - reading.share)
    seen = curve.without_first(reading.warmup_steps)
    if reading.source == "validation":
        inside = seen.validation_losses[seen.validation_progress > start + SAME_PLACE]
        return _mean(inside if len(inside) else seen.validation_losses[-1:])
    inside = seen.losses[seen.progress > start + SAME_PLACE]
    return _mean(inside)


def last_train(curve: Curve, reading: Reading) -> float:
    """The training loss logged last."""
    return float(curve.losses[-1])


def last_validation(curve: Curve, reading: Reading) -> float:
    """The latest validation loss; NaN where there is none."""
    return _mean(curve.validation_losses[-1:])


def power_law(curve: Curve, reading: Reading) -> float:
    """The loss at the full budget of E + A t^-b fitted to the curve; NaN where fewer than four points were seen."""
    seen = curve.without_first(reading.warmup_steps)
    if reading.source == "validation":
        trained = seen.validation_progress > 0
        places, losses = seen.validation_progress[trained], seen.validation_losses[trained]
    elif seen.n_steps >= MIN_PLACES:
        places, losses = pieces(seen.progress, seen.losses)
    else:
        return math.nan
    finite = np.isfinite(losses)
    return extrapolate(places[finite], losses[finite], reading.total_epochs)


ESTIMATORS: dict[str, Estimator] = {
    "window": Estimator(window, "mean loss of the last part of what was seen"),
    "sum": Estimator(tse, "TSE, the sum over epochs of the mean training loss"),
    "tse_e": Estimator(tse_e, "TSE-E, the same over the last epochs"),
    "tse_ema": Estimator(tse_ema, "TSE-EMA, the same with weights that fall into the past"),
    "last_train": Estimator(last_train, "the last training loss"),
    "last_validation": Estimator(last_validation, "the last validation loss"),
    "power_law": Estimator(power_law, "power law fitted to the curve, read off at the full budget"),
}


def score(name: str, curve: Curve, reading: Reading) -> float:
    """What an estimator says of a run of which only `curve` was seen.

    Returns:
        Its value; +inf for a run that has diverged; NaN where it cannot be computed yet.

    Raises:
        ConfigError: no estimator has this name.
    """
    if name not in ESTIMATORS:
        raise ConfigError(f"estimator: no `{name}`. There are {', '.join(ESTIMATORS)}.")
    if curve.diverged:
        return math.inf
    if not curve.n_steps:
        return math.nan
    return ESTIMATORS[name].function(curve, reading)


def shared_source(curves: Sequence[Curve]) -> Source:
    """Validation losses where every finite run has one in the second half of what was seen, else training losses."""
    alive = [curve for curve in curves if not curve.diverged]
    fresh = [len(curve.validation_progress) and curve.validation_progress[-1] >= curve.seen / 2 for curve in alive]
    return "validation" if alive and all(fresh) else "train"


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan
