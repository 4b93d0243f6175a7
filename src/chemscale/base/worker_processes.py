"""Worker processes that carry out orders, each a fresh interpreter with few threads.

A worker is a module that is started by name (`python -m chemscale....`) and not through multiprocessing, so that it
loads neither the caller's main module nor what only the caller needs, sees the number of threads before any library
does, and starts from any script, notebook or console. An order is one line of JSON on standard input, the answer one
line on standard output. A worker ends when its input ends, also when the process that started it was killed.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Self

from chemscale.base.errors import DataError, UserError

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
ORDERS_A_WORKER = 2  # held in memory: one being carried out, one waiting
Order = Mapping[str, Any]


@dataclass(frozen=True)
class WorkerKind:
    """Which workers, and what to say of one that died.

    Attributes:
        module: its full name; its main function calls `serve`.
        title: such as "a preparation worker".
        on_death: from the order at hand to what follows "ended unexpectedly (exit status 1)" in the message.
        threads: of each process.
    """

    module: str
    title: str
    on_death: Callable[[Order], str]
    threads: int = 1


class WorkerPool:
    """Processes that wait for orders, started when they are first needed; one thread per process hands orders over."""

    def __init__(self, kind: WorkerKind, count: int) -> None:
        self.kind, self.count = kind, count
        self._processes: list[subprocess.Popen[str]] = []
        self._idle: queue.SimpleQueue[subprocess.Popen[str] | None] = queue.SimpleQueue()
        for _ in range(count):
            self._idle.put(None)
        self._threads = ThreadPoolExecutor(count)

    def submit(self, order: Order) -> Future[Any]:
        """Have an order carried out; the future has what the worker's function returned.

        It raises OSError where a file could not be read or written, DataError with the worker's message where it
        raised a UserError, DataError where it died, RuntimeError for any other failure.
        """
        return self._threads.submit(self._hand_over, order)

    def results(self, orders: Iterable[Order]) -> Iterator[Any]:
        """The answers in the order of the orders, of which few are held in memory; errors as in `submit`."""
        waiting: deque[Future[Any]] = deque()
        for order in orders:
            waiting.append(self.submit(order))
            if len(waiting) >= ORDERS_A_WORKER * self.count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _hand_over(self, order: Order) -> Any:
        process = self._idle.get()
        try:
            if process is None:
                process = start_worker(self.kind)
                self._processes.append(process)
            return ask(self.kind, process, order)
        finally:
            self._idle.put(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=kind is None, cancel_futures=True)
        if kind is not None:
            for process in self._processes:
                process.kill()
        self._threads.shutdown(wait=True)
        for process in self._processes:
            for pipe in (process.stdin, process.stdout):
                _close(pipe)
            process.wait()


def start_worker(kind: WorkerKind) -> "subprocess.Popen[str]":
    """Start one process, with this process's import path."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    environment.update(dict.fromkeys(THREAD_VARIABLES, str(kind.threads)))
    return subprocess.Popen(
        [sys.executable, "-m", kind.module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
    )


def ask(kind: WorkerKind, process: "subprocess.Popen[str]", order: Order) -> Any:
    """Hand one order over and wait for the answer; errors as in `WorkerPool.submit`."""
    assert process.stdin and process.stdout
    try:
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except (BrokenPipeError, ValueError):
        line = ""
    if not line:
        raise DataError(f"{kind.title} ended unexpectedly (exit status {process.poll()}){kind.on_death(order)}")
    answer: dict[str, Any] = json.loads(line)
    if "errno" in answer:
        raise OSError(answer["errno"], answer["error"], answer["file"])
    if "user_error" in answer:
        raise DataError(answer["user_error"])
    if "error" in answer:
        raise RuntimeError(f"{kind.title} failed: {answer['error']}")
    return answer["result"]


def serve(carry_out: Callable[[dict[str, Any]], Any]) -> None:
    """The main function of a worker: answer orders from standard input until it ends.

    Args:
        carry_out: from the values of an order to what the answer shall hold, both as JSON has them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    for line in sys.stdin:
        try:
            answers.write(json.dumps(_answer(carry_out, line)) + "\n")
            answers.flush()
        except BrokenPipeError:
            os._exit(1)  # nobody is left to be told: the process that asked was killed


def _answer(carry_out: Callable[[dict[str, Any]], Any], line: str) -> dict[str, Any]:
    try:
        return {"result": carry_out(json.loads(line))}
    except OSError as error:
        return {"errno": error.errno, "error": error.strerror, "file": str(error.filename)}
    except UserError as error:
        return {"user_error": str(error)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _close(pipe: IO[str] | None) -> None:
    if pipe is not None:
        with contextlib.suppress(OSError):
            pipe.close()
