from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chemscale.base.errors import DataError
from chemscale.forcefields.frame import Frame
from chemscale.forcefields.frames import Frames
from chemscale.forcefields.preparation import write_frames
from chemscale.forcefields.splits import FrameSplit, formula_groups, split_frames

ELEMENTS = (1, 6, 8, 9)


def written(folder: Path, names: Sequence[tuple[str, Sequence[int]]], **more: Any) -> Frames:
    """One frame for each molecule name and its atomic numbers, on a line."""
    frames = [
        Frame(np.array(numbers), np.arange(3.0 * len(numbers)).reshape(-1, 3), energy=float(i), molecule=name)
        for i, (name, numbers) in enumerate(names)
    ]
    return write_frames(frames, folder, source="made", record={}, **more)


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    """240 frames of 24 molecules of 12 formulas, shuffled."""
    random = np.random.default_rng(0)
    formulas = [[1, 6, *[ELEMENTS[k % 4]] * (k // 4 + 1)] for k in range(12)]
    names = [(f"m{k}-{isomer}", formulas[k]) for k in range(12) for isomer in "ab" for _ in range(10)]
    # the same atoms in another order are the same formula
    shuffled = [(name, random.permutation(numbers).tolist()) for name, numbers in names]
    return written(tmp_path_factory.mktemp("split") / "frames", [shuffled[i] for i in random.permutation(240)])


def groups_of(frames: Frames, split: str) -> np.ndarray:
    return formula_groups(frames)[0] if split == "formulas" else np.asarray(frames.molecules)


def test_formulas_ignore_the_order_of_atoms(frames: Frames) -> None:
    groups, names = formula_groups(frames)
    assert len(names) == 12
    assert "CH2" in names
    for number in range(len(frames)):
        atoms = frames.numbers[frames.offsets[number] : frames.offsets[number + 1]]
        same = [i for i in range(len(frames)) if groups[i] == groups[number]]
        other = frames.numbers[frames.offsets[same[0]] : frames.offsets[same[0] + 1]]
        assert sorted(atoms) == sorted(other)


def test_random_frames_are_all_used_once(frames: Frames) -> None:
    split = split_frames(frames, validation_size=40)
    assert sorted([*split.train, *split.validation]) == list(range(240))
    assert split.seen is None
    assert split.n_available == len(split.train) == 200
    assert len(split_frames(frames).validation) == 12  # 5%


@pytest.mark.parametrize("kind", ["random", "formulas", "molecules"])
def test_subsets_are_nested_and_validation_stays(frames: Frames, kind: Any) -> None:
    whole = split_frames(frames, split=kind, validation_size=15)
    for size in (1, 10, 100):
        part = split_frames(frames, split=kind, size=size, validation_size=15)
        assert np.array_equal(part.train, whole.train[:size])
        assert np.array_equal(part.validation, whole.validation)
        assert (part.seen is None) == (kind == "random")
        assert part.seen is None or np.array_equal(part.seen, whole.seen)


@pytest.mark.parametrize("kind", ["formulas", "molecules"])
def test_whole_groups_are_held_out(frames: Frames, kind: Any) -> None:
    split = split_frames(frames, split=kind, validation_size=35)
    groups = groups_of(frames, kind)
    assert split.seen is not None
    assert len(split.validation) == len(split.seen) == 35
    trained = set(groups[split.train])
    assert trained.isdisjoint(groups[split.validation])
    assert set(groups[split.seen]) <= trained
    assert set(split.seen).isdisjoint(split.train)
    # no more groups are held out than needed: 2 of 20 frames, 4 of 10
    assert len(trained) == len(set(groups)) - (2 if kind == "formulas" else 4)
    assert split.n_available == 240 - 40 - 35


def test_the_seed_changes_the_split_and_nothing_else_does(frames: Frames) -> None:
    def parts(split: FrameSplit) -> list[list[int]]:
        return [split.train.tolist(), split.validation.tolist()]

    assert parts(split_frames(frames, split_seed=1)) == parts(split_frames(frames, split_seed=1))
    assert parts(split_frames(frames, split_seed=1)) != parts(split_frames(frames, split_seed=2))
    first, second = (split_frames(frames, split="formulas", split_seed=seed).validation for seed in (1, 2))
    assert set(formula_groups(frames)[0][first]) != set(formula_groups(frames)[0][second])


def test_the_same_groups_are_held_out_in_whatever_order_frames_come(tmp_path: Path) -> None:
    names = [(f"m{k}", [1] * (k + 1)) for k in range(10) for _ in range(3)]
    forward, backward = written(tmp_path / "a", names), written(tmp_path / "b", names[::-1])
    held_out = [
        {f.molecule_names[f.molecules[i]] for i in split_frames(f, split="molecules", validation_size=5).validation}
        for f in (forward, backward)
    ]
    assert held_out[0] == held_out[1]
    assert len(held_out[0]) == 2


def test_a_limit_hides_the_rest(frames: Frames) -> None:
    split = split_frames(frames, limit=50)
    assert sorted([*split.train, *split.validation]) == list(range(50))
    groups = split_frames(frames, split="molecules", limit=50)
    assert groups.seen is not None
    assert max(*groups.train, *groups.validation, *groups.seen) < 50


def test_published_splits_keep_their_rows_past_rejected_frames(tmp_path: Path) -> None:
    names = [("a", [1, 1]) for _ in range(10)]
    names[3] = ("bad", [1, 200])
    subsets = {"train_01": np.array([9, 3, 0, 5]), "test_01": np.array([1, 2]), "train_02": np.array([4, 99])}
    frames = written(tmp_path / "frames", names, subsets=subsets)
    assert frames.subsets["train_01"].tolist() == [8, 0, 4]
    assert sorted(frames.subsets) == ["test_01", "train_01"]  # one row of train_02 is not there
    split = split_frames(frames, split="official01")
    assert sorted(split.train) == [0, 4, 8]
    assert split.validation.tolist() == [1, 2]
    assert split_frames(frames, split="official01", size=2).train.tolist() == split.train[:2].tolist()
    assert split_frames(frames, split="official01", validation_size=1).validation.tolist() == [1]
    with pytest.raises(DataError, match="came with official01; choose another split"):
        split_frames(frames, split="official02")
    with pytest.raises(DataError, match="the published test set has 2 frames"):
        split_frames(frames, split="official01", validation_size=3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 1000}, r"data.size is 1000, but there are 228 frames .* Ask for 1 to 228, or 'all'"),
        ({"size": 10, "validation_size": 240}, "nothing is left to train on beside the 240 validation frames"),
        ({"validation_size": 500}, "nothing is left to train on"),
        ({"split": "official03"}, "came without published splits"),
        ({"split": "formulas", "validation_size": 230}, "12 formulas: none would be left"),
        ({"split": "molecules", "validation_size": 1000}, "24 molecules: none would be left"),
        ({"split": "formulas", "validation_size": 130}, "nothing is left to train on"),
        ({"limit": 1}, "nothing is left to train on"),
    ],
)
def test_too_much_is_refused_with_what_there_is(frames: Frames, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        split_frames(frames, **settings)


def test_one_molecule_cannot_be_held_out(tmp_path: Path) -> None:
    frames = written(tmp_path / "frames", [("a", [1, 1])] * 20)
    with pytest.raises(DataError, match=r"1 molecules: none would be left.*'random'"):
        split_frames(frames, split="molecules")
