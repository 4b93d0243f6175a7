"""What a result was made with: versions and machine, for the record."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

RECORDED_PACKAGES = ("chemscale", "torch", "numpy", "rdkit", "selfies")


def describe_environment(device: torch.device) -> dict[str, str]:
    """Package versions, processor or GPU, and threads."""
    found = {name: _version(name) for name in RECORDED_PACKAGES}
    found["python"] = platform.python_version()
    found["device"] = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    found["threads"] = str(torch.get_num_threads())
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
