"""Archives of data files, unpacked once into the cache."""

import lzma
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from chemscale.base.config import content_hash
from chemscale.base.errors import DataError
from chemscale.base.files import cache_folder, folder_lock, replacing, write_atomically
from chemscale.base.progress import progress_bar

_DONE = ".unpacked"


def unpacked(archive: Path, suffixes: tuple[str, ...]) -> Path:
    """The folder that holds the files of a .tar archive, also compressed, that have one of the suffixes.

    Processes that ask at the same time wait for the one that unpacks. Members that point out of the folder are left
    out, like everything that is no plain file.

    Raises:
        DataError: the archive is damaged or cut short.
    """
    status = archive.stat()
    identity = content_hash([str(archive.resolve()), status.st_size, status.st_mtime_ns, suffixes], length=16)
    folder = cache_folder() / "unpacked" / identity
    if (folder / _DONE).is_file():
        return folder
    with folder_lock(folder, f"unpacking {archive.name}", wait_seconds=-1):
        if not (folder / _DONE).is_file():
            try:
                _unpack(archive, suffixes, folder, status.st_size)
            except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error) as error:
                raise DataError(f"{archive}: is damaged or cut short ({error}); get the file again") from None
            write_atomically(folder / _DONE, "")
    return folder


def _unpack(archive: Path, suffixes: tuple[str, ...], folder: Path, size: int) -> None:
    with (
        archive.open("rb") as raw,
        tarfile.open(fileobj=raw, mode="r:*") as members,
        progress_bar(f"unpacking {archive.name}", size, "bytes") as bar,
    ):
        for member in members:
            name = PurePosixPath(member.name)
            inside = not name.is_absolute() and ".." not in name.parts
            content = members.extractfile(member) if member.isfile() and inside and name.suffix in suffixes else None
            if content is not None and not name.name.startswith("."):
                with replacing(folder / name) as temporary, temporary.open("wb") as stream:
                    shutil.copyfileobj(content, stream, 1 << 20)
            bar.update(raw.tell())
