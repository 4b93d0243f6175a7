"""How much of each run an estimate may see: the same number of epochs, so the same number of examples, for all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chemscale.base.errors import ConfigError, DataError
from chemscale.tpe.curve import SAME_PLACE, Curve


@dataclass(frozen=True)
class Budget:
    """The budget of an estimate.

    Attributes:
        epochs: what is seen of every run.
        total_epochs: the full budget.
    """

    epochs: float
    total_epochs: float

    @property
    def fraction(self) -> float:
        """Share of the full budget that is seen."""
        return self.epochs / self.total_epochs


def choose_budget(
    curves: Sequence[Curve], epochs: float | None, fraction: float | None, total_epochs: float | None
) -> Budget:
    """The budget asked for; without one, what all runs that did not diverge have seen, in whole epochs.

    Args:
        curves: the runs.
        epochs: what may be seen, in epochs; or
        fraction: what may be seen, as a share of `total_epochs`.
        total_epochs: the full budget; the longest run's where absent.

    Raises:
        ConfigError: both or a value out of its bounds.
        DataError: no curves at all.
    """
    if not curves:
        raise DataError("estimate: no curves")
    if epochs is not None and fraction is not None:
        raise ConfigError(f"epochs and fraction: give one of them, got {epochs:g} and {fraction:g}")
    if fraction is not None and not 0 < fraction <= 1:
        raise ConfigError(f"fraction: expected a share of the full budget, 0 < fraction <= 1, got {fraction:g}")
    for name, value in (("epochs", epochs), ("total_epochs", total_epochs)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ConfigError(f"{name}: expected a number greater than 0, got {value!r}")
    alive = [curve.seen for curve in curves if not curve.diverged]
    longest = max(alive or [curve.seen for curve in curves])
    total = total_epochs or longest
    if epochs is not None and epochs >= total + 1:
        raise ConfigError(
            f"epochs: {epochs:g} are more than the full budget of {total:g}; what may be seen is a part of it"
        )
    if fraction is not None:
        return Budget(fraction * total, total)
    if epochs is None:
        common = min(alive or [longest])
        epochs = math.floor(common + SAME_PLACE) if common >= 1 else common
    return Budget(float(epochs), max(total, float(epochs)) if total_epochs is None else total)
