"""Parts on disk."""

from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import DataError
from chemscale.forcefields.labelling.part import count_frames, make_part, read_part
from chemscale.forcefields.labelling.sampling import Sampling, frames_of

pytest.importorskip("tblite", reason="tblite, of the extra `label`, is not installed")
SETTINGS = Sampling(frames_per_molecule=4)


def test_a_part_gives_back_what_was_labelled_in_the_order_of_the_molecules(tmp_path: Path) -> None:
    path = tmp_path / "part.npz"
    assert make_part(path, 7, ["CCO", "nonsense", "C.C", "C[NH3+]"], 0, SETTINGS) == 8
    entries = list(read_part(path))
    assert count_frames(path) == 8
    assert [entry.molecule for entry in entries] == ["CCO"] * 4 + ["nonsense"] * 4 + ["C.C"] * 4 + ["C[NH3+]"] * 4
    assert {entry.fault for entry in entries[4:12]} == {"not SMILES: the syntax is wrong", "more than one fragment"}
    for number, place, smiles in [(7, 0, "CCO"), (10, 12, "C[NH3+]")]:
        made = frames_of(smiles, number, 0, SETTINGS)
        for entry, frame, kind in zip(entries[place : place + 4], made.frames, made.kinds, strict=True):
            assert entry.frame is not None and entry.kind == kind
            assert np.array_equal(entry.frame.positions, frame.positions)
            assert np.array_equal(entry.frame.forces, frame.forces)
            assert (entry.frame.energy, entry.frame.charge) == (frame.energy, frame.charge)


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    path = tmp_path / "part.npz"
    make_part(path, 0, ["CCO"], 0, SETTINGS)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match=r"part\.npz: cannot be read .* delete it"):
        count_frames(path)
