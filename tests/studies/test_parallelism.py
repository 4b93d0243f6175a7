import math
from dataclasses import replace

import pytest

from chemscale.studies.devices import USABLE_MEMORY, Device
from chemscale.studies.parallelism import MOST_SHARDS, plan_parallelism
from chemscale.training.workload import MemoryNeed, Workload

# states of 60 bytes, 3 bytes an example
MEMORY = MemoryNeed(
    weights=15, gradients=15, optimiser=30, cast_weights=0, activations_per_example=3, held_data=0, largest_part=2
)
WORKLOAD = Workload(
    n_parameters=3,
    n_parameters_total=4,
    width=1,
    n_layers=1,
    data_points=10,
    batch_size=8,
    micro_batches=1,
    steps=10,
    labels=100,
    training_flops=1e3,
    validation_flops=0.0,
    validation_batches=0,
    memory=MEMORY,
)


def device(usable: float, count: int) -> Device:
    return Device("a100", count, math.ceil(usable / USABLE_MEMORY), {"float32": 1.0}, 1.0)


@pytest.mark.parametrize(
    ("usable", "count", "expected"),
    [
        # kind, devices, examples each, at a time, bytes, enough
        (84, 1, ("one device", 1, 8, 8, 84, True)),
        (83, 1, ("one device", 1, 8, 7, 81, True)),
        (65, 1, ("one device", 1, 8, 1, 63, True)),
        (72, 2, ("data parallel", 2, 4, 4, 72, True)),
        (71, 2, ("data parallel", 2, 4, 3, 69, True)),
        (200, 3, ("data parallel", 3, 3, 3, 69, True)),
        (200, 64, ("data parallel", 8, 1, 1, 63, True)),
        # half of the states, one part gathered with its gradient (4 bytes), and 4 examples
        (61, 2, ("sharded", 2, 4, 4, 46, True)),
        (61, 1, ("sharded", 2, 4, 4, 46, False)),
        (30, 1, ("sharded", 3, 3, 2, 30, False)),
        (30, 4, ("sharded", 4, 2, 2, 25, True)),
    ],
)
def test_a_run_is_spread_as_its_memory_asks(usable: float, count: int, expected: tuple[object, ...]) -> None:
    plan = plan_parallelism(WORKLOAD, device(usable, count))
    found = (plan.kind, plan.devices, plan.examples, plan.micro_batch, plan.memory, plan.enough)
    assert found == expected
    assert plan.memory <= usable
    assert plan.accumulate == -(-plan.examples // plan.micro_batch)


def test_what_never_fits_is_said() -> None:
    plan = plan_parallelism(WORKLOAD, device(6, 2))
    assert plan.kind == "too large"
    assert plan.devices == 2
    assert plan.memory == MEMORY.total(1, MOST_SHARDS)
    assert "however many" in str(plan)


def test_micro_batches_of_the_configuration_are_kept() -> None:
    plan = plan_parallelism(replace(WORKLOAD, micro_batches=4), device(1000, 1))
    assert (plan.micro_batch, plan.accumulate) == (2, 4)


def test_a_plan_reads_well() -> None:
    assert str(plan_parallelism(WORKLOAD, device(84, 1))) == "one device"
    assert str(plan_parallelism(WORKLOAD, device(71, 2))) == "data parallel over 2, 4 examples each, 3 at a time"
    assert str(plan_parallelism(WORKLOAD, device(200, 64))) == "data parallel over 8, 1 example each"
    assert str(plan_parallelism(WORKLOAD, device(61, 1))) == "sharded over 2, more than there are, 4 examples each"
