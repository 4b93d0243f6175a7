"""Forest plots: rows, and what is done with endless intervals."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import FitError
from chemscale.report.forest_chart import ExponentRow, forest_chart, forest_rows
from chemscale.scaling import fit_power_law
from chemscale.scaling.fitting import fit_law

SIZES = np.geomspace(1e4, 1e7, 7)
WIGGLE = np.exp(0.01 * np.array([1, -1, 0.5, -0.5, 1, -0.3, 0.2]))


def frame_of(chart: Any) -> pd.DataFrame:
    return pd.DataFrame(next(iter(chart.to_dict()["datasets"].values())))


def test_rows_of_several_laws() -> None:
    losses = (1.5 + 40 * SIZES**-0.3) * WIGGLE
    floor, power = fit_law("saturating", {"n": SIZES}, losses), fit_power_law(SIZES, losses)
    rows = forest_rows({"with floor": floor, "without": power})
    assert [(row.exponent, row.label) for row in rows] == [
        ("beta", "with floor, squares"),
        ("beta", "with floor, Huber"),
        ("beta", "without"),
    ]
    assert (rows[0].low, rows[0].high) == floor.intervals["beta"]
    assert rows[1].value == floor.huber["beta"] and np.isnan(rows[1].low)
    assert rows[2].value == power.beta
    assert len(forest_rows({"with floor": floor}, with_huber=False)) == 1


def test_rows_stand_exponent_by_exponent() -> None:
    size, data = (part.reshape(-1) for part in np.meshgrid(SIZES, SIZES))
    random = np.random.default_rng(0)
    losses = (1 + 9 * size**-0.2 + 9 * data**-0.3) * np.exp(0.01 * random.standard_normal(49))
    fits = {name: fit_law("additive", {"N": size, "D": data}, losses) for name in ("a", "b")}
    assert [row.exponent for row in forest_rows(fits)] == ["alpha"] * 4 + ["beta"] * 4
    drawn = frame_of(forest_chart(forest_rows(fits)))
    assert drawn["row"].iloc[0] == "α   a, squares"


def test_endless_and_huge_intervals_do_not_hide_the_others() -> None:
    rows = [
        ExponentRow("beta", "good", 0.30, 0.28, 0.32),
        ExponentRow("beta", "fair", 0.33, 0.30, 0.36),
        ExponentRow("beta", "open", 0.31, 0.25, np.inf),
        ExponentRow("beta", "wide", 0.29, -5.0, 6.0),
        ExponentRow("beta", "Huber", 0.29),
    ]
    chart = forest_chart(rows)
    low, high = chart.to_dict()["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert 0.0 < low < 0.25 and 0.36 < high < 0.6
    drawn = frame_of(chart).set_index("label")
    assert drawn.loc["open", "right"] < high and drawn.loc["wide", "left"] > low
    assert drawn["has_interval"].tolist() == [True, True, True, True, False]


def test_no_rows_are_refused() -> None:
    with pytest.raises(FitError, match="no exponent"):
        forest_chart([])
