"""Small made-up tunings: a grid of learning rates, batch sizes and seeds whose best cell is known."""

from collections.abc import Callable

import numpy as np
import pytest

from chemscale.base.seeds import stream
from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.replay import replay_tuning
from chemscale.tpe import Curve, KeepBest, curve_of_steps

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
EPOCHS = 10


@pytest.fixture(scope="session")
def made_up_grid() -> Callable[..., list[Curve]]:
    """The maker of curves, as a fixture so that every test file finds it."""
    return _made_up_grid


@pytest.fixture(scope="session")
def replayed(made_up_grid: Callable[..., list[Curve]]) -> TuningReport:
    """The paper's kind of tuning on the made-up grid: the best 3 at 20 % go on."""
    return replay_tuning(
        "A <tuning> & more",
        made_up_grid(),
        KeepBest(0.2, 3),
        policy_name="window at 20 %, keep 3",
        n_calibration=3,
        n_resamples=20,
    )


def _made_up_grid(
    rates: tuple[float, ...] = RATES,
    batch_sizes: tuple[int, ...] = (16, 64),
    seeds: tuple[int, ...] = (0, 1),
    diverging: bool = True,
) -> list[Curve]:
    """Losses that fall to a valley around a rate of 1e-3; the largest rate with the smallest batch diverges."""
    curves = []
    for rate in rates:
        for batch in batch_sizes:
            for seed in seeds:
                lost = diverging and rate == max(rates) and batch == min(batch_sizes)
                curves.append(_made_up_curve(rate, batch, seed, lost))
    return curves


def _made_up_curve(rate: float, batch: int, seed: int, lost: bool) -> Curve:
    random = stream(seed, f"curve {rate} {batch}")
    steps_per_epoch = 640 // batch
    progress = np.arange(1, EPOCHS * steps_per_epoch + 1) / steps_per_epoch
    final = 0.7 + 0.05 * np.log10(rate / 1e-3) ** 2 + 0.01 * np.log2(batch / 16) + 0.002 * random.standard_normal()
    shape = final + 0.8 * np.exp(-3 * progress) + 0.25 / (1 + progress) - 0.25 / (1 + EPOCHS)
    losses = shape + 0.03 * random.standard_normal(len(progress))
    if lost:
        losses[int(1.5 * steps_per_epoch) :] = np.nan
    places = np.arange(1, EPOCHS + 1)
    validation = np.interp(places, progress, shape) + 0.001 * random.standard_normal(EPOCHS)
    if lost:
        validation[1:] = np.nan
    return curve_of_steps(
        f"run-{rate:g}-{batch}-{seed}",
        losses,
        steps_per_epoch=steps_per_epoch,
        validation_epochs=places,
        validation_losses=validation,
        settings={"training.learning_rate": str(rate), "training.batch_size": str(batch), "seed": str(seed)},
    )
