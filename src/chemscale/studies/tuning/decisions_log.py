"""`decisions.jsonl`: every decision of a tune with its reason, one JSON line each.

Decisions follow from the run folders alone. When a tune goes on, they are made again and compared with what is written
here, so that a changed folder is noticed and no run is trained past the epoch where it was stopped.
"""

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from chemscale.base.errors import DataError
from chemscale.base.files import finite, write_atomically

FILE_NAME = "decisions.jsonl"
Action = Literal["continue", "stop", "calibrate"]


@dataclass(frozen=True)
class TuneDecision:
    """What became of one run at one place of the budget.

    Attributes:
        run: its name.
        round: the round, from 1.
        action: continue; stop; or calibrate, for a stopped run that is finished all the same.
        place: share of the full budget.
        epoch: the same in epochs.
        step: the run's own step there.
        score: the estimator's value; None where it is not finite or there is none.
        threshold: the worst score that went on in this round; None where there is none.
        reason: in words.
        time: when it was made, in UTC.
    """

    run: str
    round: int
    action: Action
    place: float
    epoch: float
    step: int
    score: float | None
    threshold: float | None
    reason: str
    time: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dict(finite(dataclasses.asdict(self)))

    def follows_as(self, other: "TuneDecision") -> bool:
        """Whether it is the same decision, whenever it was made."""
        return dataclasses.replace(self, time="") == dataclasses.replace(other, time="")


class DecisionsLog:
    """The decisions file of one tune, always whole: it is replaced, not appended to."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._written = _read(self.path)

    @property
    def decisions(self) -> tuple[TuneDecision, ...]:
        """All decisions on disk, in the order in which they were made."""
        return tuple(self._written.values())

    def find(self, run: str, number: int, *, calibrate: bool = False) -> TuneDecision | None:
        """The decision on a run in a round, if it was made before."""
        return self._written.get((run, number, calibrate))

    def record(self, decisions: Sequence[TuneDecision]) -> None:
        """Write decisions that are new, and see that those made before come out the same.

        Raises:
            DataError: one does not.
        """
        new = []
        for decision in decisions:
            before = self._written.get(_key(decision))
            if before is None:
                new.append(dataclasses.replace(decision, time=_now()))
            elif not before.follows_as(decision):
                raise DataError(
                    f"{self.path}: round {decision.round} decided to {before.action} {decision.run} "
                    f"({before.reason}), but its folder now says: {decision.action} ({decision.reason}). A run folder "
                    "was changed. Use another --out, or delete decisions.jsonl to decide anew."
                )
        if new:
            self._written |= {_key(decision): decision for decision in new}
            lines = [json.dumps(decision.to_dict(), allow_nan=False) for decision in self._written.values()]
            write_atomically(self.path, "".join(line + "\n" for line in lines))

    def check_complete(self, decisions: Sequence[TuneDecision]) -> None:
        """See that nothing is written that was not decided.

        Raises:
            DataError: there is such a decision.
        """
        made = {_key(decision) for decision in decisions}
        for key, decision in self._written.items():
            if key not in made and decision.action != "calibrate":
                raise DataError(
                    f"{self.path}: has a decision on {decision.run} in round {decision.round} that does not follow "
                    "from the run folders. Use another --out, or delete decisions.jsonl to decide anew."
                )


def plain_score(value: float) -> float | None:
    """A score, or None where it is not finite."""
    return value if math.isfinite(value) else None


def _key(decision: TuneDecision) -> tuple[str, int, bool]:
    return decision.run, decision.round, decision.action == "calibrate"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read(path: Path) -> dict[tuple[str, int, bool], TuneDecision]:
    if not path.exists():
        return {}
    found = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            decision = TuneDecision(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{path}, line {number}: not a decision ({error}). Delete the file to decide anew from the run folders."
            ) from None
        found[_key(decision)] = decision
    return found
