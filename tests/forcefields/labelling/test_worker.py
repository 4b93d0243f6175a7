"""Worker processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from chemscale.base import worker_processes
from chemscale.base.errors import DataError
from chemscale.base.worker_processes import WorkerKind
from chemscale.forcefields.labelling.part import read_part
from chemscale.forcefields.labelling.sampling import Sampling
from chemscale.forcefields.labelling.worker import Order, Workers

SETTINGS = Sampling(frames_per_molecule=2).model_dump(mode="json")


def test_orders_are_carried_out_and_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    pytest.importorskip("tblite", reason="tblite, of the extra `label`, is not installed")
    orders = [
        Order(str(tmp_path / f"{first}.npz"), first, [smiles], 0, SETTINGS) for first, smiles in enumerate(["C", "CC"])
    ]
    with Workers(2) as pool:
        assert [future.result() for future in [pool.label(order) for order in orders]] == [2, 2]
    made = (tmp_path / "0.npz").stat().st_mtime_ns
    with Workers(1) as pool:
        assert pool.label(orders[0]).result() == 2
    assert (tmp_path / "0.npz").stat().st_mtime_ns == made
    assert [entry.molecule for entry in read_part(tmp_path / "1.npz")] == ["CC", "CC"]


def test_a_worker_that_dies_is_reported_with_its_molecules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(kind: WorkerKind) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    monkeypatch.setattr(worker_processes, "start_worker", dying)
    with Workers(1) as pool:
        future = pool.label(Order(str(tmp_path / "part.npz"), 0, ["CCO", "CCN"], 0, SETTINGS))
        with pytest.raises(DataError, match=r"ended unexpectedly.*CCO, CCN.*run the same command again"):
            future.result()


def test_a_folder_that_is_gone_is_an_error_of_the_file(tmp_path: Path) -> None:
    pytest.importorskip("tblite", reason="tblite, of the extra `label`, is not installed")
    (tmp_path / "file").write_text("")
    with Workers(1) as pool, pytest.raises(OSError, match=r"File exists|Not a directory"):
        pool.label(Order(str(tmp_path / "file" / "part.npz"), 0, ["C"], 0, SETTINGS)).result()


def test_a_failure_inside_is_told_with_its_reason(tmp_path: Path) -> None:
    with Workers(1) as pool, pytest.raises(DataError, match="frames_per_molecule: Input should be greater"):
        pool.label(Order(str(tmp_path / "part.npz"), 0, ["C"], 0, {"frames_per_molecule": 0})).result()
