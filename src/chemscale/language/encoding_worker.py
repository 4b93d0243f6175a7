"""Worker processes that encode parts of a corpus, each a fresh interpreter with one thread.

The processes are started by name (`python -m chemscale.language.encoding_worker`) and not through multiprocessing, so
that they load neither the caller's main module nor torch, and start from any script, notebook or console. A work order
is one line of JSON on standard input, the answer one line on standard output. A worker ends when its input ends, also
when the process that started it was killed.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from chemscale.base.errors import DataError
from chemscale.language.encoded_part import encode_part
from chemscale.language.vocabulary import Encoding

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")


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
    with _Workers(len(first)) as pool:
        waiting: deque[Future[int]] = deque()
        for order in chain(first, orders):
            waiting.append(pool.submit(order))
            if len(waiting) >= 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class _Workers:
    """Processes that wait for orders; one thread per process hands them over."""

    def __init__(self, count: int) -> None:
        self._processes = [_start_worker() for _ in range(count)]
        self._idle: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
        for process in self._processes:
            self._idle.put(process)
        self._threads = ThreadPoolExecutor(count)

    def submit(self, order: WorkOrder) -> Future[int]:
        return self._threads.submit(self._hand_over, order)

    def _hand_over(self, order: WorkOrder) -> int:
        process = self._idle.get()
        try:
            return _ask(process, order)
        finally:
            self._idle.put(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=kind is None, cancel_futures=True)
        for process in self._processes:
            if kind is not None:
                process.kill()
            elif process.stdin:
                process.stdin.close()
        self._threads.shutdown(wait=True)
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                _close(pipe)


def _start_worker() -> subprocess.Popen[str]:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    environment.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    return subprocess.Popen(
        [sys.executable, "-m", "chemscale.language.encoding_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
    )


def _ask(process: "subprocess.Popen[str]", order: WorkOrder) -> int:
    assert process.stdin and process.stdout
    try:
        process.stdin.write(json.dumps(asdict(order)) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except (BrokenPipeError, ValueError):
        line = ""
    if not line:
        raise DataError(
            f"a preparation worker ended unexpectedly (exit status {process.poll()}), most likely killed for memory. "
            "The finished parts are kept: run the same command again, with fewer workers"
        )
    answer: dict[str, Any] = json.loads(line)
    if "errno" in answer:
        raise OSError(answer["errno"], answer["error"], answer["file"])
    if "error" in answer:
        raise RuntimeError(f"a preparation worker failed: {answer['error']}")
    return int(answer["lines"])


def _close(pipe: IO[str] | None) -> None:
    if pipe is not None:
        with contextlib.suppress(OSError):
            pipe.close()


def _serve(requests: Iterable[str], answers: IO[str]) -> None:
    for line in requests:
        try:
            answer: dict[str, Any] = {"lines": carry_out(WorkOrder(**json.loads(line)))}
        except OSError as error:
            answer = {"errno": error.errno, "error": error.strerror, "file": str(error.filename)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    """Serve orders from standard input until it ends; only answers go to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
