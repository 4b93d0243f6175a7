"""Text files, plain or compressed, opened as one stream of lines; damage is reported with its file and place."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TextIO, cast

from chemscale.base.errors import DataError

COMPRESSION_SUFFIXES = (".gz", ".xz", ".bz2", ".zip")
_MAGIC = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz", b"BZh": "bzip2", b"PK\x03\x04": "zip"}
_COMPRESSED: dict[str, Callable[..., Any]] = {"gzip": gzip.open, "xz": lzma.open, "bzip2": bz2.open}
_REFUSED = {
    b"\x28\xb5\x2f\xfd": "is compressed with zstd, which is not read here",
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive, which is not read here",
    b"\xff\xfe": "is UTF-16 text",
    b"\xfe\xff": "is UTF-16 text",
}


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a text file for reading, uncompressing it by its content and not by its name.

    Bytes that are not UTF-8 become U+FFFD, so that one bad line does not end the stream.

    Raises:
        DataError: the file is binary, of an unknown compression, or a zip with several files.
    """
    kind = _kind(path)
    with _open_binary(path, kind) as binary:
        buffered = io.BufferedReader(cast(io.RawIOBase, binary), 1 << 20)
        if b"\x00" in buffered.peek(4096)[:4096]:
            raise DataError(f"{path}: is a binary file, expected lines of text")
        with io.TextIOWrapper(buffered, encoding="utf-8-sig", errors="replace") as text:
            yield text


@contextmanager
def readable(path: Path, line_number: Callable[[], int] = lambda: 0) -> Iterator[None]:
    """Turn what can go wrong while reading `path` into a `DataError` that says where."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{path}: is a folder, expected a file") from None
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        place = f" after line {line_number():,}" if line_number() else ""
        raise DataError(f"{path}: is damaged or cut short{place} ({error}); get the file again") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error})") from None


def inner_name(path: Path) -> str:
    """The file name without its compression suffix; for a zip, the name of the file in it."""
    if path.suffix.lower() == ".zip":
        with readable(path), zipfile.ZipFile(path) as archive:
            return _only_member(path, archive)
    return path.stem if path.suffix.lower() in COMPRESSION_SUFFIXES else path.name


def _kind(path: Path) -> str:
    with path.open("rb") as stream:
        start = stream.read(8)
    for magic, complaint in _REFUSED.items():
        if start.startswith(magic):
            raise DataError(f"{path}: {complaint}; convert it to UTF-8 text, plain or as .gz, .xz, .bz2 or .zip")
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), "plain")


@contextmanager
def _open_binary(path: Path, kind: str) -> Iterator[IO[bytes]]:
    if kind == "zip":
        with zipfile.ZipFile(path) as archive, archive.open(_only_member(path, archive)) as member:
            yield member
        return
    binary = cast(IO[bytes], _COMPRESSED[kind](path, "rb")) if kind in _COMPRESSED else path.open("rb")
    with binary as stream:
        yield stream


def _only_member(path: Path, archive: zipfile.ZipFile) -> str:
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
    if len(names) != 1:
        raise DataError(
            f"{path}: holds {len(names)} files ({', '.join(names[:5])}); unpack it and name the one you want"
        )
    return names[0]
