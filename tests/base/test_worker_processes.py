"""Worker processes: order of answers, what they print, how failures and deaths are told."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from chemscale.base.errors import DataError
from chemscale.base.processor import available_cores
from chemscale.base.worker_processes import WorkerKind, WorkerPool


@pytest.fixture
def kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkerKind:
    """Workers that print noise, wait, double a number, and fail or die when told to."""
    (tmp_path / "doubling_worker.py").write_text(
        textwrap.dedent("""
        import os, time
        from chemscale.base.errors import ConfigError
        from chemscale.base.worker_processes import serve

        def carry_out(values):
            print("noise")
            if "die" in values:
                os._exit(7)
            if "fail" in values:
                raise ValueError("told to")
            if "refuse" in values:
                raise ConfigError("number: give one")
            if "file" in values:
                open(values["file"])
            if "threads" in values:
                return os.environ["OMP_NUM_THREADS"]
            time.sleep(values.get("seconds", 0))
            return 2 * values["number"]

        serve(carry_out)
        """)
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return WorkerKind("doubling_worker", "a doubling worker", lambda order: f" at {order['die']}. Try again", threads=3)


def test_answers_come_in_the_order_of_the_orders(kind: WorkerKind) -> None:
    orders = [{"number": number, "seconds": 0.05 * (number % 2 == 0)} for number in range(8)]
    with WorkerPool(kind, 2) as pool:
        assert list(pool.results(orders)) == [2 * number for number in range(8)]


def test_no_worker_starts_without_an_order(kind: WorkerKind) -> None:
    with WorkerPool(kind, 4) as pool:
        assert list(pool.results([])) == []
        assert pool._processes == []
        assert pool.submit({"threads": True}).result() == "3"
        assert len(pool._processes) == 1
    assert pool._processes[0].returncode == 0


def test_failures_are_told(kind: WorkerKind, tmp_path: Path) -> None:
    with WorkerPool(kind, 1) as pool:
        with pytest.raises(RuntimeError, match="a doubling worker failed: ValueError: told to"):
            pool.submit({"fail": True}).result()
        with pytest.raises(DataError, match=r"^number: give one$"):
            pool.submit({"refuse": True}).result()
        with pytest.raises(FileNotFoundError):
            pool.submit({"file": str(tmp_path / "absent")}).result()
        assert pool.submit({"number": 4}).result() == 8


def test_a_death_is_told_with_the_order_and_the_others_end(kind: WorkerKind) -> None:
    with (
        pytest.raises(DataError, match=r"a doubling worker ended unexpectedly \(exit status (7|None)\) at 3\. Try"),
        WorkerPool(kind, 2) as pool,
    ):
        list(pool.results([{"number": 1, "seconds": 30}, {"die": 3}, {"number": 2}][::-1]))
    assert all(process.poll() is not None for process in pool._processes)


def test_a_worker_whose_asker_is_gone_ends_in_silence(kind: WorkerKind) -> None:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    command = [sys.executable, "-m", kind.module]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, text=True, env=environment, **pipes)  # type: ignore[call-overload]
    process.stdout.close()
    process.stdin.write('{"number": 1}\n')
    process.stdin.close()
    assert process.wait() == 1
    assert process.stderr.read() == "noise\n"
    process.stderr.close()


def test_there_is_a_core() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
