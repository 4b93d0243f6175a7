"""The local executor: N worker processes of one thread each, no service.

One process with several threads collapses when anything else runs on the machine; several processes of one thread do
not, and runs of a study are independent.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

from chemscale.base.records import RunFolder
from chemscale.base.worker_processes import THREAD_VARIABLES
from chemscale.studies.messages import Ended, Job, Progress

OnMessage = Callable[[Progress | Ended], None]


def run_locally(jobs: Sequence[Job], n_workers: int, threads: int, on_message: OnMessage) -> list[Ended]:
    """Carry out all jobs on worker processes; one that dies costs its run, not the study.

    Args:
        jobs: in the order in which they are begun.
        n_workers: processes at a time.
        threads: threads of each.
        on_message: told of every progress and end.

    Returns:
        How each job ended.
    """
    waiting = deque(jobs)
    workers: dict[Connection, _Worker] = {}
    ended: list[Ended] = []
    try:
        while waiting or workers:
            while waiting and len(workers) < n_workers:
                worker = _Worker(threads)
                workers[worker.connection] = worker
                worker.begin(waiting.popleft())
            for connection in wait(list(workers)):
                worker = workers[connection]  # type: ignore[index]
                message = worker.receive()
                on_message(message)
                if isinstance(message, Ended):
                    ended.append(message)
                    if waiting and worker.is_alive():
                        worker.begin(waiting.popleft())
                    else:
                        worker.dismiss()
                        del workers[worker.connection]
    finally:
        for worker in workers.values():
            worker.stop()
    return ended


class _Worker:
    """A worker process and the job it has."""

    def __init__(self, threads: int) -> None:
        self.connection, theirs = Pipe()
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
        command = [sys.executable, "-m", "chemscale.studies.worker", str(theirs.fileno())]
        # a session of its own: Ctrl-C reaches the parent alone, which then stops its workers
        self.process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        self.job: Job | None = None

    def begin(self, job: Job) -> None:
        self.job = job
        with contextlib.suppress(OSError):  # a worker that has just died is noticed by `receive`
            self.connection.send(job)

    def receive(self) -> Progress | Ended:
        """The next message; a broken pipe means the process died, and its run has failed."""
        assert self.job is not None
        try:
            message: Progress | Ended = self.connection.recv()
            return message
        except (EOFError, ConnectionResetError):
            reason = _death(self.process.wait())
            RunFolder(self.job.folder).write_failure(reason, "the process died without a traceback")
            return Ended(self.job.name, "failed", reason)

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def dismiss(self) -> None:
        """Let the process end by itself."""
        if self.is_alive():
            with contextlib.suppress(OSError):
                self.connection.send(None)
            self.process.wait()
        self.connection.close()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.connection.close()


def _death(code: int) -> str:
    if code >= 0:
        return f"worker process ended with status {code}"
    name = signal.Signals(-code).name
    hint = ", often for lack of memory: fewer --workers may help" if name == "SIGKILL" else ""
    return f"worker process was killed ({name}{hint})"
