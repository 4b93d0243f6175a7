"""Which frames are trained on and which are validated on: random frames, held-out formulas, held-out molecules.

A subset of size n is the first n of one seeded permutation of the training pool, so larger subsets hold smaller ones,
and the validation sets are the same for all sizes.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from chemscale.base.errors import DataError
from chemscale.base.seeds import stream
from chemscale.forcefields.frame import formula_of
from chemscale.forcefields.frames import Frames

SplitName = Literal[
    "random", "formulas", "molecules", "official01", "official02", "official03", "official04", "official05"
]
MOST_VALIDATION = 50_000
FRAMES_AT_ONCE = 100_000
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FrameSplit:
    """Frame numbers of the parts of a split.

    Attributes:
        train: the training subset [size].
        validation: for a split by formulas or molecules, frames of groups that are not trained on.
        seen: for such a split, as many frames of groups that are trained on; None for the others.
        n_available: frames that there are to train on.
    """

    train: Indices
    validation: Indices
    seen: Indices | None
    n_available: int


def split_frames(
    frames: Frames,
    *,
    split: SplitName = "random",
    size: int | Literal["all"] = "all",
    validation_size: int | None = None,
    split_seed: int = 0,
    limit: int | None = None,
) -> FrameSplit:
    """The training subset and the validation sets.

    Args:
        frames: all frames.
        split: `random` frames; whole `formulas` or whole `molecules` held out until there are enough frames;
            `official01` .. `official05`: the published splits, where the source came with them.
        size: frames of the training subset, or all that there are.
        validation_size: frames of the validation set; None takes 5%, at most 50,000 (all of a published test set).
        split_seed: seed of the one permutation.
        limit: use only the first frames.

    Raises:
        DataError: there are fewer frames or groups than asked for; the message says how many there are.
    """
    if split.startswith("official"):
        pool, validation, seen = _official(frames, split, validation_size, split_seed, limit)
    else:
        n_frames = min(limit or len(frames), len(frames))
        wanted = validation_size or default_validation(n_frames)
        order = stream(split_seed, "split").permutation(n_frames)
        if split == "random":
            pool, validation, seen = order[wanted:], order[:wanted], None
        else:
            pool, validation, seen = _by_groups(frames, split, order, wanted, split_seed)
    return FrameSplit(pool[: _checked_size(size, len(pool), split, len(validation))], validation, seen, len(pool))


def default_validation(n_frames: int) -> int:
    """Frames held out where `validation_size` is not set: 5%, at most 50,000."""
    return max(1, min(MOST_VALIDATION, n_frames // 20))


def formula_groups(frames: Frames) -> tuple[Indices, list[str]]:
    """The number of every frame's formula [n_frames], and the formulas."""
    species = np.array(frames.species)
    counts = np.zeros((len(frames), len(species)), np.int32)
    for start in range(0, len(frames), FRAMES_AT_ONCE):
        n_atoms = frames.n_atoms[start : start + FRAMES_AT_ONCE]
        atoms = slice(frames.offsets[start], frames.offsets[start] + n_atoms.sum())
        place = np.repeat(np.arange(len(n_atoms)), n_atoms) * len(species)
        place += np.searchsorted(species, frames.numbers[atoms])
        block = np.bincount(place, minlength=len(n_atoms) * len(species))
        counts[start : start + FRAMES_AT_ONCE] = block.reshape(len(n_atoms), -1)
    compositions, groups = np.unique(counts, axis=0, return_inverse=True)
    return groups.reshape(-1), [formula_of(np.repeat(species, row)) for row in compositions]


def _by_groups(
    frames: Frames, split: str, order: Indices, wanted: int, split_seed: int
) -> tuple[Indices, Indices, Indices]:
    if split == "formulas":
        all_groups, names = formula_groups(frames)
    else:
        all_groups, names = np.asarray(frames.molecules, dtype=np.int64), list(frames.molecule_names)
    groups = all_groups[: len(order)]
    present, sizes = np.unique(groups, return_counts=True)
    # groups are drawn in the order of their names, whatever order the frames came in
    by_name = np.array(sorted(range(len(present)), key=lambda i: names[present[i]]))
    drawn = by_name[stream(split_seed, "split", split).permutation(len(present))]
    n_held_out = int(np.searchsorted(np.cumsum(sizes[drawn]), wanted)) + 1
    if n_held_out >= len(present):
        raise DataError(
            f"data.split is {split!r}, but the {len(order):,} frames are of {len(present)} {split}: none would be left "
            f"to train on beside {wanted:,} held out; set a smaller data.validation_size, or data.split = 'random'"
        )
    held_out = np.isin(groups, present[drawn[:n_held_out]])[order]
    trained = order[~held_out]
    return trained[wanted:], order[held_out][:wanted], trained[:wanted]


def _official(
    frames: Frames, split: str, validation_size: int | None, split_seed: int, limit: int | None
) -> tuple[Indices, Indices, None]:
    number = re.sub(r"\D", "", split)
    train, test = frames.subsets.get(f"train_{number}"), frames.subsets.get(f"test_{number}")
    if train is None or test is None:
        known = sorted({f"official{name[-2:]}" for name in frames.subsets})
        raise DataError(
            f"data.split is {split!r}, but {frames.record.get('source', frames.folder)} came "
            f"{'with ' + ', '.join(known) if known else 'without published splits'}; choose another split"
        )
    pool = train[stream(split_seed, "split").permutation(len(train))]
    if limit is not None:
        pool, test = pool[pool < limit], test[test < limit]
    if validation_size is not None and validation_size > len(test):
        raise DataError(f"data.validation_size is {validation_size}, but the published test set has {len(test)} frames")
    return pool, test[:validation_size], None


def _checked_size(size: Any, available: int, split: str, n_validation: int) -> int:
    if available < 1:
        raise DataError(
            f"data.split {split!r}: nothing is left to train on beside the {n_validation:,} validation frames; set a "
            "smaller data.validation_size or a larger data.limit"
        )
    if size == "all":
        return available
    if not 1 <= size <= available:
        raise DataError(
            f"data.size is {size}, but there are {available:,} frames to train on beside the validation set. "
            f"Ask for 1 to {available}, or 'all'."
        )
    return int(size)
