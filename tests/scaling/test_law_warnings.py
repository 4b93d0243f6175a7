"""Warnings: a wrong form is seen, a right one is not accused, and every other warning has its cause."""

from collections.abc import Callable

import numpy as np
import pytest

from chemscale.base.seeds import stream
from chemscale.scaling.fitting import fit_law

EIGHT, SIXTEEN = np.logspace(3, 8, 8), np.logspace(3, 9, 16)


def floored(sizes: np.ndarray) -> np.ndarray:
    return 0.5 + 8 * sizes**-0.25


def broken(sizes: np.ndarray) -> np.ndarray:
    return 0.3 + 20 * sizes**-0.1 * (1 + (sizes / 1e6) ** (1 / 0.3)) ** (-0.3 * 0.3)


def warned(law: str, sizes: np.ndarray, clean: np.ndarray, about: str, n_draws: int, noise: float = 0.01) -> float:
    found = 0
    for seed in range(n_draws):
        loss = clean * np.exp(noise * stream(seed, "warnings", len(sizes)).standard_normal(len(sizes)))
        found += any(about in text for text in fit_law(law, {"r": sizes}, loss).warnings)
    return found / n_draws


@pytest.mark.parametrize(
    ("law", "sizes", "truth"), [("power", EIGHT, floored), ("power", SIXTEEN, floored), ("saturating", SIXTEEN, broken)]
)
def test_a_wrong_form_is_seen(law: str, sizes: np.ndarray, truth: Callable[[np.ndarray], np.ndarray]) -> None:
    assert warned(law, sizes, truth(sizes), "is curved", 25) >= 0.8


@pytest.mark.parametrize(
    ("law", "sizes", "clean"),
    [
        ("power", EIGHT, 30 * EIGHT**-0.17),
        ("saturating", EIGHT, floored(EIGHT)),
        ("saturating", SIXTEEN, floored(SIXTEEN)),
        ("increasing", np.logspace(-2, 0, 9), 0.85 * np.logspace(-2, 0, 9) ** 0.06),
    ],
)
def test_a_right_form_is_not_accused(law: str, sizes: np.ndarray, clean: np.ndarray) -> None:
    """60 draws; the rate asked for is one in a hundred."""
    assert warned(law, sizes, clean, "is curved", 60) <= 0.05


def fit_of(loss: np.ndarray, sizes: np.ndarray = EIGHT, law: str = "power") -> str:
    return "; ".join(fit_law(law, {"r": sizes}, loss).warnings)


NOISE = np.exp(0.01 * stream(3, "noise").standard_normal(8))


def test_an_exponent_that_may_be_zero() -> None:
    assert "interval of beta reaches zero" in fit_of(2 * NOISE)
    assert "reaches zero" not in fit_of(30 * EIGHT**-0.17 * NOISE)


def test_a_short_range() -> None:
    short = np.logspace(4, 4.6, 8)
    assert "short range of resource (0.6 decades)" in fit_of(30 * short**-0.17 * NOISE, short)
    assert "short range" not in fit_of(30 * EIGHT**-0.17 * NOISE)


def test_an_outlier_that_moves_the_exponent() -> None:
    sizes = np.logspace(3, 9, 20)
    loss = 30 * sizes**-0.17 * np.exp(0.0005 * stream(1, "few").standard_normal(20))
    assert "Huber's loss" not in fit_of(loss, sizes)
    loss[-3:] *= 1.05
    assert "Huber's loss in place of squares moves" in fit_of(loss, sizes)


def test_one_seed_per_cell() -> None:
    assert "one seed per cell" in fit_of(30 * EIGHT**-0.17 * NOISE)
    twice = np.repeat(EIGHT, 2)
    assert "one seed" not in fit_of(30 * twice**-0.17 * np.repeat(NOISE, 2) ** np.tile([1, -1], 8), twice)


def test_points_on_the_law_have_that_one_warning() -> None:
    fit = fit_law("saturating", {"r": EIGHT}, floored(EIGHT))
    assert len(fit.warnings) == 1 and "lie exactly on the law" in fit.warnings[0]


def test_a_bound() -> None:
    text = fit_of(np.exp(2 - 0.01 * np.log(EIGHT) ** 2) * NOISE, law="saturating")
    assert "the best fit is at a bound: L_inf = 0" in text


def test_a_loss_that_rises_is_called_rising() -> None:
    rising = 0.3 * EIGHT**0.05 * NOISE
    assert "the loss rises with resource, against the law. If this is a score" in fit_of(rising)
    assert "reaches zero" not in fit_of(rising)
    # A bounded exponent cannot be negative and tells nothing itself.
    assert "the loss rises with resource" in fit_of(rising, law="saturating")
    assert "the score falls with resource" in fit_of(1 / rising, law="increasing")
    assert "the score may not rise" in fit_of(2 * NOISE, law="increasing")
    model, data = (part.ravel() for part in np.meshgrid(np.logspace(6, 9, 5), np.logspace(7, 10, 5)))
    loss = (1 + 300 * model**-0.35) * data**0.02 * np.exp(0.002 * stream(0, "joint").standard_normal(25))
    assert any(
        "the loss rises with data, against" in text
        for text in fit_law("additive", {"n": model, "d": data}, loss).warnings
    )


@pytest.mark.parametrize("law", ["power", "saturating", "increasing"])
def test_equal_losses_have_that_one_warning(law: str) -> None:
    fit = fit_law(law, {"r": EIGHT}, np.full(8, 2.3))
    assert len(fit.warnings) == 1 and fit.warnings[0].startswith("all losses are equal")
    assert fit.to_dict()["r_squared"] is None and "nan" not in str(fit)


def test_cells_that_the_training_limits() -> None:
    model, data = (part.ravel() for part in np.meshgrid(np.logspace(6, 9, 5), np.logspace(7, 10, 5)))
    loss = (1.8 + 480 * model**-0.35 + 2100 * data**-0.37) * np.exp(0.003 * stream(1, "limits").standard_normal(25))

    def warned_of(short: np.ndarray, epochs: float = 1.0) -> str:
        steps = {"steps": np.where(short, 100.0, 9000.0), "warmup_steps": np.full(25, 100.0)}
        known = {**steps, "worth": np.full(25, 1 / epochs), "epochs": np.full(25, epochs)}
        return "; ".join(fit_law("additive", {"n": model, "d": data}, loss, training=known).warnings)

    assert "all cells are step-limited: the exponents describe the length of the training" in warned_of(model > 0)
    assert "15 of 25 cells are step-limited" in warned_of(model > 3e7)
    assert "cells are" not in warned_of(model > 3e8)
    assert "all cells are step-limited or repetition-limited" in warned_of(model > 3e8, epochs=4.0)
