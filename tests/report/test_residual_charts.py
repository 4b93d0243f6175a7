"""Residual panels: every cell in percent, with the noise band."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from chemscale.base.seeds import stream
from chemscale.report.residual_charts import residual_chart, residual_panels
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit


def grid_fit() -> LawFit:
    size, data = (part.reshape(-1) for part in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 1e10, 5)))
    scatter = np.exp(0.01 * stream(10, "residuals").standard_normal(30))
    return fit_law("additive", {"N": size, "D": data}, (1.8 + 478 * size**-0.35 + 2143 * data**-0.37) * scatter)


def frames(chart: Any) -> list[pd.DataFrame]:
    return [pd.DataFrame(rows) for rows in chart.to_dict()["datasets"].values()]


def test_residuals_are_in_percent_against_loss_and_inputs() -> None:
    fit = grid_fit()
    panels = residual_panels(fit)
    assert [panel.name for panel in panels] == ["residuals_fitted", "residuals_parameters", "residuals_data"]
    against = [fit.predict(*fit.cells.values.T), *fit.cells.values.T]
    for panel, values in zip(panels, against, strict=True):
        points = next(frame for frame in frames(panel.chart) if "n_seeds" in frame)
        np.testing.assert_allclose(points["x"], values)
        np.testing.assert_allclose(points["residual"], 100 * np.log(fit.cells.loss / points["fitted"]), atol=1e-9)
        band = next(frame for frame in frames(panel.chart) if "high" in frame)
        assert band.loc[0, "high"] == pytest.approx(200 * fit.noise)
    assert len(residual_chart(fit).to_dict()["vconcat"][0]["hconcat"]) == 3


def test_the_line_is_the_mean_of_every_size() -> None:
    fit = grid_fit()
    chart = residual_panels(fit)[2].chart
    means = next(frame for frame in frames(chart) if set(frame.columns) == {"x", "residual"})
    by_data = pd.Series(100 * fit.residuals).groupby(fit.cells.values[:, 1]).mean()
    np.testing.assert_allclose(means["x"], by_data.index)
    np.testing.assert_allclose(means["residual"], by_data)


def test_residuals_of_a_score_are_in_its_own_unit() -> None:
    sizes = np.geomspace(1e3, 1e6, 8)
    scores = 0.2 * sizes**0.1 + 0.01 * stream(11, "scores").standard_normal(8)
    fit = fit_law("increasing", {"n": sizes}, scores)
    points = next(frame for frame in frames(residual_panels(fit)[1].chart) if "n_seeds" in frame)
    np.testing.assert_allclose(points["residual"], scores - fit.predict(sizes), atol=1e-12)
