"""Downloads that continue where they were cut, are checked before they count, and appear whole or not at all."""

import logging
import time
from pathlib import Path
from typing import Any

import pooch
import requests
import urllib3

from chemscale.base.errors import DataError
from chemscale.base.files import data_folder, disk_explained, folder_lock
from chemscale.base.progress import progress_bar
from chemscale.chem.sources import Source, file_sha256, find_source_file, get_source

_SET_FOLDER = "set CHEMSCALE_DATA to a folder of your own, or get a user who may"
_CHUNK = 1 << 20
_TRIES = 4
_TIMEOUT = (15.0, 60.0)
_UNCOMPRESSED = {"Accept-Encoding": "identity", "User-Agent": "chemscale"}


class _CutError(Exception):
    """The connection failed or ended early; what has come is kept."""


def download_source(name: str) -> Path:
    """Download a registered source into the data folder, or give the file that is already there.

    Args:
        name: a registered name.

    Raises:
        DataError: no address gives the file, or what came is not it; the message says which file to put where.
        BusyError: another process is downloading into the same folder.
        StorageError: the disk is full, or the data folder may not be written to.
    """
    source = get_source(name)
    found = find_source_file(name)
    return found if found is not None else download(source, name, data_folder())


def download(source: Source, name: str, folder: Path) -> Path:
    """Download a source's file into a folder, trying its addresses in turn.

    Raises:
        DataError, BusyError, StorageError: as in `download_source`.
    """
    problems = []
    with disk_explained(folder, _SET_FOLDER), folder_lock(folder, f"downloading {name}"):
        for url in source.urls:
            try:
                return _retrieve(source, url, name, folder)
            except DataError as error:
                problems.append(f"{url}: {error}")
    raise DataError(
        f"{name}: could not be downloaded. {'; '.join(problems)}. "
        f"Without a network here, get the file elsewhere and put it at {folder / source.file_name}"
    )


def _retrieve(source: Source, url: str, name: str, folder: Path) -> Path:
    part = folder / f"{source.file_name}.part"
    pooch.get_logger().setLevel(logging.ERROR)

    def fetch(address: str, output: Any, _: Any) -> None:
        _fetch_with_retries(address, part, name)
        _check_part(part, source)
        part.replace(Path(output))

    known = f"sha256:{source.sha256}" if source.sha256 else None
    path = pooch.retrieve(url, known_hash=known, fname=source.file_name, path=folder, downloader=fetch)
    return Path(path)


def _check_part(part: Path, source: Source) -> None:
    size = part.stat().st_size
    problem = None
    if size == 0:
        problem = "the server sent an empty file; try again later"
    elif source.size is not None and size != source.size:
        problem = f"got {size:,} bytes, expected {source.size:,}"
    elif source.sha256 is not None and (seen := file_sha256(part)) != source.sha256:
        problem = f"the file has sha256 {seen}, expected {source.sha256}"
    if problem:
        _forget(part)
        raise DataError(problem)
    _validator_file(part).unlink(missing_ok=True)


def _fetch_with_retries(url: str, part: Path, name: str) -> None:
    for attempt in range(_TRIES):
        before = _size(part)
        try:
            return _fetch(url, part, name)
        except _CutError as error:
            came_nothing = _size(part) <= before
            if (came_nothing and (attempt or not before)) or attempt == _TRIES - 1:
                kept = f"; {_size(part):,} bytes are kept, run the same command to go on" if _size(part) else ""
                raise DataError(f"{error}{kept}") from None
            time.sleep(0.2 * attempt)
    return None


def _fetch(url: str, part: Path, name: str) -> None:
    """Append what is missing of `url` to `part`; starts over where the server's file is not the one begun."""
    start, validator = _size(part), _validator(part)
    headers = dict(_UNCOMPRESSED)
    if start and validator:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            resumed = _is_continuation(response, start)
            if not resumed:
                start = 0
            _remember_validator(part, response)
            length = response.headers.get("Content-Length")
            total = start + int(length) if length else None
            with progress_bar(f"downloading {name}", total, "B") as bar, part.open("ab" if resumed else "wb") as stream:
                bar.update(start)
                for chunk in response.raw.stream(_CHUNK, decode_content=False):
                    stream.write(chunk)
                    bar.advance(len(chunk))
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _CutError(_network_reason(error)) from None
    if total is not None and _size(part) < total:
        raise _CutError(f"the connection ended after {_size(part):,} of {total:,} bytes")


def _is_continuation(response: requests.Response, start: int) -> bool:
    if response.status_code == 206:
        if response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            return True
        raise DataError(f"the server answered with another range ({response.headers.get('Content-Range')})")
    if response.status_code == 416:
        raise _CutError("the server has no such range")
    if response.status_code == 202:
        raise DataError("the server answered 202 (not ready) without the file; try again later")
    if response.status_code != 200:
        raise DataError(f"the server answered {response.status_code} {response.reason}")
    if "text/html" in response.headers.get("Content-Type", ""):
        raise DataError("the server sent a web page instead of the file")
    return False


def _network_reason(error: Exception) -> str:
    if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.ReadTimeoutError):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "the secure connection failed"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection (is there a network?)"
    return f"the connection broke ({type(error).__name__})"


def _validator_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.validator")


def _validator(part: Path) -> str | None:
    path = _validator_file(part)
    return path.read_text() if path.is_file() else None


def _remember_validator(part: Path, response: requests.Response) -> None:
    # Without a strong validator a continued file could be the front of one version and the back of another.
    tag = response.headers.get("ETag", "")
    validator = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
    if validator:
        _validator_file(part).write_text(validator)
    else:
        _validator_file(part).unlink(missing_ok=True)


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator_file(part).unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
