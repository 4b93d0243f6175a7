"""The check's arithmetic on Morse molecules, whose forces are known in closed form."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.spatial.transform import Rotation

from chemscale.forcefields import force_work
from chemscale.forcefields.force_work import work_pairs
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.frames import Frames
from chemscale.forcefields.preparation import write_frames

Vectors = npt.NDArray[np.float64]


def morse(positions: Vectors) -> tuple[float, Vectors]:
    """Energy in eV and forces in eV/angstrom of atoms that all attract each other."""
    depth, steepness, length = 2.0, 1.5, 1.4
    vectors = positions[None] - positions[:, None]
    distances = np.linalg.norm(vectors, axis=2) + np.eye(len(positions))
    swing = np.exp(-steepness * (distances - length))
    slope = 2 * depth * steepness * swing * (1 - swing) * (1 - np.eye(len(positions)))
    energy = depth * ((1 - swing) ** 2 * (1 - np.eye(len(positions)))).sum() / 2
    return float(energy), (slope / distances)[:, :, None].__mul__(vectors).sum(axis=1)


def trajectory(
    n_frames: int, width: float = 0.05, seed: int = 0, tumble: bool = True, turn: float = 1.0, scale: float = 1.0
) -> list[Frame]:
    """A tetrahedron that shakes and tumbles; forces times `turn`, positions, forces and energies in order."""
    random = np.random.default_rng(seed)
    rest = np.array([[0, 0, 0], [1.4, 0, 0], [0.7, 1.2, 0], [0.7, 0.4, 1.1]])
    frames = []
    for _ in range(n_frames):
        positions = rest + width * random.standard_normal((4, 3))
        energy, forces = morse(positions)
        rotation = Rotation.random(random_state=random).as_matrix() if tumble else np.eye(3)
        frames.append(
            Frame(np.array([6, 1, 1, 8]), positions @ rotation + 5 * tumble, scale * energy, turn * forces @ rotation)
        )
    return frames


def written(folder: Path, frames: list[Frame]) -> Frames:
    return write_frames(frames, folder, source="made", record={}, strict=False)


def test_forces_of_the_test_are_minus_the_gradient() -> None:
    positions = trajectory(1, tumble=False)[0].positions
    for atom, axis in ((0, 0), (2, 1), (3, 2)):
        moved = np.zeros((4, 3))
        moved[atom, axis] = 1e-5
        slope = (morse(positions + moved)[0] - morse(positions - moved)[0]) / 2e-5
        assert morse(positions)[1][atom, axis] == pytest.approx(-slope, rel=1e-6)


@pytest.mark.parametrize("width", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("tumble", [False, True])
def test_right_labels_have_slope_one(tmp_path: Path, width: float, tumble: bool) -> None:
    found = work_pairs(written(tmp_path / "f", trajectory(400, width, tumble=tumble)))
    assert len(found.work) == force_work.BEST_PAIRS
    assert found.slope() == pytest.approx(1, abs=0.03)
    assert found.scatter() < 0.1


@pytest.mark.parametrize("factor", [-1.0, 0.0194, 51.4, -27.2])
def test_the_slope_is_what_the_forces_were_divided_by(tmp_path: Path, factor: float) -> None:
    found = work_pairs(written(tmp_path / "f", trajectory(300, turn=1 / factor)))
    assert found.slope() == pytest.approx(factor, rel=0.03)


def test_the_choice_of_pairs_does_not_see_energies(tmp_path: Path) -> None:
    right = work_pairs(written(tmp_path / "a", trajectory(200)))
    wrong = work_pairs(written(tmp_path / "b", trajectory(200, scale=23.06)))
    assert np.allclose(right.work, wrong.work)
    assert np.allclose(right.energy * 23.06, wrong.energy)


def test_mirror_images_are_not_taken_for_neighbours(tmp_path: Path) -> None:
    # their distances agree, but no rotation brings one onto the other
    frames = trajectory(2, width=0.01, tumble=False)
    mirrored = [Frame(f.atomic_numbers, f.positions * [1, 1, -1], f.energy, f.forces) for f in frames]
    assert len(work_pairs(written(tmp_path / "f", [frames[0], mirrored[1]])).work) == 0


def test_different_states_and_molecules_are_not_compared(tmp_path: Path) -> None:
    frames = trajectory(40, width=0.03)
    states = [
        Frame(f.atomic_numbers, f.positions, f.energy + 100 * (i % 2), f.forces, charge=i % 2)
        for i, f in enumerate(frames)
    ]
    assert work_pairs(written(tmp_path / "a", states)).slope() == pytest.approx(1, abs=0.05)
    lone = [Frame(np.roll(f.atomic_numbers, i), f.positions, f.energy, f.forces) for i, f in enumerate(frames[:3])]
    assert len(work_pairs(written(tmp_path / "b", lone)).work) == 0


def test_frames_of_a_crystal_are_compared_as_they_lie(tmp_path: Path) -> None:
    cell = np.diag([8.0, 9.0, 10.0])
    frames = [
        Frame(f.atomic_numbers, f.positions, f.energy, f.forces, cell=cell, periodic=(True, True, True))
        for f in trajectory(200, tumble=False)
    ]
    assert work_pairs(written(tmp_path / "f", frames)).slope() == pytest.approx(1, abs=0.03)


def test_missing_labels_are_left_out(tmp_path: Path) -> None:
    frames = trajectory(200)
    for number, frame in enumerate(frames):
        if number % 3 == 0 and frame.forces is not None:
            frame.forces[0] = np.nan
        if number % 3 == 1:
            frames[number] = Frame(frame.atomic_numbers, frame.positions, forces=frame.forces)
    found = work_pairs(written(tmp_path / "f", frames))
    assert np.isfinite(found.work).all()
    assert found.slope() == pytest.approx(1, abs=0.05)


def test_single_atoms_have_nothing_to_compare(tmp_path: Path) -> None:
    frames = [Frame(np.array([1]), np.full((1, 3), float(i)), -13.6, np.zeros((1, 3))) for i in range(5)]
    assert len(work_pairs(written(tmp_path / "f", frames)).work) == 0


def test_a_large_source_is_sampled_in_runs() -> None:
    assert np.array_equal(force_work._sample(100), np.arange(100))
    rows = force_work._sample(1_000_000)
    assert len(rows) == force_work.BLOCKS * force_work.BLOCK_FRAMES
    assert rows[0] == 0
    assert rows[-1] == 999_999
    assert (np.diff(rows) == 1).sum() == len(rows) - force_work.BLOCKS
