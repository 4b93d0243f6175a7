"""Files that are whole or absent: atomic writes, folder locks, and where caches live."""

import errno
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock

from chemscale.base.errors import BusyError, DataError, StorageError, UserError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write `content` beside `path`, flush it to disk, then rename: a reader sees the old file or the new one."""
    data = content.encode() if isinstance(content, str) else content
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; on success it is flushed and renamed to `path`, else removed.

    A symbolic link stays one: the file that it leads to is replaced.

    Raises:
        UserError: the path is a device, a pipe or a folder, which a renamed file would take the place of.
    """
    path = path.resolve() if path.is_symlink() else path
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: is no regular file; choose another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be made or written to, before the work and not after it.

    Raises:
        UserError: it is a file, lies below one, or may not be written to.
    """
    place = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not place.is_dir():
        raise UserError(f"{folder}: {place} is a file, so no folder can be made there; choose another name")
    if not os.access(place, os.W_OK):
        raise UserError(f"{folder}: {place} may not be written to; choose another place")


def write_json(path: Path, values: Any) -> None:
    """Write JSON atomically; NaN and infinities become null, so that every reader can parse it."""
    write_atomically(path, json.dumps(finite(values), indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: it is damaged.
    """
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise DataError(f"{path}: damaged, not JSON ({error})") from None


def finite(values: Any) -> Any:
    """The same nested values with NaN and infinities as None."""
    if isinstance(values, float) and not math.isfinite(values):
        return None
    if isinstance(values, dict):
        return {key: finite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [finite(value) for value in values]
    return values


@contextmanager
def folder_lock(folder: Path, what: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold `folder` for one process; the lock is freed by the system when the process ends, however it ends.

    Args:
        folder: made if absent; the lock is its file `.lock`.
        what: what is being done, for the other process's message.
        wait_seconds: how long to wait for another process; negative waits without limit.

    Raises:
        BusyError: another process holds it; the message says who.
        UserError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made a folder ({error.strerror}). Choose another one.") from None
    lock = filelock.FileLock(folder / ".lock")
    holder = folder / ".lock-holder"
    try:
        lock.acquire(timeout=wait_seconds)
    except filelock.Timeout:
        who = holder.read_text().strip() if holder.exists() else "another process"
        raise BusyError(f"{folder}: {who} is working here. Wait for it to end, or use another folder.") from None
    except OSError as error:
        raise UserError(f"{folder}: cannot be written to ({error.strerror}). Choose another one.") from None
    try:
        holder.write_text(f"process {os.getpid()} on {os.uname().nodename} ({what})\n")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


@contextmanager
def disk_explained(place: Path, elsewhere: str = "choose another place") -> Iterator[None]:
    """Tell in one message that nothing more can be written.

    Args:
        place: file or folder of the result.
        elsewhere: what to do where it may not be written to.

    Raises:
        StorageError: the disk is full, or the place may not be written to.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(f"{place}: the disk is full; free some space and run the same command again") from None
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise StorageError(f"{place}: cannot be written to ({error.strerror}); {elsewhere}") from None
        raise


def cache_folder() -> Path:
    """Where derived files live (prepared corpora, compiled operators): `CHEMSCALE_CACHE`, or the platform's cache."""
    named = os.environ.get("CHEMSCALE_CACHE")
    return Path(named).expanduser() if named else _platform_cache() / "chemscale"


def data_folder() -> Path:
    """Where data files are looked for and downloaded to: `CHEMSCALE_DATA`, or `data` in the platform's cache."""
    named = os.environ.get("CHEMSCALE_DATA")
    return Path(named).expanduser() if named else _platform_cache() / "chemscale" / "data"


def _platform_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
