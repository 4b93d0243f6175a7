import errno
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from chemscale.base.errors import BusyError, StorageError, UserError
from chemscale.base.files import (
    check_folder,
    disk_explained,
    folder_lock,
    read_json,
    replacing,
    write_atomically,
    write_json,
)


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_atomically(path, "old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_json_has_null_for_what_is_not_finite(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"loss": float("nan"), "more": [float("inf"), 1.5]})
    assert read_json(tmp_path / "a.json") == {"loss": None, "more": [None, 1.5]}


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "out: the disk is full; free some space and run the same command again"),
        (errno.EACCES, r"out: cannot be written to \(no\); set a variable"),
    ],
)
def test_a_disk_that_takes_no_more_is_explained(number: int, message: str) -> None:
    with pytest.raises(StorageError, match=message), disk_explained(Path("out"), "set a variable"):
        raise OSError(number, "no")
    with pytest.raises(FileNotFoundError), disk_explained(Path("out")):
        raise OSError(errno.ENOENT, "not a matter of the disk")


def _hold(folder: Path) -> None:
    with folder_lock(folder, "training"):
        time.sleep(60)


def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    holder = multiprocessing.get_context("fork").Process(target=_hold, args=(tmp_path,))
    holder.start()
    while not (tmp_path / ".lock-holder").exists():
        time.sleep(0.01)
    with pytest.raises(BusyError, match=rf"process {holder.pid} .*training"), folder_lock(tmp_path, "x"):
        pass
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    with folder_lock(tmp_path, "training"):
        pass


def test_a_link_stays_a_link_and_a_device_stays_a_device(tmp_path: Path) -> None:
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    write_atomically(link, "new")
    assert link.is_symlink() and target.read_text() == "new"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UserError, match="is no regular file"):
        write_atomically(pipe, "new")
    assert pipe.is_fifo()


def test_a_folder_that_cannot_be_made_is_refused_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_folder(tmp_path / "new" / "below")
    check_folder(tmp_path)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("kept")
    for name in ("file", "file/below", "file/below/deeper"):
        with pytest.raises(UserError, match=r"file is a file, so no folder can be made"):
            check_folder(tmp_path / name)
    monkeypatch.setattr(os, "access", lambda place, mode: not (place == tmp_path and mode == os.W_OK))
    with pytest.raises(UserError, match="may not be written to"):
        check_folder(tmp_path / "new" / "below")
