from pathlib import Path

import h5py
import numpy as np

from chemscale.forcefields.readers.hdf5_groups import datasets_of, groups_with, has_group_with, plain, rows_of, text_of


def test_groups_are_found_at_any_depth(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["one/Coordinates"] = np.zeros((2, 1, 3))
        file["two/deep/coordinates"] = np.zeros((1, 1, 3))
        file["three/other"] = np.zeros(1)
        file["three/text"] = [b"CCO"]
    with h5py.File(path) as file:
        assert [group.name for group in groups_with(file, "coordinates")] == ["/one", "/two/deep"]
        assert set(datasets_of(file["one"])) == {"coordinates"}
        assert text_of(file["three/text"]) == "CCO"
        assert rows_of(file["one/Coordinates"], 2, 3) is not None
        assert rows_of(file["one/Coordinates"], 3, 3) is None
        assert rows_of(None, 2, 3) is None
    assert has_group_with(path, "coordinates")
    assert not has_group_with(path, "conformations")
    (tmp_path / "b.h5").write_bytes(b"no hdf5")
    assert not has_group_with(tmp_path / "b.h5", "coordinates")


def test_names_are_compared_in_one_spelling() -> None:
    assert plain("DFT Total Energy") == "dft_total_energy"
