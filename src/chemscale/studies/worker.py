"""One worker process: `python -m chemscale.studies.worker FD` takes runs one after the other and trains them.

The parent sends `Job`s over the pipe FD and gets `Progress` and `Ended` back. When the parent dies, the pipe breaks and
the worker ends too: no run is left training alone.
"""

import contextlib
import signal
import sys
from multiprocessing.connection import Connection

from chemscale.base.errors import BusyError
from chemscale.studies.messages import Ended, Job, Progress
from chemscale.studies.run import execute_run, parse_run


def work(connection: Connection) -> None:
    """Serve runs until the parent sends None or goes away."""
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while (job := connection.recv()) is not None:
            connection.send(_carry_out(connection, job))


def _carry_out(connection: Connection, job: Job) -> Ended:
    def report(done: int, total: int, validation_loss: float) -> None:
        try:
            connection.send(Progress(job.name, done, total, validation_loss))
        except OSError:
            raise SystemExit("the study's main process is gone") from None

    try:
        result = execute_run(parse_run(job.values), job.folder, report, job.until_step)
    except BusyError as error:
        return Ended(job.name, "busy", str(error))
    except Exception as error:
        return Ended(job.name, "failed", f"{type(error).__name__}: {error}")
    return Ended(job.name, result.status if result else "paused")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    work(Connection(int(sys.argv[1])))
