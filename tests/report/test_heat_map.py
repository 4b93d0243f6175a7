"""Heat maps: the numbers in the cells, and what limits them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from chemscale.base.errors import FitError
from chemscale.base.seeds import stream
from chemscale.report.heat_map import heat_map, heat_map_panels, is_grid, loss_map, regime_map
from chemscale.scaling.fitting import fit_law
from chemscale.scaling.law_fit import LawFit


def fit_of(size: np.ndarray, data: np.ndarray, law: str = "additive", **training: np.ndarray) -> LawFit:
    scatter = np.exp(0.01 * stream(7, "map").standard_normal(len(size)))
    losses = (1.8 + 478 * size**-0.35 + 2143 * data**-0.37) * scatter
    return fit_law(law, {"N": size, "D": data}, losses, training=training)


def grid(n_sizes: int = 6, n_data: int = 5) -> tuple[np.ndarray, np.ndarray]:
    axes = np.meshgrid(np.geomspace(1e6, 3e9, n_sizes), np.geomspace(1e8, 3e10, n_data))
    return axes[0].reshape(-1), axes[1].reshape(-1)


def scattered() -> tuple[np.ndarray, np.ndarray]:
    random = stream(8, "scattered")
    return np.exp(random.uniform(14, 22, 40)), np.exp(random.uniform(18, 24, 40))


def rows_of(chart: Any) -> pd.DataFrame:
    return pd.concat([pd.DataFrame(rows) for rows in chart.to_dict()["datasets"].values()])


def marks_of(chart: Any) -> set[str]:
    return {layer["mark"]["type"] for layer in chart.to_dict()["layer"]}


def test_every_cell_of_a_grid_has_its_measured_loss() -> None:
    fit = fit_of(*grid())
    chart = loss_map(fit)
    texts = rows_of(chart).dropna(subset=["text"])
    assert len(texts) == 30
    np.testing.assert_allclose(texts["text"].astype(float), texts["loss"], atol=6e-4)
    assert sorted(texts["loss"]) == pytest.approx(sorted(fit.cells.loss))
    assert marks_of(chart) == {"rect", "text"}


def test_numbers_are_light_on_dark_cells_and_dark_on_light_ones() -> None:
    texts = rows_of(loss_map(fit_of(*grid()))).dropna(subset=["text"])
    assert texts[texts["style"] == "on_dark"]["loss"].max() < texts[texts["style"] == "on_light"]["loss"].min()


def test_the_limiting_share_is_that_of_the_fit() -> None:
    fit = fit_of(*grid())
    texts = rows_of(regime_map(fit)).dropna(subset=["text"]).set_index(["x", "y"])
    assert {"model-limited", "mixed", "data-limited"} == set(texts["label"])
    for regime in fit.regimes:
        text = texts.loc[(regime.parameters, regime.data), "text"]
        share = max(regime.model_share, regime.data_share)
        assert text == f"{'N' if regime.model_share >= 0.5 else 'D'} {100 * share:.0f} %"
        if regime.label == "model-limited":
            assert text.startswith("N")


def test_a_limit_of_the_training_is_a_word() -> None:
    size, data = grid()
    steps = np.where(data == data.min(), 100.0, 1e5)
    fit = fit_of(size, data, steps=steps, warmup_steps=np.full(30, 100.0))
    texts = rows_of(regime_map(fit)).dropna(subset=["text"])
    limited = texts[texts["y"] == data.min()]
    assert set(limited["text"]) == {"steps"} and set(limited["label"]) == {"step-limited"}
    legend = regime_map(fit).to_dict()["layer"][0]["encoding"]["color"]["legend"]["values"]
    assert "step-limited" in legend and "at the floor" not in legend


def test_scattered_cells_are_points_without_numbers() -> None:
    fit = fit_of(*scattered())
    assert not is_grid(fit)
    for chart in (loss_map(fit), regime_map(fit)):
        assert marks_of(chart) == {"point"}
        assert len(rows_of(chart)) == 40
    assert "Numbers" not in heat_map_panels(fit)[1].caption


def test_a_grid_with_holes_is_a_grid() -> None:
    size, data = grid()
    kept = np.arange(30) % 4 != 0
    assert is_grid(fit_of(size[kept], data[kept]))


def test_a_law_without_two_terms_has_one_map() -> None:
    fit = fit_of(*grid(), law="log-quadratic")
    assert [panel.name for panel in heat_map_panels(fit)] == ["loss_map"]
    assert len(heat_map(fit).to_dict()["vconcat"][0]["hconcat"]) == 1
    with pytest.raises(FitError, match=r"log-quadratic.*no regimes"):
        regime_map(fit)


def test_a_law_of_one_input_has_no_map() -> None:
    sizes = np.geomspace(1e4, 1e8, 6)
    with pytest.raises(FitError, match="model size and data size"):
        loss_map(fit_law("power", {"n": sizes}, 5 * sizes**-0.1))


def test_a_map_shows_the_epochs_that_most_cells_have() -> None:
    size, data = grid(4, 4)
    size, data, epochs = np.tile(size, 3), np.tile(data, 3), np.repeat([1.0, 4.0, 16.0], 16)
    kept = (epochs == 4) | (np.arange(48) % 3 != 0)
    size, data, epochs = size[kept], data[kept], epochs[kept]
    worth = data * (1 + 15 * -np.expm1(-(epochs - 1) / 15))
    scatter = np.exp(0.01 * stream(9, "epochs").standard_normal(len(size)))
    losses = (1.8 + 478 * size**-0.35 + 2143 * worth**-0.37) * scatter
    fit = fit_law("repeated", {"N": size, "D": data, "epochs": epochs}, losses)
    panels = heat_map_panels(fit)
    assert all("epochs = 4" in panel.caption for panel in panels)
    assert len(rows_of(panels[0].chart).dropna(subset=["text"])) == 16
