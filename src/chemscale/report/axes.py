"""Axis titles, tick values and short numbers."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

ALL_RUNS = "all runs"

TITLES = {
    "n_parameters": "non-embedding parameters",
    "n_parameters_total": "parameters",
    "capacity": "capacity (depth x width)",
    "data_points": "training {data_unit}",
    "tokens": "training tokens",
    "tokens_seen": "tokens seen",
    "training_flops": "training FLOPs",
    "seconds": "training time (seconds)",
    "cpu_seconds": "training time (processor seconds)",
    "peak_memory_bytes": "peak memory (bytes)",
    "step": "optimiser step",
    "epoch": "epoch",
    "validation_loss": "validation loss",
    "final_validation_loss": "validation loss at the end",
    "train_loss": "training loss",
    "seen_loss": "loss on random frames",
    "loss_ratio": "ratio of the losses",
    "force_mae": "error of forces (meV/Å)",
    "seen_force_mae": "error of forces on random frames (meV/Å)",
}
# d3's "G" is 10^9, and model and data sizes are read as billions; its "m" for 0.001 would be read as millions.
TICK_LABEL = "datum.value < 1 ? format(datum.value, '~g') : replace(format(datum.value, '~s'), 'G', 'B')"
_NICE_STEPS = (1, 2, 2.5, 5, 10)


def title_of(column: str, data_unit: str = "molecules", loss_unit: str = "") -> str:
    """The axis title of a column, with its unit where it has one."""
    title = TITLES.get(column, column).format(data_unit=data_unit)
    return f"{title} ({loss_unit})" if column.endswith("loss") and loss_unit else title


def short(value: float, digits: int = 3) -> str:
    """A number for people: 77600 -> 77.6k, 1208455168 -> 1.21B, 0.5 -> 0.5, 2.4e16 -> 2.4e16."""
    if not math.isfinite(value):
        return "–"
    value = float(f"{value:.{digits}g}")
    size = abs(value)
    for limit, letter in ((1e15, ""), (1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= limit:
            return f"{value:.{digits}g}".replace("e+", "e") if not letter else f"{value / limit:.{digits}g}{letter}"
    return f"{value:.{digits}g}"


def group_labels(values: Iterable[Any]) -> dict[Any, str]:
    """Value -> label in ascending order; numbers are short, and as long as it takes to tell them apart."""
    found = set(values)
    if not all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in found):
        names = {value: str(value) for value in sorted(found, key=str)}
        return names if len(set(names.values())) == len(names) else {value: repr(value) for value in names}
    ordered = sorted(found)
    for digits in range(3, 16):
        labels = {value: short(float(value), digits) for value in ordered}
        if len(set(labels.values())) == len(ordered):
            return labels
    return {value: repr(value) for value in ordered}


def log_ticks(low: float, high: float) -> list[float]:
    """Tick values of a log axis from `low` to `high`: powers of ten, then 1-2-5, then even steps as it gets shorter."""
    decades = math.log10(high / low)
    if decades < 0.8:
        return _even_ticks(low, high)
    factors = (1.0,) if decades > 3.5 else (1.0, 3.0) if decades > 1.8 else (1.0, 2.0, 5.0)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = max(1, round(decades / 8))
    ticks = [factor * 10.0**power for power in powers if power % every == 0 for factor in factors]
    return [tick for tick in ticks if low <= tick <= high]


def padded(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """A log range with a margin of `share` of its length at both ends, and at least 3 % of the value."""
    margin = max((high / low) ** share, 1.03)
    return low / margin, high * margin


def _even_ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in _NICE_STEPS if nice * power >= rough)
    first = math.ceil(low / step)
    return [float(f"{tick:.10g}") for tick in np.arange(first, math.floor(high / step) + 1) * step]
