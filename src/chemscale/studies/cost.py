"""What a study costs before it is run: operations, memory, device-hours, and the parallelism it needs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from chemscale.studies.cost_text import cost_text
from chemscale.studies.devices import (
    FORWARD_SHARE,
    LAUNCH_SECONDS_PER_LAYER,
    MEASURED_UTILISATION,
    USABLE_MEMORY,
    Device,
    check_utilisation,
    device_peak,
    device_precision,
    utilisation,
)
from chemscale.studies.measured_speed import Speed, measure_speeds, run_precision
from chemscale.studies.parallelism import Parallelism, plan_parallelism
from chemscale.studies.run import RunConfig
from chemscale.studies.study import parse_study
from chemscale.training.workload import Workload

SECONDS_TO_MEASURE = 15.0
HARDLY_LONGER = 1.05


@dataclass(frozen=True)
class RunCost:
    """What one run costs on a device.

    Attributes:
        name: the run's name.
        workload: operations, steps and bytes in closed form.
        precision: of the products.
        utilisation: share of the peak that is assumed; None where the speed was measured.
        parallelism: how the run is spread.
        seconds: wall time, evaluations included.
        evaluation_seconds: of these, for evaluations.
        extrapolated: whether `seconds` follow from the speed of a smaller model (this machine only).
    """

    name: str
    workload: Workload
    precision: str
    utilisation: float | None
    parallelism: Parallelism
    seconds: float
    evaluation_seconds: float
    extrapolated: bool = False

    @property
    def device_hours(self) -> float:
        """Wall hours times the devices it takes."""
        return self.seconds * self.parallelism.devices / 3600

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {
            "device_hours": self.device_hours,
            "memory_bytes_per_device": self.parallelism.memory,
            "needs": str(self.parallelism),
        }


@dataclass(frozen=True)
class StudyCost:
    """What a study costs.

    Attributes:
        title: of the study.
        device: what it is priced on.
        runs: every run of the grid, in its order.
        assumptions: what the numbers rest on.
    """

    title: str
    device: Device
    runs: tuple[RunCost, ...]
    assumptions: tuple[str, ...]

    @property
    def training_flops(self) -> float:
        """Of all runs, evaluations not included: the sum of what the run records will state."""
        return sum(run.workload.training_flops for run in self.runs)

    @property
    def validation_flops(self) -> float:
        """Of all evaluations of all runs."""
        return sum(run.workload.validation_flops for run in self.runs)

    @property
    def device_hours(self) -> float:
        """Of all runs."""
        return sum(run.device_hours for run in self.runs)

    @property
    def wall_hours(self) -> float:
        """Where all runs follow one another on the device."""
        return sum(run.seconds for run in self.runs) / 3600

    @property
    def biggest(self) -> RunCost:
        """The run that takes longest."""
        return max(self.runs, key=lambda run: run.seconds)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "title": self.title,
            "device": str(self.device),
            "training_flops": self.training_flops,
            "validation_flops": self.validation_flops,
            "device_hours": self.device_hours,
            "wall_hours": self.wall_hours,
            "biggest": self.biggest.name,
            "runs": [run.to_dict() for run in self.runs],
            "assumptions": list(self.assumptions),
        }

    def __str__(self) -> str:
        """A table with one line per model size, the totals, and what they rest on."""
        return cost_text(self)


def study_cost(
    values: Mapping[str, Any],
    device: Device,
    *,
    utilisation_share: float | None = None,
    seconds_to_measure: float = SECONDS_TO_MEASURE,
) -> StudyCost:
    """Price a study without running, downloading or preparing anything.

    Args:
        values: plain values of a study or run file, overrides applied.
        device: what to price it on (`parse_device`); on `this`, a few steps of every model are timed.
        utilisation_share: share of the device's peak to reckon with, for all sizes; None takes `utilisation`, which
            depends on the width.
        seconds_to_measure: about how long to measure on `this`.

    Raises:
        ConfigError: a wrong key or value, or a share that is none.
        DataError: the data cannot give what is asked for, or nothing is known of it.
    """
    if utilisation_share is not None:
        check_utilisation(utilisation_share, device)
    study = parse_study(values)
    if device.is_measured:
        costs = _measured_costs(study.runs, device, seconds_to_measure)
    else:
        costs = [_cost(run, device, utilisation_share) for run in study.runs]
    return StudyCost(study.header.title, device, tuple(costs), _assumptions(costs, device, utilisation_share))


def _cost(run: RunConfig, device: Device, share: float | None) -> RunCost:
    """On all devices, or on one where that takes hardly longer, as with small models, which wait for launches."""
    precision = device_precision(device, run.training.precision)
    workload = run.world.workload(run, precision)
    spread = _cost_on(run, workload, device, precision, share)
    alone = _cost_on(run, workload, replace(device, count=1), precision, share)
    hardly_longer = alone.seconds <= HARDLY_LONGER * spread.seconds
    return alone if alone.parallelism.enough and hardly_longer else spread


def _cost_on(run: RunConfig, workload: Workload, device: Device, precision: str, share: float | None) -> RunCost:
    parallelism = plan_parallelism(workload, device)
    used = share if share is not None else utilisation(device, precision, workload.width)
    rate = used * device_peak(device, precision)
    launch = LAUNCH_SECONDS_PER_LAYER * workload.n_layers if share is None else 0.0
    # the device with most examples sets the pace of a step
    split = parallelism.examples / workload.batch_size
    step = max(workload.training_flops / workload.steps * split / rate, launch * parallelism.accumulate)
    evaluation = max(
        workload.validation_flops / rate,
        launch * FORWARD_SHARE * workload.validation_batches,
    )
    evaluation /= parallelism.devices
    seconds = workload.steps * step + evaluation
    return RunCost(run.name(), workload, precision, used, parallelism, seconds, evaluation)


def _measured_costs(runs: Sequence[RunConfig], device: Device, seconds: float) -> list[RunCost]:
    workloads = [run.world.workload(run, run_precision(run)) for run in runs]
    keys = [_rehearsal_key(run) for run in runs]
    first = {key: position for position, key in reversed(list(enumerate(keys)))}
    measured = measure_speeds([(runs[position], workloads[position]) for position in first.values()], seconds)
    speeds = dict(zip(first, measured, strict=True))
    return [
        _measured_cost(run, workload, device, speeds[key])
        for run, workload, key in zip(runs, workloads, keys, strict=True)
    ]


def _rehearsal_key(run: RunConfig) -> str:
    """What a step's time depends on: runs that differ in data size or seed alone share a measurement."""
    return repr((run.family, run.model, run.data.model_copy(update={"size": "all"}), run.training, run.placement))


def _measured_cost(run: RunConfig, workload: Workload, device: Device, speed: Speed) -> RunCost:
    evaluation = workload.validation_flops / speed.flops_per_second
    seconds = workload.training_flops / speed.flops_per_second + evaluation
    parallelism = plan_parallelism(workload, device)
    return RunCost(run.name(), workload, run_precision(run), None, parallelism, seconds, evaluation, not speed.measured)


def _assumptions(costs: Sequence[RunCost], device: Device, share: float | None) -> tuple[str, ...]:
    """What the numbers rest on, the same sentence once."""
    notes = [note for cost in costs for note in cost.workload.assumptions]
    notes.append(
        f"{USABLE_MEMORY:.0%} of {device.memory / 1e9:.0f} GB can be used; weights, gradients, Adam's moments and "
        "activations of the longest sequences are summed"
    )
    if device.is_measured:
        notes.append(
            "seconds: a few steps of every model were timed; whole runs were seen to take up to a third longer"
        )
        notes.append("memory: the program itself takes a gigabyte or two more")
        if any(cost.extrapolated for cost in costs):
            notes.append("models marked ~ were too large to time; they have the largest timed model's FLOP/s")
    else:
        notes += _speed_assumptions(costs, device, share)
    if any(cost.parallelism.devices > 1 for cost in costs):
        notes.append("the exchange between devices is not counted")
    notes.append("every run spends its whole budget; preparing data, starting up and checkpoints are not counted")
    return tuple(dict.fromkeys(notes))


def _speed_assumptions(costs: Sequence[RunCost], device: Device, share: float | None) -> list[str]:
    precisions = sorted({cost.precision for cost in costs})
    peaks = " and ".join(f"{device_peak(device, name) / 1e12:.4g} TFLOP/s in {name}" for name in precisions)
    notes = [f"peak of one {device.name}: {peaks}"]
    if "bfloat16" not in device.peak_flops:
        notes.append(f"a {device.name} has no bfloat16 products, and training here has no float16: counted as float32")
    if share is not None:
        return [*notes, f"utilisation {share:g} at every size, as given; time to launch kernels is not counted"]
    if device.name in MEASURED_UTILISATION:
        notes.append("utilisation: measured, interpolated between widths")
    else:
        notes.append(
            "utilisation: not measured, a model of the width w (0.6 w / (w + w_half)); yours may differ twofold"
        )
    notes.append(f"a layer takes at least {LAUNCH_SECONDS_PER_LAYER * 1e3:.1f} ms of a step to be launched")
    return notes
