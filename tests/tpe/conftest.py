"""A sweep whose ends are known: losses E + A (t + 0.1)^-0.5 with step noise, the best runs with the smallest E."""

from collections.abc import Callable

import numpy as np
import pytest

from chemscale.base.seeds import stream
from chemscale.tpe import Curve, curve_of_steps

MakeSweep = Callable[..., tuple[list[Curve], dict[str, float]]]


@pytest.fixture
def make_sweep() -> MakeSweep:
    """(n_runs, epochs, steps, noise, seed) -> (curves, run -> final loss without noise)."""

    def make(
        n_runs: int = 16, epochs: int = 20, steps: int = 10, noise: float = 0.02, seed: int = 0
    ) -> tuple[list[Curve], dict[str, float]]:
        generator = stream(seed, "test sweep")
        progress = (np.arange(epochs * steps) + 1) / steps
        curves, final = [], {}
        for index in range(n_runs):
            floor, height = 1 + 0.1 * index, 2 + generator.random()
            clean = floor + height * (progress + 0.1) ** -0.5
            name = f"r{index:02d}"
            curves.append(
                curve_of_steps(
                    name,
                    clean + noise * generator.standard_normal(len(clean)),
                    steps_per_epoch=steps,
                    validation_epochs=np.arange(1, epochs + 1),
                    validation_losses=clean[steps - 1 :: steps] + 0.05,
                )
            )
            final[name] = float(clean[-1] + 0.05)
        return curves, final

    return make
