"""A tune of several families: a tune of its own for each.

Losses of two families at an early epoch do not say which of their configurations are good: one family may start fast
and end high. So every family is searched, stopped and ranked by itself, in a folder of its own.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chemscale.base.errors import ConfigError
from chemscale.studies.study import parse_study
from chemscale.studies.tuning.config import check_comparable, check_tune
from chemscale.studies.tuning.outcome import TuneOutcome

FAMILY = "family"


@dataclass(frozen=True, eq=False)
class FamilyTunesOutcome:
    """What the tunes of several families found.

    Attributes:
        outcomes: family -> its own outcome.
    """

    outcomes: Mapping[str, TuneOutcome]

    @property
    def best(self) -> str | None:
        """The best runs, one of every family that has one; None where none has."""
        found = [outcome.best for outcome in self.outcomes.values() if outcome.best]
        return ", ".join(found) or None

    def __str__(self) -> str:
        return "\n\n\n".join(f"FAMILY {family}\n{outcome}" for family, outcome in self.outcomes.items())

    def to_dict(self) -> dict[str, Any]:
        """The outcomes as plain JSON types, by family."""
        return {"families": {family: outcome.to_dict() for family, outcome in self.outcomes.items()}}


def values_by_family(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """One study file's values per family of its grid, all checked; empty where the family does not vary.

    Raises:
        ConfigError: a wrong key or value in any of them, or runs of one that cannot be compared.
    """
    grid = values.get("grid", {})
    families = grid.get(FAMILY, []) if isinstance(grid, Mapping) else []
    if not isinstance(families, list) or len(families) < 2:
        return {}
    if len(set(map(str, families))) < len(families):
        raise ConfigError(f"grid.family: a family stands twice in {families}")
    found = {}
    for family in families:
        mine = copy.deepcopy(dict(values))
        mine["grid"][FAMILY] = [family]
        found[str(family)] = mine
        check_comparable(parse_study(mine).runs, check_tune(mine.get("tune", {})))
    return found
