"""Variants measured in turns, and their ratios: what all benchmarks here have in common.

What else a machine does makes a number of one minute and a number of the next incomparable. So all variants take turns
in every round, in reversed order in every second one, and ratios are taken within a round, before the median.
"""

import datetime
import os
import statistics
from collections.abc import Callable, Mapping, Sequence

import torch

from chemscale.base.processor import available_cores
from chemscale.training.environment import describe_environment

Times = dict[str, list[float]]


def machine_line(device: str = "cpu", **more: object) -> str:
    """Date, processor, cores, load and versions, as the first line of a result."""
    found = describe_environment(torch.device(device))
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    parts = [f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC", found["device"]]
    parts += [f"{available_cores()} cores", load, f"chemscale {found['chemscale']}", f"torch {found['torch']}"]
    return ", ".join(parts + [f"{name.replace('_', ' ')} {value}" for name, value in more.items()])


def take_turns(variants: Mapping[str, Callable[[], float]], rounds: int, warm_up: int = 1) -> Times:
    """Call every variant once a round.

    Args:
        variants: by name; each does its work and returns what it measured.
        rounds: rounds that count.
        warm_up: rounds before them, which do not.

    Returns:
        What each variant measured, in the order of the rounds [rounds].
    """
    measured: Times = {name: [] for name in variants}
    for round_number in range(-warm_up, rounds):
        names = list(variants) if round_number % 2 == 0 else list(reversed(variants))
        for name in names:
            value = variants[name]()
            if round_number >= 0:
                measured[name].append(value)
    return measured


def median_ratio(values: Sequence[float], reference: Sequence[float]) -> float:
    """The median over rounds of value by reference."""
    return statistics.median(a / b for a, b in zip(values, reference, strict=True))


def spread(values: Sequence[float], digits: int = 0) -> str:
    """`median (lowest, highest)`."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f}, {high:,.{digits}f})"
