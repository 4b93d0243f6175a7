"""Settings and numbers in few characters."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from chemscale.report.axes import short
from chemscale.tpe.ties import SEED_NAMES

DOT = " · "


def plain_setting(name: str) -> str:
    """A setting's name for people: training.learning_rate -> learning rate."""
    return name.rpartition(".")[2].replace("_", " ")


def is_seed(name: str) -> bool:
    """Whether a setting only repeats a configuration."""
    return name.lower().rpartition(".")[2] in SEED_NAMES


def number_of(value: Any) -> float:
    """A setting's value as a number; NaN where it is none."""
    if isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def value_text(value: Any) -> str:
    """A setting's value: 0.0003 stays 0.0003, "1e-05" becomes 1e-05, 50000 becomes 50k."""
    number = number_of(value)
    if math.isnan(number):
        return str(value)
    return f"{number:g}" if abs(number) < 10000 else short(number)


def varying(settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Names of the settings that are not alike in all runs, in the order given, seeds last."""
    names = list(dict.fromkeys(name for values in settings.values() for name in values))
    found = [name for name in names if len({value_text(values.get(name, "")) for values in settings.values()}) > 1]
    return sorted(found, key=is_seed)


def run_labels(runs: Sequence[str], settings: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> dict[str, str]:
    """Run -> its varying settings, such as `0.001 · 64 · 0`; its name where these do not tell the runs apart."""
    labels = {run: DOT.join(value_text(settings.get(run, {}).get(name, "–")) for name in names) for run in runs}
    return labels if names and len(set(labels.values())) == len(labels) else {run: run for run in runs}


def configuration_text(settings: Mapping[str, Any], names: Sequence[str]) -> str:
    """The settings `names` that are no seed, such as `learning rate 0.001, batch size 64`."""
    shown = [name for name in names if not is_seed(name) and name in settings]
    return ", ".join(f"{plain_setting(name)} {value_text(settings[name])}" for name in shown)


def percent(share: float) -> str:
    """A share as percent: 0.2 -> 20 %, 0.1111 -> 11 %."""
    return f"{100 * share:.2g} %" if abs(share) < 0.995 else f"{100 * share:.0f} %"
