"""The processor: which kind it is, for what is measured or compiled once per kind, and its cores."""

import functools
import os
import platform
from pathlib import Path


@functools.cache
def processor_features() -> str:
    """One text for each kind of processor: machine, model and instruction sets, the same in every process on it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(errors="replace").splitlines() if information.exists() else []
    kinds = ("flags", "Features", "model name", "CPU implementer", "CPU part", "isa")
    features = {line for line in lines if line.split(":")[0].strip() in kinds}
    return "\n".join((platform.machine(), platform.processor(), *sorted(features)))


def available_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
