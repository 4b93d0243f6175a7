"""Estimators against hand-worked cases and a public log's known values."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from chemscale.base.errors import ConfigError
from chemscale.tpe import ESTIMATORS, Curve, Reading, curve_of_steps, estimate, read_curves, score, shared_source

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tpe_public_log.json").read_text())


def hand_made() -> Curve:
    """Epoch means 4, 3, 2 (epochs of 2, 3 and 1 steps), validation 3.5, 2.5, 1.5."""
    return curve_of_steps(
        "hand",
        [5, 3, 4, 3, 2, 2],
        epochs=[0, 0, 1, 1, 1, 2],
        steps_per_epoch=1,
        validation_epochs=[1, 2, 3],
        validation_losses=[3.5, 2.5, 1.5],
    )


def test_the_three_sums_by_hand() -> None:
    reading = Reading(decay=0.5)
    assert score("sum", hand_made(), reading) == pytest.approx(4 + 3 + 2)
    assert score("tse_e", hand_made(), reading) == pytest.approx(2)
    assert score("tse_e", hand_made(), Reading(last_epochs=2)) == pytest.approx(5)
    assert score("tse_e", hand_made(), Reading(last_epochs=9)) == pytest.approx(9)
    assert score("tse_ema", hand_made(), reading) == pytest.approx(4 / 4 + 3 / 2 + 2)


def test_a_part_of_an_epoch_counts_as_that_part() -> None:
    curve = curve_of_steps("a", [4, 4, 4, 4, 2, 2], steps_per_epoch=4)
    assert score("sum", curve, Reading()) == pytest.approx(4 + 0.5 * 2)
    assert score("tse_e", curve, Reading()) == pytest.approx(0.5 * 4 + 0.5 * 2)
    assert score("sum", curve.up_to(0.5), Reading()) == pytest.approx(2)


def test_the_public_log(tmp_path: Path) -> None:
    steps = GOLDEN["steps_per_epoch"]
    wave = np.sin(2 * np.pi * np.arange(steps) / steps)  # sums to zero over an epoch
    lines = ["train_loss_step,epoch,step,val_loss"]
    for epoch, total in enumerate(GOLDEN["epoch_sums"]):
        losses = total / steps * (1 + 0.1 * wave)
        lines += [f"{float(loss)!r},{epoch},{epoch * steps + i}," for i, loss in enumerate(losses)]
        lines.append(f",{epoch},{epoch * steps + steps - 1},1.0")
    path = tmp_path / "metrics.csv"
    path.write_text("\n".join(lines) + "\n")
    row = estimate(read_curves(path), epochs=GOLDEN["epochs"]).to_dict()["runs"][0]
    for name in ("tse", "tse_e", "tse_ema"):
        assert row[name] == pytest.approx(GOLDEN[name], rel=1e-12)


def test_a_run_really_stopped_at_the_budget_has_the_same_tse_as_one_that_went_on() -> None:
    losses = np.linspace(5, 1, 60)
    whole, stopped = (curve_of_steps("a", losses[:n], steps_per_epoch=3) for n in (60, 30))
    for name in ("sum", "tse_e", "tse_ema", "window"):
        assert score(name, stopped, Reading()) == pytest.approx(score(name, whole.up_to(10), Reading()), rel=1e-12)


def test_tse_does_not_depend_on_how_often_losses_are_logged() -> None:
    fine = curve_of_steps("a", np.repeat([5.0, 3.0, 2.0], 8), steps_per_epoch=8)
    coarse = curve_of_steps("a", [5.0, 3.0, 2.0], steps_per_epoch=1)
    for name in ("sum", "tse_e", "tse_ema"):
        assert score(name, fine, Reading()) == pytest.approx(score(name, coarse, Reading()))


def test_the_window_is_the_last_quarter() -> None:
    curve = curve_of_steps(
        "a", range(16), steps_per_epoch=2, validation_epochs=range(1, 9), validation_losses=range(10, 18)
    )
    assert score("window", curve, Reading(source="train")) == pytest.approx(np.mean([12, 13, 14, 15]))
    assert score("window", curve, Reading(source="validation")) == pytest.approx(np.mean([16, 17]))
    assert score("window", curve, Reading(source="train", share=1.0)) == pytest.approx(7.5)


def test_the_window_leaves_the_warm_up_out() -> None:
    curve = curve_of_steps("a", range(16), steps_per_epoch=2, validation_epochs=[7, 8], validation_losses=[1.0, 2.0])
    assert score("window", curve, Reading(source="train", warmup_steps=14)) == pytest.approx(14.5)
    assert score("window", curve, Reading(source="validation", warmup_steps=14)) == 2.0
    assert math.isnan(score("window", curve, Reading(source="train", warmup_steps=16)))


def test_the_window_takes_the_latest_validation_loss_where_it_holds_none() -> None:
    curve = curve_of_steps("a", range(8), steps_per_epoch=1, validation_epochs=[3, 5], validation_losses=[9.0, 8.0])
    assert score("window", curve, Reading(source="validation")) == 8.0


def test_last_losses() -> None:
    assert score("last_train", hand_made(), Reading()) == 2
    assert score("last_validation", hand_made(), Reading()) == 1.5
    assert math.isnan(score("last_validation", curve_of_steps("a", [1.0], steps_per_epoch=1), Reading()))


@pytest.mark.parametrize("source", ["validation", "train"])
def test_the_power_law_finds_a_planted_one(source: str) -> None:
    places = np.arange(1, 21)
    losses = 1.5 + 2 * places**-0.6
    curve = curve_of_steps("a", losses, steps_per_epoch=1, validation_epochs=places, validation_losses=losses)
    reading = Reading(source=source, total_epochs=100)  # type: ignore[arg-type]
    assert score("power_law", curve.up_to(16), reading) == pytest.approx(1.5 + 2 * 100**-0.6, abs=0.01)
    assert math.isnan(score("power_law", curve.up_to(3), reading))


def test_the_power_law_of_a_rising_curve_stays_level() -> None:
    curve = curve_of_steps("a", [1.0, 2.0, 3.0, 4.0, 5.0], steps_per_epoch=1)
    assert score("power_law", curve, Reading(total_epochs=50)) == pytest.approx(3)


def test_diverged_is_plus_infinity_for_all() -> None:
    curve = curve_of_steps("a", [1, math.nan, 1], steps_per_epoch=1)
    assert all(score(name, curve, Reading()) == math.inf for name in ESTIMATORS)
    assert all(math.isnan(score(name, curve.up_to(0.5), Reading())) for name in ESTIMATORS)


def test_losses_are_read_alike_for_all_runs() -> None:
    with_validation = hand_made()
    without = curve_of_steps("b", [1, 2, 3], steps_per_epoch=1)
    stale = curve_of_steps("c", range(10), steps_per_epoch=1, validation_epochs=[1], validation_losses=[1.0])
    diverged = curve_of_steps("d", [math.nan], steps_per_epoch=1)
    assert shared_source([with_validation, diverged]) == "validation"
    assert shared_source([with_validation, without]) == shared_source([with_validation, stale]) == "train"
    assert shared_source([]) == "train"


@pytest.mark.parametrize(
    "bad", [{"share": 0.0}, {"share": 1.1}, {"warmup_steps": -1}, {"last_epochs": 0}, {"decay": 0.0}, {"decay": 1.1}]
)
def test_bad_settings_are_named(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        Reading(**bad)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no `tpe`"):
        score("tpe", hand_made(), Reading())
