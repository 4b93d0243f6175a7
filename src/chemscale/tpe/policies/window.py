"""Keep the k best at one place of the budget: the paper's rule (frey2023 keeps by TSE), here by the window estimate."""

from dataclasses import dataclass

from chemscale.tpe.policies.decision import Decision, Known, check_share, check_whole, keep_best


@dataclass(frozen=True)
class KeepBest:
    """Train all to `share` of the budget, go on with the `keep` best.

    Attributes:
        share: where it decides.
        keep: how many go on.
        estimator: the score; "sum" with `keep` = 1 is the paper's rule.
    """

    share: float = 0.2
    keep: int = 3
    estimator: str = "window"

    def __post_init__(self) -> None:
        check_share("share", self.share)
        check_whole("keep", self.keep, 1)

    def places(self, total_epochs: float) -> tuple[float, ...]:
        """The one place where it decides."""
        return (self.share,)

    def look_back(self, at: float) -> float | None:
        """None: only the scores of now count."""
        return None

    def decide(self, known: Known) -> tuple[Decision, ...]:
        """Keep the best."""
        return keep_best(known, self.keep, f"the best {self.keep} go on")
