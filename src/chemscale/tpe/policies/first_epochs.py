"""The i-epoch baseline (egele2024): train every run for i epochs, and the one with the best validation loss to the end.

It has no parameter but i, and more elaborate rules often add little to it: the table always shows it.
"""

import math
from dataclasses import dataclass

from chemscale.base.errors import ConfigError
from chemscale.tpe.policies.decision import Decision, Known, check_whole, keep_best


@dataclass(frozen=True)
class FirstEpochs:
    """Train all for `epochs` epochs, go on with the `keep` best.

    Attributes:
        epochs: i; a fraction of an epoch where the whole budget is not more than that.
        keep: how many go on.
        estimator: the score.
    """

    epochs: float = 1.0
    keep: int = 1
    estimator: str = "last_validation"

    def __post_init__(self) -> None:
        check_whole("keep", self.keep, 1)
        if not (math.isfinite(self.epochs) and self.epochs > 0):
            raise ConfigError(f"epochs: expected a number greater than 0, got {self.epochs!r}")

    def places(self, total_epochs: float) -> tuple[float, ...]:
        """The end of epoch i; none where the budget is no longer than that."""
        return (self.epochs / total_epochs,) if self.epochs < total_epochs else ()

    def look_back(self, at: float) -> float | None:
        """None: only the scores of now count."""
        return None

    def decide(self, known: Known) -> tuple[Decision, ...]:
        """Keep the best."""
        return keep_best(known, self.keep, f"the best {self.keep} after {self.epochs:g} epochs go on")
