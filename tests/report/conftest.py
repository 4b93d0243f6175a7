"""Small made-up studies for the report tests."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from chemscale.base.seeds import stream
from chemscale.report.contents import StudyReport
from chemscale.scaling import fit_study


@pytest.fixture(scope="session")
def made_up_study() -> Callable[..., StudyReport]:
    """The maker of studies, as a fixture so that every test file finds it."""
    return _made_up_study


def _made_up_study(
    widths: tuple[int, ...] = (16, 32, 64, 128),
    data_sizes: tuple[int, ...] = (1000, 3000, 10000),
    seeds: tuple[int, ...] = (0, 1),
    bad: bool = True,
    evaluations: int = 6,
) -> StudyReport:
    """A grid of runs of a power law with 1 % noise; one failed and one diverged where `bad`."""
    random = stream(0, "made-up study")
    rows, curves = [], []
    for width in widths:
        size = 24 * (12 * width**2 + 10 * width) + 2 * width
        for data in data_sizes:
            for seed in seeds:
                run = f"chemgpt-w{width}-n{data}-s{seed}"
                loss = 8 * size**-0.1 * data**-0.05 * np.exp(0.01 * random.standard_normal())
                rows.append(_row(run, seed, width, data, size, loss))
                for k in range(1, evaluations + 1):
                    now = loss * (1 + np.exp(-5 * k / evaluations))
                    curves.append(_evaluation(run, k, now, data))
    table = pd.DataFrame(rows)
    if bad:
        table.loc[1, ["status", "validation_loss"]] = ["failed", np.nan]
        table.loc[4, ["status", "validation_loss"]] = ["diverged", np.nan]
    return StudyReport(
        title="A <study> & more",
        table=table,
        fits=fit_study(table),
        curves=pd.DataFrame(curves),
        commands=["chemscale study demo --out runs/demo"],
        environment={"torch": "2.13.0", "python": "3.11"},
        config_text='family = "chemgpt"  # </script><script>window.broken = 1</script>\n',
        notes=["Losses are per real token."],
    )


def _row(run: str, seed: int, width: int, data: int, size: int, loss: float) -> dict[str, object]:
    return {
        "run": run, "family": "chemgpt", "status": "finished", "seed": seed, "model.width": width, "data.size": data,
        "validation_loss": loss, "final_validation_loss": loss * 1.01, "train_loss": loss * 0.97,
        "n_parameters": size, "n_parameters_total": size + 9000, "data_points": data, "tokens": data * 38,
        "tokens_seen": data * 380, "training_flops": 6.0 * size * data * 380, "seconds": 10.0 + size * data / 1e8,
        "peak_memory_bytes": 3e8, "steps": data // 10, "precision": "float32",
    }  # fmt: skip


def _evaluation(run: str, k: int, loss: float, data: int) -> dict[str, object]:
    return {
        "run": run, "step": 10 * k, "epoch": float(k), "examples": k * data, "tokens": k * data * 38,
        "train_loss": 0.98 * loss, "validation_loss": loss, "learning_rate": 1e-3, "seconds": 1.0 * k,
    }  # fmt: skip
