"""A study's cost as text: a line per model size, totals, assumptions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chemscale.studies.cost import RunCost, StudyCost

HEADER = ("parameters", "with emb.", "runs", "FLOPs", "GB", "used", "device-hours", "needs")


def cost_text(cost: "StudyCost") -> str:
    """The table, the totals, and what they rest on, one fact a line."""
    rows = [HEADER, *(_row(group) for group in _by_model(cost.runs))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    table = ["  ".join(cell.rjust(width) for cell, width in zip(row[:-1], widths, strict=False)) for row in rows]
    lines = [f"{line}  {row[-1]}" for line, row in zip(table, rows, strict=True)]
    return "\n".join([f"{cost.title}, on {cost.device}", "", *lines, "", *_totals(cost), "", *_notes(cost)])


def readable_time(hours: float) -> str:
    """Hours in the unit that suits them, for example `12 s`, `3.4 h` or `21 days`."""
    for unit, size in (("years", 8760.0), ("days", 24.0), ("h", 1.0), ("min", 1 / 60)):
        if hours >= 2 * size or (unit == "h" and hours >= size):
            return f"{hours / size:.3g} {unit}"
    return f"{hours * 3600:.3g} s"


def readable_count(count: float) -> str:
    """A count with k, M or B, for example `4.75M`."""
    for limit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= limit:
            return f"{count / limit:.3g}{letter}"
    return f"{count:.3g}"


def _by_model(runs: "Sequence[RunCost]") -> "list[list[RunCost]]":
    groups: dict[tuple[int, int], list[RunCost]] = {}
    for run in runs:
        groups.setdefault((run.workload.n_parameters, run.workload.width), []).append(run)
    return list(groups.values())


def _row(runs: "Sequence[RunCost]") -> tuple[str, ...]:
    hardest = max(runs, key=lambda run: run.parallelism.memory)
    hours = sum(run.device_hours for run in runs)
    used = max(runs, key=lambda run: run.seconds).utilisation
    return (
        readable_count(hardest.workload.n_parameters),
        readable_count(hardest.workload.n_parameters_total),
        str(len(runs)),
        f"{sum(run.workload.training_flops for run in runs):.2e}",
        f"{hardest.parallelism.memory / 1e9:.3g}",
        "-" if used is None else f"{used:.1%}",
        ("~" if any(run.extrapolated for run in runs) else "") + f"{hours:,.3g}",
        str(hardest.parallelism),
    )


def _totals(cost: "StudyCost") -> list[str]:
    evaluations = sum(run.evaluation_seconds for run in cost.runs) / sum(run.seconds for run in cost.runs)
    biggest = cost.biggest
    return [
        f"{len(cost.runs)} runs     {cost.training_flops:.3e} FLOPs of training, "
        f"{cost.validation_flops:.1e} of evaluations ({evaluations:.0%} of the time)",
        f"in all      {cost.device_hours:,.4g} device-hours; {readable_time(cost.wall_hours)} one run after another",
        f"biggest     {biggest.name}: {biggest.workload.steps:,} steps, {readable_count(biggest.workload.labels)} "
        f"labels, {biggest.workload.training_flops:.2e} FLOPs, {readable_time(biggest.seconds / 3600)}",
        f"needs       {biggest.parallelism}",
    ]


def _notes(cost: "StudyCost") -> list[str]:
    return ["Rests on:", *(f"- {note}" for note in cost.assumptions)]
