"""The picture of isoFLOP valleys, and what its caption says."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import FitError
from chemscale.report.isoflop import isoflop_chart, isoflop_panel, valley_caption
from chemscale.report.valleys import Valley, find_valleys
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit


def valley_fit() -> LawFit:
    size = np.tile(np.geomspace(3e6, 1e9, 8), 3)
    data = np.repeat([1e17, 1e18, 1e19], 8) / (6 * size)
    return fit_law("additive", {"N": size, "D": data}, 1.8 + 478 * size**-0.35 + 2143 * data**-0.37, shared=None)


def made_up(best: float, vertex: float) -> Valley:
    return Valley(1e18, np.array([1e6, 1e9]), np.array([3.0, 3.0]), best, 2.5, vertex, np.zeros(3))


def test_runs_curves_and_both_optima_are_drawn() -> None:
    fit = valley_fit()
    valleys, scale = find_valleys(fit)
    sets = [pd.DataFrame(rows) for rows in isoflop_chart(fit).to_dict()["datasets"].values()]
    marks = next(frame for frame in sets if "kind" in frame)
    lines = next(frame for frame in sets if "of" in frame and "line" in frame)
    assert marks["kind"].value_counts().to_dict() == {
        "run": 24, "optimum of the law": 3, "vertex of the parabola": 3,
    }  # fmt: skip
    for valley, label in zip(valleys, ["1e17", "1e18", "1e19"], strict=True):
        own = marks[marks["label"] == label].set_index("kind")
        assert own.loc["optimum of the law", "x"] == pytest.approx(valley.best)
        assert own.loc["vertex of the parabola", "x"] == pytest.approx(valley.vertex)
        law = lines[(lines["label"] == label) & (lines["of"] == "law")]
        np.testing.assert_allclose(law["loss"], scale.loss_at(law["x"].to_numpy(), valley.budget))
        assert law["loss"].min() >= valley.best_loss * (1 - 1e-9)


def test_the_caption_says_how_far_the_optima_differ() -> None:
    text = valley_caption([made_up(1e7, 0.8e7), made_up(1e7, 1.1e7), made_up(1e7, 1.05e7)])
    assert text.endswith("−20 % to +10 % off, median +5 % over 3 budgets.")
    assert valley_caption([made_up(1e7, 1.2e7)]).endswith(": +20 %.")
    assert "No parabola" in valley_caption([made_up(1e7, float("nan"))])


def test_a_valley_without_a_vertex_is_drawn_without_it() -> None:
    fit = valley_fit()
    kept = fit.cells.values[:, 0] < 2e7
    panel = isoflop_panel(replace(fit, cells=fit.cells.subset(kept)), levels=[1e19])
    assert panel is None  # three sizes are too few
    size = np.tile(np.geomspace(3e5, 3e6, 5), 2)
    data = np.repeat([1e18, 1e19], 5) / (6 * size)
    slope = fit_law("additive", {"N": size, "D": data}, 1.8 + 478 * size**-0.35 + 2143 * data**-0.37, shared=None)
    rows = [row for rows in isoflop_chart(slope).to_dict()["datasets"].values() for row in rows]
    assert {row["kind"] for row in rows if "kind" in row} == {"run", "optimum of the law"}
    assert all(np.isfinite(row["loss"]) for row in rows if "loss" in row)


def test_no_budget_with_enough_runs_is_refused() -> None:
    with pytest.raises(FitError, match="give `levels`"):
        isoflop_chart(valley_fit(), levels=[1e10])
