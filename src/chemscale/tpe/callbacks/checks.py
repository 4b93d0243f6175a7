"""When a run in training is looked at: as soon as it passes a place of the policy, and then again and again.

A run that went on at a place is judged there once more when other runs have reached it too. The answer depends on the
progress alone, so that all processes of a distributed run look at the same steps.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass, field

from chemscale.base.errors import ConfigError
from chemscale.tpe.curve import SAME_PLACE
from chemscale.tpe.policies.decision import Policy

SHARE_BETWEEN_LOOKS = 0.02  # of the full budget


@dataclass
class Checks:
    """The looks at one run.

    Attributes:
        policy: whose places count; None never looks.
        total_epochs: the full budget.
    """

    policy: Policy | None
    total_epochs: float | None
    _places: tuple[float, ...] = field(default=(), init=False)
    _last: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        total = self.total_epochs
        if self.policy is None:
            return
        if total is None:
            raise ConfigError("total_epochs: a policy needs the full budget of a run in epochs, for example 20")
        if not (math.isfinite(total) and total > 0):
            raise ConfigError(f"total_epochs: expected a number greater than 0, got {total!r}")
        self._places = tuple(at * total - SAME_PLACE for at in self.policy.places(total))

    def due(self, progress: float) -> bool:
        """Whether to look now, at `progress` epochs completed; a look that is due is taken as done."""
        if self.policy is None or self.total_epochs is None:
            return False
        passed = bisect_right(self._places, progress) > bisect_right(self._places, self._last)
        if not passed and progress - self._last < SHARE_BETWEEN_LOOKS * self.total_epochs - SAME_PLACE:
            return False
        self._last = progress
        return True
