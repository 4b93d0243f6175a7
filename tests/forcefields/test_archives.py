import io
import tarfile
from pathlib import Path

import pytest

from chemscale.base.errors import DataError
from chemscale.forcefields.archives import unpacked


def write_archive(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:bz2") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("rmd17/npz_data/link.npz")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)


def test_wanted_files_are_unpacked_once(tmp_path: Path) -> None:
    archive = tmp_path / "rmd17.tar.bz2"
    write_archive(
        archive,
        {
            "rmd17/npz_data/a.npz": b"a",
            "rmd17/splits/index_train_01.csv": b"1\n2\n",
            "rmd17/readme.txt": b"no",
            "../outside.npz": b"no",
            "/absolute.npz": b"no",
            "rmd17/npz_data/._a.npz": b"no",
        },
    )
    folder = unpacked(archive, (".npz", ".csv"))
    files = sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name[0] != "."
    )
    assert files == ["rmd17/npz_data/a.npz", "rmd17/splits/index_train_01.csv"]
    assert not (folder.parent / "outside.npz").exists()
    before = (folder / files[0]).stat().st_mtime_ns
    assert unpacked(archive, (".npz", ".csv")) == folder
    assert (folder / files[0]).stat().st_mtime_ns == before


def test_a_cut_archive_is_said_and_not_kept(tmp_path: Path) -> None:
    archive = tmp_path / "cut.tar.bz2"
    write_archive(archive, {"a.npz": bytes(range(256)) * 400})
    archive.write_bytes(archive.read_bytes()[:-40])
    for _ in range(2):
        with pytest.raises(DataError, match=r"cut\.tar\.bz2: is damaged or cut short"):
            unpacked(archive, (".npz",))
