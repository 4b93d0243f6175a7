"""A made-up study of several families whose exponents are known."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from chemscale.base.seeds import stream

BETAS = {"schnet": 0.17, "painn": 0.26, "allegro": 0.23, "spookynet": 0.21}
SEEN_MORE = 0.06  # the loss on seen molecules falls by so much faster
MODELS = ((16, 2), (16, 4), (32, 4), (64, 3), (64, 4))
DATA_SIZES = (100, 300, 1000, 3000, 10000)


@pytest.fixture(scope="session")
def families_study() -> Callable[..., tuple[pd.DataFrame, pd.DataFrame]]:
    """The maker of studies, as a fixture so that every test file finds it."""
    return make_families_study


def make_families_study(
    models: tuple[tuple[int, int], ...] = MODELS,
    data_sizes: tuple[int, ...] = DATA_SIZES,
    seeds: tuple[int, ...] = (0, 1, 2),
    noise: float = 0.02,
    seen: bool = True,
    bad: bool = True,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table and curves of loss = a n^-beta (c/64)^-0.08; one run diverged where `bad`."""
    random = stream(0, "made-up families")
    rows, curves = [], []
    for number, (family, beta) in enumerate(BETAS.items()):
        for width, depth in models:
            for data in data_sizes:
                for seed in seeds:
                    run = f"{family}-w{width}-d{depth}-n{data}-s{seed}"
                    common = noise * random.standard_normal()
                    capacity = width * depth
                    loss = 0.9 * (1 - 0.12 * number) * data**-beta * (capacity / 64) ** -0.08
                    loss *= np.exp(common + 0.3 * noise * random.standard_normal())
                    ratio = 0.97 * (data / 100) ** -SEEN_MORE
                    row = _row(run, family, seed, (width, depth), data, loss, 1 + number)
                    rows.append(
                        row | ({"seen_loss": ratio * loss, "seen_force_mae": 1000 * ratio * loss} if seen else {})
                    )
                    curves += [_evaluation(run, k, loss * (1 + 2 * np.exp(-0.7 * k)), data) for k in range(1, 9)]
    table = pd.DataFrame(rows)
    if bad:
        table.loc[0, ["status", "validation_loss"]] = ["diverged", np.nan]
    return table, pd.DataFrame(curves)


def _row(
    run: str, family: str, seed: int, model: tuple[int, int], data: int, loss: float, slowness: int
) -> dict[str, object]:
    width, depth = model
    size = 100 * width + depth * (11 * width**2 + 71 * width)
    seconds = 2.0 + slowness * depth * width**1.3 * data * 2e-4
    return {
        "run": run, "family": family, "status": "finished", "seed": seed, "model.width": width, "model.depth": depth,
        "data.size": data, "validation_loss": loss, "final_validation_loss": loss * 1.01, "train_loss": loss * 0.8,
        "force_mae": 1000 * loss, "energy_mae": 100 * loss, "n_parameters": size, "capacity": width * depth,
        "data_points": data, "tokens": data * 45, "tokens_seen": data * 4500, "training_flops": 6.0 * size * data * 1e5,
        "seconds": 1.1 * seconds, "cpu_seconds": seconds, "peak_memory_bytes": 3e8, "steps": 40 * data // 10,
        "precision": "float32",
    }  # fmt: skip


def _evaluation(run: str, k: int, loss: float, data: int) -> dict[str, object]:
    return {
        "run": run, "step": 10 * k, "epoch": 5.0 * k, "examples": k * data, "tokens": k * data * 45,
        "train_loss": 0.8 * loss, "validation_loss": loss, "learning_rate": 1e-3, "seconds": 1.0 * k,
    }  # fmt: skip
