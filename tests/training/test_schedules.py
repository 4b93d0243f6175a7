import math
from typing import Any

import pytest

from chemscale.base.errors import ConfigError
from chemscale.training.config import TrainingConfig
from chemscale.training.schedules import Plateau, learning_rate


def config(**changes: Any) -> TrainingConfig:
    return TrainingConfig.parse({"steps": 100, "learning_rate": 1.0, "warmup_steps": 10} | changes)


def test_warm_up_is_linear_and_counted_per_step() -> None:
    rates = [learning_rate(config(), step, 100) for step in range(12)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[10:] == [1.0, 1.0]


def test_cosine_ends_at_its_minimum() -> None:
    settings = config(schedule="cosine", minimum_learning_rate=0.1)
    assert learning_rate(settings, 10, 100) == pytest.approx(1.0)
    assert learning_rate(settings, 55, 100) == pytest.approx(0.55)
    assert learning_rate(settings, 100, 100) == pytest.approx(0.1)


def test_warmup_stable_decay_holds_then_falls_by_the_root() -> None:
    settings = config(schedule="warmup_stable_decay", decay_fraction=0.2)
    assert learning_rate(settings, 80, 100) == 1.0
    assert learning_rate(settings, 85, 100) == pytest.approx(1 - math.sqrt(0.25))
    assert learning_rate(settings, 100, 100) == 0.0


def test_plateau_drops_after_its_patience_and_counts_anew() -> None:
    settings = config(schedule="plateau", plateau_patience=2, plateau_factor=0.5)
    plateau = Plateau()
    scales = []
    for loss in [3.0, 2.0, 2.5, 2.5, 2.5, 2.5, 1.0]:
        plateau.update(loss, settings)
        scales.append(plateau.scale)
    assert scales == [1, 1, 1, 0.5, 0.5, 0.25, 0.25]
    assert (plateau.best, plateau.stagnant) == (1.0, 0)
    again = Plateau()
    again.restore(plateau.state())
    assert again.state() == plateau.state()


def test_budgets_are_steps_epochs_or_tokens() -> None:
    assert config(steps=7).total_steps(10, 1000) == 7
    assert config(steps=None, epochs=2.5).total_steps(10, 1000) == 25
    assert config(steps=None, tokens=4000).total_steps(10, 1000) == 40
    with pytest.raises(ConfigError, match="exactly one budget"):
        config(epochs=1)
    with pytest.raises(ConfigError, match="exactly one budget"):
        config(steps=None)


def test_the_rate_falls_with_the_width_where_a_reference_is_given() -> None:
    assert config().at_width(128) == config()
    scaled = config(learning_rate_width=64)
    assert [scaled.at_width(width).learning_rate for width in (16, 64, 128)] == [4.0, 1.0, 0.5]
