"""Worker processes that label molecules, without torch: `python -m chemscale.forcefields.labelling.worker`."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chemscale.base.errors import DataError
from chemscale.base.worker_processes import WorkerKind, WorkerPool, serve
from chemscale.forcefields.labelling.part import count_frames, make_part
from chemscale.forcefields.labelling.sampling import Sampling

WORKER = WorkerKind(
    module="chemscale.forcefields.labelling.worker",
    title="a labelling worker",
    on_death=lambda order: (
        f" at one of the molecules {', '.join(order['molecules'])}. The finished parts are kept: run the same command "
        "again, with fewer workers if memory was short; if it ends there again, take the molecule out of the source"
    ),
)


@dataclass(frozen=True)
class Order:
    """Molecules to label, and the file to write: the arguments of `make_part`."""

    path: str
    first: int
    molecules: Sequence[str]
    seed: int
    sampling: dict[str, Any]


def carry_out(order: Order) -> int:
    """Carry out one order in this process; returns the number of frames."""
    return make_part(Path(order.path), order.first, order.molecules, order.seed, Sampling.parse(order.sampling))


class Workers(WorkerPool):
    """Processes that label molecules, each with one thread."""

    def __init__(self, count: int) -> None:
        super().__init__(WORKER, count)

    def label(self, order: Order) -> Future[int]:
        """Carry out an order unless its file is there; the future has the number of frames in it.

        It raises OSError where the file cannot be written, DataError where the worker died.
        """
        if not Path(order.path).is_file():
            return self.submit(asdict(order))
        known: Future[int] = Future()
        try:
            known.set_result(count_frames(Path(order.path)))
        except DataError as error:
            known.set_exception(error)
        return known


def _carry_out_values(values: dict[str, Any]) -> int:
    return carry_out(Order(**values))


if __name__ == "__main__":
    serve(_carry_out_values)
