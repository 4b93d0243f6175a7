import json
import multiprocessing
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule

from chemscale.base.errors import ConfigError, DataError
from chemscale.forcefields.batches import collate
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.frames import Frames
from chemscale.forcefields.neighbour_search import molecule_pairs, periodic_pairs
from chemscale.forcefields.pairs import graph_of, pairs_for
from chemscale.forcefields.preparation import write_frames

NAMES = ("CH3CH2OH", "C6H6", "H2O", "CH4", "H2", "C60")


def frame_of(atoms: Atoms) -> Frame:
    cell = np.asarray(atoms.cell[:]) if atoms.pbc.any() else None
    return Frame(atoms.numbers, atoms.positions, energy=-1.0, cell=cell, periodic=tuple(atoms.pbc.tolist()))


def written(folder: Path, *structures: Atoms) -> Frames:
    return write_frames(map(frame_of, structures), folder, source="made", record={})


def test_pairs_of_every_frame_are_those_of_the_frame_alone(tmp_path: Path) -> None:
    structures = [molecule(name) for name in NAMES] + [Atoms("H"), bulk("Si"), molecule("H2O")]
    frames = written(tmp_path / "frames", *structures)
    pairs = pairs_for(frames, 4.0)
    assert pairs.shifts is not None
    for number, atoms in enumerate(structures):
        rows = slice(pairs.offsets[number], pairs.offsets[number + 1])
        positions = frames.positions[frames.offsets[number] : frames.offsets[number + 1]]
        if atoms.pbc.any():
            first, second, shifts = periodic_pairs(positions, atoms.cell[:], atoms.pbc, 4.0)
        else:
            first, second = molecule_pairs(positions, 4.0)
            shifts = np.zeros((len(first), 3))
        assert np.array_equal(pairs.first[rows], first)
        assert np.array_equal(pairs.second[rows], second)
        assert np.array_equal(pairs.shifts[rows], shifts)
        assert np.array_equal(pairs.second_order[rows], np.argsort(second, kind="stable"))


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_one_is_the_graph_of_the_structure(tmp_path: Path, name: str) -> None:
    atoms = molecule(name)
    frames = written(tmp_path / "frames", molecule("CH4"), atoms)
    graph = collate(frames, pairs_for(frames, 3.0), np.array([1])).graph
    same = graph_of(atoms.numbers, atoms.positions, 3.0)
    for part in ("frames", "first", "second"):
        for field in ("index", "order", "offsets"):
            assert torch.equal(getattr(getattr(graph, part), field), getattr(getattr(same, part), field)), (part, field)
    assert torch.equal(graph.atomic_numbers, same.atomic_numbers)
    assert same.shifts is None
    assert same.charges.dtype == graph.charges.dtype


def test_the_graph_of_a_crystal_has_vectors_to_its_images() -> None:
    silicon = bulk("Si")
    graph = graph_of(silicon.numbers, silicon.positions, 2.5, silicon.cell[:], silicon.pbc, charge=1, unpaired=2)
    lengths = graph.vectors(torch.from_numpy(silicon.positions).float()).norm(dim=1)
    assert len(lengths) == 4  # four bonds for two atoms
    assert lengths.numpy() == pytest.approx(np.full(4, 5.43 * np.sqrt(3) / 4), rel=1e-6)
    assert graph.charges.tolist() == [1.0]
    assert graph.unpaired.tolist() == [2.0]


def test_a_structure_without_pairs_has_an_empty_graph() -> None:
    graph = graph_of([1], np.zeros((1, 3)), 5.0)
    assert graph.n_pairs == 0
    assert graph.first.offsets.tolist() == [0, 0]
    assert torch.equal(graph.second.sum(torch.ones(0, 2)), torch.zeros(1, 2))


def test_integers_are_as_narrow_as_the_molecules_allow(tmp_path: Path) -> None:
    small = pairs_for(written(tmp_path / "small", molecule("CH4")), 5.0)
    assert {array.dtype for array in (small.first, small.second, small.second_order)} == {np.dtype(np.uint8)}
    large = pairs_for(written(tmp_path / "large", molecule("C60")), 5.0)
    assert large.first.dtype == np.uint8
    assert large.second_order.dtype == np.uint16
    assert small.shifts is None


def test_pairs_are_searched_once_and_sent_by_name(tmp_path: Path) -> None:
    frames = written(tmp_path / "frames", molecule("CH4"))
    pairs = pairs_for(frames, 5.0)
    before = (tmp_path / "frames" / "pairs-5" / "pairs.json").stat().st_mtime_ns
    again = pickle.loads(pickle.dumps(pairs_for(frames, 5.0)))
    assert (tmp_path / "frames" / "pairs-5" / "pairs.json").stat().st_mtime_ns == before
    assert len(pickle.dumps(pairs)) < 500
    assert np.array_equal(again.first, pairs.first)
    assert pairs_for(frames, 2.0).folder != pairs.folder


def test_pairs_of_other_frames_are_searched_again(tmp_path: Path) -> None:
    frames = written(tmp_path / "frames", molecule("CH4"))
    record = tmp_path / "frames" / "pairs-5" / "pairs.json"
    pairs_for(frames, 5.0)
    record.write_text(json.dumps({**json.loads(record.read_text()), "frames": "of another time"}))
    assert len(pairs_for(frames, 5.0).first) == 10
    assert json.loads(record.read_text())["frames"] == frames.sha256


def test_many_chunks_give_the_same_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    structures = [molecule(name) for name in NAMES * 3]
    whole = pairs_for(written(tmp_path / "whole", *structures), 3.0)
    monkeypatch.setattr("chemscale.forcefields.pairs._CANDIDATES_AT_ONCE", 100)
    parts = pairs_for(written(tmp_path / "parts", *structures), 3.0)
    for name in ("offsets", "first", "second", "second_order"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name))


def test_a_read_only_folder_keeps_its_pairs_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = written(tmp_path / "frames", molecule("CH4"))
    monkeypatch.setenv("CHEMSCALE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("chemscale.forcefields.pairs.os.access", lambda *_: False)
    pairs = pairs_for(frames, 5.0)
    assert pairs.folder is not None
    assert pairs.folder.is_relative_to(tmp_path / "cache")
    assert not (tmp_path / "frames" / "pairs-5").exists()


def search_and_count(folder: Path) -> int:
    return len(pairs_for(Frames.open(folder), 5.0).first)


def test_two_processes_may_ask_at_once(tmp_path: Path) -> None:
    written(tmp_path / "frames", *[molecule("C6H6")] * 300)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(search_and_count, [tmp_path / "frames"] * 2) == [300 * 66] * 2


@pytest.mark.parametrize("cutoff", [0.0, -1.0, 25.0, float("nan")])
def test_a_cutoff_that_cannot_be_is_refused(tmp_path: Path, cutoff: float) -> None:
    with pytest.raises(ConfigError, match="allowed is more than 0, at most 20"):
        pairs_for(written(tmp_path / "frames", molecule("CH4")), cutoff)


def test_an_atom_far_outside_its_cell_names_the_frame(tmp_path: Path) -> None:
    far = Atoms("HH", positions=[[0, 0, 0], [1000.0, 0, 0]], cell=np.eye(3) * 3, pbc=True)
    frames = written(tmp_path / "frames", molecule("CH4"), far)
    with pytest.raises(DataError, match="frame 1: an atom is more than 127 cells away"):
        pairs_for(frames, 5.0)


def test_damaged_pairs_are_said(tmp_path: Path) -> None:
    frames = written(tmp_path / "frames", molecule("CH4"))
    pairs_for(frames, 5.0)
    np.save(tmp_path / "frames" / "pairs-5" / "first.npy", np.zeros(3, np.uint8))
    with pytest.raises(DataError, match="do not fit each other; remove the folder"):
        pairs_for(frames, 5.0)


def test_nothing_is_read_where_nothing_is(tmp_path: Path) -> None:
    frames = written(tmp_path / "frames", Atoms("H"), Atoms("He"))
    pairs = pairs_for(frames, 5.0)
    batch = collate(frames, pairs, np.array([0, 1]))
    assert batch.graph.n_pairs == 0
    assert batch.graph.n_frames == 2
