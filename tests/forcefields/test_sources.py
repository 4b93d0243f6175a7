import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule

from chemscale.base.errors import DataError
from chemscale.forcefields.preparation import frames_for
from chemscale.forcefields.sources import FRAME_SETS, RMD17_ARCHIVE, files_of
from chemscale.forcefields.splits import split_frames


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("CHEMSCALE_DATA", str(folder))
    monkeypatch.setenv("CHEMSCALE_CACHE", str(tmp_path / "cache"))
    return folder


def npz_bytes(name: str, n_frames: int = 30) -> bytes:
    atoms = molecule(name)
    coords = np.stack([atoms.positions * (1 + 0.02 * k) for k in range(n_frames)])
    stream, forces = io.BytesIO(), np.random.default_rng(1).standard_normal(coords.shape)
    np.savez(stream, nuclear_charges=atoms.numbers, coords=coords, energies=np.arange(n_frames) * 1.0, forces=forces)
    return stream.getvalue()


def write_published_archive(path: Path) -> None:
    """The archive of rMD17 as it is published, with two small molecules in it."""
    members = {
        "rmd17/readme.txt": b"about",
        "rmd17/npz_data/rmd17_ethanol.npz": npz_bytes("CH3CH2OH"),
        "rmd17/npz_data/rmd17_benzene.npz": npz_bytes("C6H6"),
        "rmd17/splits/index_train_01.csv": b"4\n20\n7\n",
        "rmd17/splits/index_test_01.csv": b"1\n2\n",
    }
    with tarfile.open(path, "w:bz2") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_the_published_archive_is_enough(data: Path) -> None:
    write_published_archive(data / RMD17_ARCHIVE)
    ethanol = frames_for("rmd17/ethanol")
    assert len(ethanol) == 30
    split = split_frames(ethanol, split="official01")
    assert sorted(split.train) == [4, 7, 20]
    assert split.validation.tolist() == [1, 2]


def test_rmd17_is_the_first_training_set_of_every_molecule_here(data: Path) -> None:
    write_published_archive(data / RMD17_ARCHIVE)
    frames = frames_for("rmd17")
    assert frames.n_atoms.tolist() == [12] * 3 + [9] * 3  # benzene before ethanol
    kcal = frames.energies[:3] / frames_for("rmd17/benzene").energies[1]
    assert kcal == pytest.approx([4, 7, 20])
    assert [entry["subset"] for entry in frames.record["files"]] == ["train_01", "train_01"]
    with pytest.raises(DataError, match="without published splits"):
        split_frames(frames, split="official01")


def test_rmd17_without_its_splits_is_said(data: Path) -> None:
    (data / "rmd17_ethanol.npz").write_bytes(npz_bytes("CH3CH2OH"))
    with pytest.raises(DataError, match=r"rmd17_ethanol\.npz: comes without the rows 'train_01'"):
        frames_for("rmd17")


@pytest.mark.parametrize("name", ["rmd17", "rmd17/aspirin", "ani1x", "amons", "3bpa", "spice"])
def test_a_missing_file_comes_with_its_origin(data: Path, name: str) -> None:
    with pytest.raises(DataError, match=rf"its file is not on this machine. Get it from .* and put it at {data}"):
        files_of(name)


def test_a_misspelt_name_gets_a_hint(data: Path) -> None:
    with pytest.raises(DataError, match="did you mean 'rmd17/aspirin'"):
        files_of("rmd17/asprin")


def test_files_are_found_by_path_and_in_the_data_folder(data: Path, tmp_path: Path) -> None:
    (data / "mine.npz").write_bytes(b"1")
    assert files_of("mine.npz")[0].path == data / "mine.npz"
    assert files_of(str(data / "mine.npz"))[0].path == data / "mine.npz"


def test_every_set_says_what_it_is_and_where_it_is_had() -> None:
    for name, known in FRAME_SETS.items():
        assert name == name.lower()
        assert known.title
        assert known.places
        assert known.origin
        assert known.citation
        assert all(not Path(place).is_absolute() for place in known.places)


@pytest.mark.data
@pytest.mark.parametrize("name", [name for name in FRAME_SETS if name not in ("ani1x", "spice")])
def test_the_sets_that_are_here_can_be_read(name: str) -> None:
    try:
        files_of(name)
    except DataError as error:
        pytest.skip(str(error))
    frames = frames_for(name)
    assert frames.record["counts"]["rejected"] == 0
    assert frames.record["label_check"]["contradictions"] == []
