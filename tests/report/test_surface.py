"""The surface chart: what is drawn lies where the law says."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.report.budgets import Budgets
from chemscale.report.surface import frontier_frame, optimal_path, surface_chart, surface_panel
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.planning.cost import SixND
from chemscale.scaling.planning.frontier import frontier


def grid_fit(law: str = "additive", flat: bool = False) -> LawFit:
    size, data = (part.reshape(-1) for part in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 1e10, 5)))
    losses = 1.8 + (0.0 if flat else 478) * size**-0.35 + 2143 * data**-0.37
    scatter = np.exp(0.01 * stream(5, "surface").standard_normal(len(size)))
    return fit_law(law, {"N": size, "D": data}, losses * scatter)


def frames(chart: Any) -> list[pd.DataFrame]:
    return [pd.DataFrame(rows) for rows in chart.to_dict()["datasets"].values()]


def frame_with(chart: Any, *columns: str) -> pd.DataFrame:
    return next(frame for frame in frames(chart) if set(columns) <= set(frame.columns))


@pytest.mark.parametrize("law", ["additive", "kaplan", "log-quadratic"])
def test_every_line_has_one_loss(law: str) -> None:
    fit = grid_fit(law)
    lines = frame_with(surface_chart(fit), "line", "loss")
    assert lines["line"].nunique() >= 6
    np.testing.assert_allclose(fit.predict(lines["x"], lines["y"]), lines["loss"], rtol=2e-3)


def test_every_cell_is_drawn() -> None:
    fit = grid_fit()
    cells = frame_with(surface_chart(fit), "n_seeds")
    assert len(cells) == 30
    np.testing.assert_allclose(cells["loss"], fit.cells.loss)


def test_every_line_is_labelled_where_it_runs() -> None:
    fit = grid_fit()
    labels = frame_with(surface_chart(fit), "at_edge")
    np.testing.assert_allclose(fit.predict(labels["x"], labels["y"]), labels["text"].astype(float), rtol=2e-3)
    assert labels["at_edge"].any() and not labels["at_edge"].all()


def test_the_path_is_the_frontier_with_its_band() -> None:
    fit = grid_fit()
    path = optimal_path(fit)
    a, b, alpha, beta = (fit.parameters[name] for name in ("A", "B", "alpha", "beta"))
    gain = (alpha * a / (beta * b)) ** (1 / (alpha + beta))
    np.testing.assert_allclose(path["parameters"], gain * (path["budget"] / 6) ** (beta / (alpha + beta)), rtol=1e-6)
    np.testing.assert_allclose(6 * path["parameters"] * path["data"], path["budget"])
    assert (path["parameters_low"] < path["parameters"]).all() and (path["data"] < path["data_high"]).all()
    same = frontier_frame(frontier(fit, SixND(), path["budget"]))
    pd.testing.assert_frame_equal(path, same)
    marks = next(frame for frame in frames(surface_chart(fit, path)) if set(frame.columns) == {"x", "y", "text"})
    assert marks["text"].tolist() == ["1e16", "1e17", "1e18", "1e19"]
    np.testing.assert_allclose(6 * marks["x"] * marks["y"], marks["text"].astype(float), rtol=1e-6)


def test_measured_compute_moves_the_budgets_and_not_the_path() -> None:
    fit = grid_fit()
    path = optimal_path(fit, 60 * fit.cells.values.prod(axis=1))
    np.testing.assert_allclose(60 * path["parameters"] * path["data"], path["budget"])
    assert "C = 6 N D" in surface_panel(fit).caption
    assert "C = 6 N D" not in surface_panel(fit, budgets=Budgets(60 * fit.cells.values.prod(axis=1))).caption


def test_refused_budgets_have_no_path_and_a_reason() -> None:
    panel = surface_panel(grid_fit(), budgets=Budgets(refused="nobody knows what the runs cost"))
    assert "isoFLOP valleys: nobody knows what the runs cost." in panel.caption and "Thick line" not in panel.caption
    assert not any("budget" in frame for frame in frames(panel.chart))


def test_an_exponent_that_may_be_zero_has_no_band() -> None:
    fit = grid_fit(flat=True)
    assert fit.intervals["alpha"][0] <= 0
    path = optimal_path(fit)
    assert "parameters_low" not in path
    assert "no band" in surface_panel(fit).caption and "no band" not in surface_panel(grid_fit()).caption


def test_a_path_outside_of_the_cells_is_said() -> None:
    fit = grid_fit()
    away = optimal_path(fit).assign(parameters=lambda frame: frame["parameters"] * 1e6)
    assert "outside of the figure" in surface_panel(fit, away).caption


@pytest.mark.parametrize(("dropped", "held"), [(np.arange(0), 1.0), (np.array([0, 5, 9]), 4.0)])
def test_the_third_input_is_that_of_most_cells(dropped: np.ndarray, held: float) -> None:
    axes = np.meshgrid(np.geomspace(1e6, 1e9, 4), np.geomspace(1e8, 1e10, 4), [1.0, 4.0, 16.0, 64.0], indexing="ij")
    size, data, epochs = (np.delete(part.reshape(-1), 4 * dropped) for part in axes)
    worth = data * (1 + 15 * -np.expm1(-(epochs - 1) / 15))
    losses = 1.8 + 478 * size**-0.35 + 2143 * worth**-0.37
    scatter = np.exp(0.01 * stream(6, "epochs").standard_normal(len(size)))
    fit = fit_law("repeated", {"N": size, "D": data, "epochs": epochs}, losses * scatter)
    panel = surface_panel(fit)
    assert f"Both with epochs = {held:g}." in panel.caption and "Thick line" not in panel.caption
    lines, cells = frame_with(panel.chart, "line", "loss"), frame_with(panel.chart, "n_seeds")
    np.testing.assert_allclose(fit.predict(lines["x"], lines["y"], held), lines["loss"], rtol=2e-3)
    np.testing.assert_allclose(cells["loss"], fit.cells.loss[np.isclose(fit.cells.values[:, 2], held)])
    assert len(cells) == 16


def test_labels_beside_the_figure_do_not_lie_on_each_other() -> None:
    fit = grid_fit()
    size = np.tile(np.geomspace(3e3, 1e5, 5), 4)
    data = np.repeat([100.0, 400.0, 1600.0, 6400.0], 5)
    steep = fit_law("additive", {"N": size, "D": data}, 0.98 + 1.86 * size**-0.14 + 16000 * data**-2.3, shared=None)
    for one in (fit, steep):
        labels = frame_with(surface_chart(one), "at_edge")
        beside = np.sort(np.log(labels.loc[labels["at_edge"], "y"]))
        assert len(beside) >= 4
        reach = np.log(one.cells.values[:, 1].max() / one.cells.values[:, 1].min())
        assert np.diff(beside).min() > 0.03 * reach


def test_a_law_of_one_input_is_no_surface() -> None:
    sizes = np.geomspace(1e4, 1e8, 6)
    with pytest.raises(FitError, match="model size and data size, got 'power'"):
        surface_chart(fit_law("power", {"n": sizes}, 5 * sizes**-0.1))
