"""Worker processes that label molecules, each a fresh interpreter with one thread.

They are started by name (`python -m chemscale.forcefields.labelling.worker`), so that the number of threads is set
before tblite is loaded, and so that they neither load torch nor run the caller's main module. An order is one line of
JSON on standard input, the answer one line on standard output. A worker ends when its input ends, also when the
process that started it was killed.
"""

import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from chemscale.base.errors import DataError
from chemscale.forcefields.labelling.part import count_frames, make_part
from chemscale.forcefields.labelling.sampling import Sampling

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


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


class Workers:
    """Processes that wait for orders; one thread per process hands them over."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._processes: list[subprocess.Popen[str]] = []
        self._idle: queue.SimpleQueue[subprocess.Popen[str] | None] = queue.SimpleQueue()
        for _ in range(count):
            self._idle.put(None)
        self._threads = ThreadPoolExecutor(count)

    def submit(self, order: Order) -> Future[int]:
        """Carry out an order unless its file is there; the result is the number of frames in it.

        The future raises OSError where the file cannot be written, DataError where the worker died.
        """
        return self._threads.submit(self._hand_over, order)

    def _hand_over(self, order: Order) -> int:
        if Path(order.path).is_file():
            return count_frames(Path(order.path))
        process = self._idle.get()
        try:
            if process is None:
                process = _start()
                self._processes.append(process)
            return _ask(process, order)
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
            process.communicate()


def _start() -> subprocess.Popen[str]:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    environment.update(dict.fromkeys(_THREADS, "1"))
    return subprocess.Popen(
        [sys.executable, "-m", "chemscale.forcefields.labelling.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
    )


def _ask(process: "subprocess.Popen[str]", order: Order) -> int:
    assert process.stdin and process.stdout
    try:
        process.stdin.write(json.dumps(asdict(order)) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except (BrokenPipeError, ValueError):
        line = ""
    if not line:
        raise DataError(
            f"a labelling worker ended unexpectedly (exit status {process.poll()}) at one of the molecules "
            f"{', '.join(order.molecules)}. The finished parts are kept: run the same command again, with fewer "
            "workers if memory was short; if it ends there again, take the molecule out of the source"
        )
    answer: dict[str, Any] = json.loads(line)
    if "errno" in answer:
        raise OSError(answer["errno"], answer["error"], answer["file"])
    if "error" in answer:
        raise RuntimeError(f"a labelling worker failed: {answer['error']}")
    return int(answer["frames"])


def _serve(requests: Iterable[str], answers: IO[str]) -> None:
    for line in requests:
        try:
            answer: dict[str, Any] = {"frames": carry_out(Order(**json.loads(line)))}
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
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    _serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
