"""Worker processes that encode parts of a corpus, without torch: `python -m chemscale.language.encoding_worker`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from chemscale.base.worker_processes import WorkerKind, WorkerPool, serve
from chemscale.language.encoded_part import encode_part
from chemscale.language.vocabulary import Encoding

WORKER = WorkerKind(
    module="chemscale.language.encoding_worker",
    title="a preparation worker",
    on_death=lambda order: (
        ", most likely killed for memory. The finished parts are kept: run the same command again, with fewer workers"
    ),
)


@dataclass(frozen=True)
class WorkOrder:
    """Lines of the source to encode, and the file to write the part to."""

    path: str
    encoding: Encoding
    canonical: bool
    records: Sequence[tuple[int, str]]


def carry_out(order: WorkOrder) -> int:
    """Encode one order and write its part; returns how many lines it had.

    Raises:
        OSError: the part cannot be written.
    """
    encode_part(order.records, order.encoding, order.canonical).save(Path(order.path))
    return len(order.records)


def carry_out_all(orders: Iterable[WorkOrder], workers: int) -> Iterator[int]:
    """Carry out orders in up to `workers` processes (1, or a single order: in this one); yields the lines of each.

    At most two orders a worker are held in memory.

    Raises:
        OSError: a part cannot be written.
        DataError: a worker process died.
    """
    orders = iter(orders)
    first = list(islice(orders, workers))
    if len(first) <= 1:
        yield from map(carry_out, chain(first, orders))
        return
    with WorkerPool(WORKER, len(first)) as pool:
        yield from pool.results(map(asdict, chain(first, orders)))


def _carry_out_values(values: dict[str, Any]) -> int:
    return carry_out(WorkOrder(**values))


if __name__ == "__main__":
    serve(_carry_out_values)
