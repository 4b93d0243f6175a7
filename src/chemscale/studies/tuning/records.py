"""What a tune answers for each run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chemscale.base.files import finite

TunedStatus = Literal["finished", "calibration", "stopped", "diverged", "failed"]


@dataclass(frozen=True)
class TunedRun:
    """One run of a tune.

    Attributes:
        run: its name.
        settings: the varying keys and their values.
        status: finished (by the tune, or before it by a study in the same folder); calibration (stopped, and finished
            to calibrate predictions); stopped; diverged; failed.
        place: from 1, in the last ranking.
        epochs: that it was trained for.
        steps: the same in its own steps.
        score: the estimator's value where all runs stood; +inf diverged, NaN not scored.
        final: validation loss at the end of the budget; +inf diverged, None where it was not trained to the end.
        cooled: the same of its fork with a falling rate, None where it has none.
        reason: why it was stopped, or failed; empty where neither.
    """

    run: str
    settings: Mapping[str, Any]
    status: TunedStatus
    place: int
    epochs: float
    steps: int
    score: float
    final: float | None
    cooled: float | None
    reason: str

    @property
    def loss(self) -> float:
        """The best that it came to on the whole budget, with a falling rate or without; +inf where it did not."""
        return min((loss for loss in (self.cooled, self.final) if loss is not None), default=math.inf)

    @property
    def is_better_cooled(self) -> bool:
        """Whether its fork came to a lower loss than it did; in a short training a fall of the rate can cost more."""
        return self.cooled is not None and (self.final is None or self.cooled < self.final)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; None for what is not finite."""
        return dict(finite(vars(self) | {"settings": dict(self.settings)}))
