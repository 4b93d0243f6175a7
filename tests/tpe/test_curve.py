"""One curve: progress over uneven epochs, cutting at a budget, epoch means."""

import math

import numpy as np
import pytest

from chemscale.base.errors import DataError
from chemscale.tpe import curve_of_steps
from chemscale.tpe.curve import completed_epochs


def test_progress_divides_every_epoch_by_its_own_steps() -> None:
    curve = curve_of_steps("a", [1, 2, 3, 4, 5, 6], epochs=[0, 0, 0, 1, 2, 2])
    assert curve.progress == pytest.approx([1 / 3, 2 / 3, 1, 2, 2.5, 3])
    assert curve.seen == 3


def test_the_last_epoch_is_unfinished_where_it_has_fewer_steps_than_all_others() -> None:
    assert completed_epochs(np.array([0, 0, 0, 0, 1, 1, 1, 2])) == pytest.approx(
        [0.25, 0.5, 0.75, 1, 4 / 3, 5 / 3, 2, 2 + 1 / 3]
    )
    assert completed_epochs(np.array([0, 0]), steps_per_epoch=8) == pytest.approx([1 / 8, 1 / 4])


def test_up_to_knows_nothing_later() -> None:
    curve = curve_of_steps(
        "a", range(1, 9), steps_per_epoch=4, validation_epochs=[2, 1, 0.5], validation_losses=[7.0, 8.0, 9.0]
    )
    cut = curve.up_to(1.3)
    assert cut.losses.tolist() == [1, 2, 3, 4, 5] and cut.seen == 1.25
    assert cut.validation_losses.tolist() == [9, 8]
    assert curve.up_to(0.1).n_steps == 0 and curve.up_to(0.1).seen == 0
    assert curve.up_to(99).n_steps == 8


def test_without_first_drops_the_warm_up_and_its_evaluations() -> None:
    curve = curve_of_steps("a", range(8), steps_per_epoch=4, validation_epochs=[1, 2], validation_losses=[8.0, 7.0])
    rest = curve.without_first(4)
    assert rest.losses.tolist() == [4, 5, 6, 7] and rest.validation_losses.tolist() == [7]
    assert curve.without_first(0) is curve
    assert curve.without_first(20).n_steps == 0


def test_reaches_allows_less_than_one_interval_between_rows() -> None:
    coarse = curve_of_steps("a", range(9), steps_per_epoch=1)
    assert coarse.reaches(9) and coarse.reaches(9.5) and not coarse.reaches(10)
    fine = curve_of_steps("a", range(95), steps_per_epoch=10)
    assert fine.reaches(9.5) and not fine.reaches(9.6)


def test_epoch_means_and_the_share_of_the_last_epoch() -> None:
    curve = curve_of_steps("a", [2, 4, 10, 20, 30, 7], epochs=[0, 0, 1, 1, 1, 2], steps_per_epoch=2)
    means, shares = curve.epoch_means()
    assert means == pytest.approx([3, 20, 7]) and shares == pytest.approx([1, 1, 0.5])


def test_divergence_is_known_only_once_it_happened() -> None:
    curve = curve_of_steps("a", [1, 1, 1, 1, math.nan, math.inf], steps_per_epoch=2)
    assert curve.diverged and curve.diverged_at == pytest.approx(2.5)
    assert not curve.up_to(2).diverged


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"losses": []}, "no training loss"),
        ({"losses": [1, 2]}, "give `epochs`"),
        ({"losses": [1, 2], "epochs": [0]}, "1 epochs and 2 losses"),
        ({"losses": [1, 2], "epochs": [1, 2]}, "begins with epoch 1"),
        ({"losses": [1, 2], "epochs": [0, 2]}, "no losses of epoch 1"),
        ({"losses": [1, 2], "epochs": [1, 0]}, "never fall"),
        ({"losses": [1, 2], "epochs": [0, 0.5]}, "whole numbers"),
        ({"losses": ["x"], "steps_per_epoch": 1}, "must be numbers"),
        ({"losses": [[1.0]], "steps_per_epoch": 1}, "list of numbers"),
        ({"losses": [1], "steps_per_epoch": 0}, "expected 1 or more"),
        ({"losses": [1], "steps_per_epoch": 1, "validation_losses": [1.0]}, "0 validation_epochs and 1"),
    ],
)
def test_bad_input_is_named(given: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        curve_of_steps("a", **given)  # type: ignore[arg-type]
