"""Successive halving (jamieson2016): at rungs that grow by eta in budget, one in eta of the runs goes on."""

import math
from dataclasses import dataclass

from chemscale.base.errors import ConfigError
from chemscale.tpe.policies.decision import Decision, Known, check_share, check_whole, keep_best


@dataclass(frozen=True)
class Halving:
    """At `first`, `first` eta, `first` eta^2, ... of the budget, the best ceil(n / eta^rung) of n runs go on.

    Attributes:
        eta: the factor in budget and in runs from rung to rung, > 1.
        first: the first rung as a share of the budget. A first rung of 4 % costs less and keeps the best less often.
        keep: at least so many go on.
        estimator: the score.
    """

    eta: float = 3.0
    first: float = 1 / 9
    keep: int = 1
    estimator: str = "window"

    def __post_init__(self) -> None:
        check_share("first", self.first)
        check_whole("keep", self.keep, 1)
        if not (math.isfinite(self.eta) and self.eta > 1):
            raise ConfigError(f"eta: expected a number greater than 1, for example 3, got {self.eta!r}")

    def places(self, total_epochs: float) -> tuple[float, ...]:
        """The rungs below the full budget."""
        n_rungs = math.ceil(-math.log(self.first) / math.log(self.eta) - 1e-9)
        return tuple(self.first * self.eta**rung for rung in range(n_rungs))

    def look_back(self, at: float) -> float | None:
        """None: only the scores of now count."""
        return None

    def decide(self, known: Known) -> tuple[Decision, ...]:
        """Keep one in eta, counted from the runs at the beginning."""
        rung = 1 + round(math.log(known.at / self.first) / math.log(self.eta))
        n_kept = max(self.keep, math.ceil(known.n_started / self.eta**rung - 1e-9))
        return keep_best(known, n_kept, f"the best {n_kept} pass rung {rung}")
