"""Laws of several families: planted exponents, the size they are compared at, and the ratio of two losses."""

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.scaling.family_laws import common_size, fit_families, fit_loss_ratio

BETAS = {"schnet": 0.17, "painn": 0.26, "allegro": 0.23}


def made_up(noise: float = 0.0, sizes: tuple[int, ...] = (32, 64)) -> pd.DataFrame:
    random, rows = stream(0, "families"), []
    for family, beta in BETAS.items():
        for size in sizes:
            for data in (100, 300, 1000, 3000, 10000):
                for seed in (0, 1):
                    common, own = noise * random.standard_normal(2)
                    loss = 2 * data**-beta * (size / 64) ** -0.1 * np.exp(common)
                    seen = loss * 0.9 * (data / 100) ** -0.05 * np.exp(0.1 * own)
                    rows.append(
                        {
                            "run": f"{family}-{size}-{data}-{seed}",
                            "family": family,
                            "status": "finished",
                            "capacity": size,
                            "data_points": data,
                            "validation_loss": loss,
                            "seen_loss": seen,
                        }
                    )
    return pd.DataFrame(rows)


def test_every_family_has_its_own_planted_exponent() -> None:
    found = fit_families(made_up(), list(BETAS), 64, model_size="capacity")
    assert list(found.fits) == list(BETAS)
    for family, fit in found.fits.items():
        assert fit.law is not None
        assert fit.law.beta == pytest.approx(BETAS[family], abs=1e-9)
        assert fit.n_runs == 10


def test_differences_are_pair_by_pair_and_corrected_for_their_number() -> None:
    found = fit_families(made_up(0.02), list(BETAS), 64, model_size="capacity")
    assert [(pair.first, pair.second) for pair in found.pairs] == [
        ("schnet", "painn"),
        ("schnet", "allegro"),
        ("painn", "allegro"),
    ]
    p_values = []
    for pair in found.pairs:
        assert pair.difference is not None
        low, high = pair.difference.interval
        assert low <= BETAS[pair.first] - BETAS[pair.second] <= high
        p_values.append(pair.difference.p)
    smallest = min(found.pairs, key=lambda pair: pair.difference.p if pair.difference else 1)
    assert smallest.holm_p == pytest.approx(min(1, 3 * min(p_values)))
    largest = max(found.pairs, key=lambda pair: pair.difference.p if pair.difference else 0)
    assert largest.holm_p >= max(p_values)


def test_a_family_without_runs_has_a_reason_and_keeps_its_place() -> None:
    found = fit_families(made_up(), ["schnet", "spookynet"], 64, model_size="capacity")
    assert found.fits["spookynet"].law is None
    assert "no finished run of model size 64" in found.fits["spookynet"].problem
    (pair,) = found.pairs
    assert pair.difference is None and pair.problem == "no law of spookynet"


def test_the_ratio_of_two_losses_has_the_difference_of_their_exponents_with_less_noise() -> None:
    table = made_up(0.1)
    losses = {name: fit_families(table, list(BETAS), 64, loss=name, model_size="capacity") for name in
              ("validation_loss", "seen_loss")}  # fmt: skip
    ratio = fit_loss_ratio(table, list(BETAS), 64, over="validation_loss", under="seen_loss", model_size="capacity")
    for family, fit in ratio.fits.items():
        separate = losses["validation_loss"].fits[family].law
        assert fit.law is not None and separate is not None
        low, high = fit.law.intervals["beta"]
        assert low <= -0.05 <= high
        assert fit.law.standard_errors["beta"] < 0.5 * separate.standard_errors["beta"]
        assert fit.law.verdict == "all"


def test_families_are_compared_where_most_of_them_have_a_law() -> None:
    table = made_up()
    assert common_size(table, model_size="capacity") == 32  # the smaller of two that are as good
    assert common_size(table, model_size="capacity", preferred=64) == 64
    assert common_size(table, model_size="capacity", preferred=7) == 32
    few = table[~((table["capacity"] == 64) & (table["family"] == "painn"))]
    assert common_size(few, model_size="capacity", preferred=64) == 32
    with pytest.raises(FitError, match="no finished run"):
        common_size(table.iloc[:0], model_size="capacity")
