"""Devices a study can be priced on, and how much of one a model of a given width really uses.

Peaks are for dense products, from the makers' data sheets of the SXM versions. Training here multiplies in bfloat16
where the device has it and in float32 elsewhere, so the V100, whose tensor cores know float16 alone, counts with its
float32 peak (15.7 TFLOP/s) and not with the 125 TFLOP/s that float16 would give.
"""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from chemscale.base.config import nearest
from chemscale.base.errors import ConfigError

# How much of the peak a very wide model reaches, and how many bytes a layer moves per floating-point operation times
# width: an eager training step moves about 312 bytes per token and channel besides its products, which are 72 width.
LARGEST_UTILISATION = 0.6
BYTES_PER_CHANNEL, FLOPS_PER_SQUARED_CHANNEL = 312.0, 72.0
# A step cannot be shorter than the time in which the host launches its kernels: on an H200's host 35 to 42 ms for 24
# layers, whatever the width, at 4,096 tokens a step (benchmarks/results/2026-11-20.md).
LAUNCH_SECONDS_PER_LAYER = 1.6e-3
FORWARD_SHARE = 1 / 3
USABLE_MEMORY = 0.95

# Measured shares of the bfloat16 peak below, {device: {width: share}}: the TFLOP/s of benchmarks/gpu_utilisation.py
# (24 layers, 65,536 tokens a step, without torch.compile) divided by `peak_flops`. A device that stands here is
# interpolated, and the model above is not used for it.
MEASURED_UTILISATION: Mapping[str, Mapping[int, float]] = MappingProxyType(
    {
        "h200": MappingProxyType(
            {16: 0.0005, 32: 0.0011, 64: 0.0032, 128: 0.028, 256: 0.082, 512: 0.199, 1024: 0.364, 2048: 0.482}
        )
    }
)


@dataclass(frozen=True)
class Device:
    """A kind of device and how many of it.

    Attributes:
        name: `v100`, `a100-80` ...; `this` is the machine at hand, whose speed is measured.
        count: how many there are.
        memory: bytes of each.
        peak_flops: floating-point operations a second by precision; empty for `this`.
        bandwidth: bytes a second between memory and processor; 0 for `this`.
    """

    name: str
    count: int
    memory: int
    peak_flops: Mapping[str, float] = field(default_factory=dict)
    bandwidth: float = 0.0

    @property
    def is_measured(self) -> bool:
        """Whether seconds have to be measured, because it is the machine at hand."""
        return not self.peak_flops

    def __str__(self) -> str:
        """The name as it is parsed, for example `v100x2`."""
        return self.name if self.count == 1 else f"{self.name}x{self.count}"


def _gpu(name: str, gigabytes: int, bandwidth: float, **teraflops: float) -> Device:
    peaks = MappingProxyType({precision: value * 1e12 for precision, value in teraflops.items()})
    return Device(name, 1, gigabytes * 10**9, peaks, bandwidth)


DEVICES: Mapping[str, Device] = MappingProxyType(
    {
        device.name: device
        for device in (
            _gpu("v100-16", 16, 0.900e12, float32=15.7),
            _gpu("v100", 32, 0.900e12, float32=15.7),
            _gpu("a100", 40, 1.555e12, float32=19.5, bfloat16=312.0),
            _gpu("a100-80", 80, 2.039e12, float32=19.5, bfloat16=312.0),
            _gpu("h100", 80, 3.35e12, float32=67.0, bfloat16=989.0),
            _gpu("h200", 141, 4.8e12, float32=67.0, bfloat16=989.0),
        )
    }
)
ALIASES = MappingProxyType({"v100-32": "v100", "a100-40": "a100", "h100-80": "h100", "h200-141": "h200", "cpu": "this"})
THIS = "this"


def parse_device(text: str) -> Device:
    """The device that a text such as `v100x2`, `a100-80` or `this` names; letter case does not matter.

    Raises:
        ConfigError: there is no such device, or the number after `x` is none; the nearest names are given.
    """
    name, _, number = text.strip().lower().rpartition("x")
    if not (name and re.fullmatch("[0-9]+", number)):
        name, number = text.strip().lower(), "1"
    name, count = ALIASES.get(name, name), int(number)
    if count < 1:
        raise ConfigError(f"device: {text!r} is no device at all; give a number from 1 after the x, for example v100x2")
    if name == THIS:
        if count > 1:
            raise ConfigError(f"device: {text!r}; this is one machine, so leave x{count} out")
        return Device(THIS, 1, machine_memory())
    if name not in DEVICES:
        known = [*DEVICES, THIS]
        raise ConfigError(f"device: {text!r} is not known{nearest(name, known)}; with a number of them: v100x2")
    device = DEVICES[name]
    return Device(name, count, device.memory, device.peak_flops, device.bandwidth)


def device_precision(device: Device, requested: str) -> str:
    """`float32` or `bfloat16` for a run with `training.precision` as requested; `auto` takes bfloat16 where it is."""
    if requested != "auto":
        return requested
    return "bfloat16" if "bfloat16" in device.peak_flops else "float32"


def device_peak(device: Device, precision: str) -> float:
    """Peak of one device, FLOP/s; a precision that it lacks is computed at the float32 peak."""
    return device.peak_flops.get(precision, device.peak_flops["float32"])


def half_width(device: Device, precision: str) -> float:
    """The width at which half of `LARGEST_UTILISATION` is reached: where moving activations takes as long as products.

    w_half = (bytes moved per channel / FLOPs per squared channel) (peak / bandwidth), the ridge point of the roofline
    model (Williams et al. 2009).
    """
    return BYTES_PER_CHANNEL / FLOPS_PER_SQUARED_CHANNEL * device_peak(device, precision) / device.bandwidth


def check_utilisation(share: float, device: Device) -> None:
    """Refuse a share of the peak that is none, or one for the machine at hand, which is measured.

    Raises:
        ConfigError: either of them.
    """
    if device.is_measured:
        raise ConfigError("utilisation: this machine is measured, so leave it out")
    if not 0 < share <= 1:
        raise ConfigError(f"utilisation: {share:g} is no share of a peak; give a number above 0, up to 1, such as 0.4")


@dataclass(frozen=True)
class DeviceSpeed:
    """What a device is reckoned to compute, for a budget in device-hours.

    Attributes:
        device: of which a budget buys hours; a device-hour is one hour of one of them.
        precision: of the products.
        share: of the peak that training reaches.
        is_given: whether the share was given; else it is half of what very wide models reach.
    """

    device: Device
    precision: str
    share: float
    is_given: bool

    @property
    def flops_per_hour(self) -> float:
        """Floating-point operations in one hour of one device, however many there are."""
        return device_peak(self.device, self.precision) * self.share * 3600

    def __str__(self) -> str:
        stated = "as given" if self.is_given else "an assumption; small models reach far less, see --utilisation"
        return (
            f"one hour of one {self.device.name} is {self.flops_per_hour:.3g} FLOPs, at {self.share:.3g} of its "
            f"{self.precision} peak ({stated})"
        )


def device_speed(text: str, share: float | None = None) -> DeviceSpeed:
    """The speed of the device that a text names, see `parse_device`.

    Args:
        text: such as `a100x4`.
        share: of the peak that training reaches; None takes half of `LARGEST_UTILISATION`.

    Raises:
        ConfigError: no such device, no such share, or the machine at hand, whose peak is not known.
    """
    device = parse_device(text)
    if device.is_measured:
        raise ConfigError(
            "device: the peak of this machine is not known; give the budget in the seconds or FLOPs of a --cost column"
        )
    if share is not None:
        check_utilisation(share, device)
    used = LARGEST_UTILISATION / 2 if share is None else share
    return DeviceSpeed(device, device_precision(device, "auto"), used, share is not None)


def utilisation(device: Device, precision: str, width: int) -> float:
    """The share of the device's peak that training a model of this width is assumed to reach.

    u = u_max w / (w + w_half): products grow with w^2 and the bytes between them with w. Where the device has been
    measured, its table is interpolated in log w, proportional to w below it and constant above it.
    """
    measured = MEASURED_UTILISATION.get(device.name)
    if measured and precision == "bfloat16":
        return _interpolated(measured, width)
    return LARGEST_UTILISATION * width / (width + half_width(device, precision))


def _interpolated(measured: Mapping[int, float], width: int) -> float:
    widths = sorted(measured)
    if width <= widths[0]:
        return measured[widths[0]] * width / widths[0]
    if width >= widths[-1]:
        return measured[widths[-1]]
    above = next(index for index, known in enumerate(widths) if known >= width)
    low, high = widths[above - 1], widths[above]
    share = math.log(width / low) / math.log(high / low)
    return math.exp((1 - share) * math.log(measured[low]) + share * math.log(measured[high]))


def machine_memory() -> int:
    """Bytes of memory that this machine, or the container it is seen from, has."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.exists() else "max"
    return min(total, int(text)) if text.isdigit() else total
