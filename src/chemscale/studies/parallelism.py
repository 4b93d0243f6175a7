"""Over how many devices a run has to be spread, and in which way."""

from dataclasses import dataclass
from typing import Literal

from chemscale.studies.devices import USABLE_MEMORY, Device
from chemscale.training.workload import Workload

Kind = Literal["one device", "data parallel", "sharded", "too large"]
MOST_SHARDS = 4096


@dataclass(frozen=True)
class Parallelism:
    """How a run is spread.

    Attributes:
        kind: one device, data parallel (each has the whole model), sharded (FSDP: each has a part of it), or too
            large, where not even one example fits beside a sharded model.
        devices: devices it takes; more than there are where a sharded run needs them (where it is too large: those
            that there are).
        examples: examples of a step on each device, at most.
        micro_batch: examples computed at a time on each device.
        memory: bytes on each device (where it is too large: those it would take).
        enough: whether there are as many devices as it takes.
    """

    kind: Kind
    devices: int
    examples: int
    micro_batch: int
    memory: int
    enough: bool

    @property
    def accumulate(self) -> int:
        """Micro-batches of a step on each device."""
        return -(-self.examples // self.micro_batch)

    def __str__(self) -> str:
        """A few words, for example `data parallel over 2, 4 examples each, 2 at a time`."""
        if self.kind == "too large":
            return "too large: one example does not fit, however many devices share the model"
        at_a_time = f", {self.micro_batch} at a time" if self.micro_batch < self.examples else ""
        if self.kind == "one device":
            return f"one device{at_a_time}"
        each = "1 example" if self.examples == 1 else f"{self.examples} examples"
        missing = "" if self.enough else ", more than there are"
        return f"{self.kind} over {self.devices}{missing}, {each} each{at_a_time}"


def plan_parallelism(workload: Workload, device: Device) -> Parallelism:
    """The simplest way to hold a run: all devices with a whole copy each, smaller micro-batches, then shards.

    A batch is split over all the devices there are, as far as it has examples. Where a part of it does not fit into
    the memory at once, it is cut into micro-batches; where not even one example fits beside weights, gradients and
    optimiser state, these are sharded over as few devices as hold them, or over all there are if that is more.
    """
    devices = min(device.count, workload.batch_size)
    whole = _micro_batch(workload, device, devices, shards=1)
    if whole:
        return _spread(workload, device, devices, whole, "data parallel" if devices > 1 else "one device")
    for shards in range(2, MOST_SHARDS + 1):
        if shards >= device.count and (fitting := _micro_batch(workload, device, shards, shards)):
            return _spread(workload, device, shards, fitting, "sharded")
    need = workload.memory.total(1, MOST_SHARDS)
    return Parallelism("too large", devices, -(-workload.batch_size // devices), 1, need, enough=False)


def _micro_batch(workload: Workload, device: Device, devices: int, shards: int) -> int:
    """Examples that fit at a time on each device, 0 where none does."""
    free = USABLE_MEMORY * device.memory - workload.memory.total(0, shards)
    asked = -(-workload.batch_size // devices)
    asked = -(-asked // workload.micro_batches)
    return int(max(0, min(asked, free // workload.memory.activations_per_example)))


def _spread(workload: Workload, device: Device, devices: int, micro_batch: int, kind: Kind) -> Parallelism:
    shards = devices if kind == "sharded" else 1
    examples = -(-workload.batch_size // devices)
    memory = workload.memory.total(micro_batch, shards)
    return Parallelism(kind, devices, examples, micro_batch, memory, enough=devices <= device.count)
