"""The figures as descriptions: what is drawn for whom."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chemscale.report.contents import StudyReport
from chemscale.report.exponents import exponents
from chemscale.report.figures import draw_figures
from chemscale.report.learning_curves import learning_curve_panels
from chemscale.report.loss_charts import loss_against_data, loss_against_size
from chemscale.report.theme import ramp
from chemscale.scaling import fit_by_group

StudyMaker = Callable[..., StudyReport]


def drawn(chart: Any) -> list[dict[str, Any]]:
    """All rows of all data sets of a chart."""
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


def test_every_finished_run_and_every_law_is_drawn(made_up_study: StudyMaker) -> None:
    study = made_up_study()
    rows = drawn(loss_against_size(study.usable, study.fits))
    runs = [row for row in rows if row.get("kind") == "run"]
    means = [row for row in rows if row.get("kind") == "mean"]
    assert len(means) == 12
    assert {row["role"] for row in means} == {"in the fit"}
    assert len(runs) == 20  # 24 runs; the two lost ones leave their partners alone, which are means already
    assert {row["piece"].rsplit("-", 1)[0] for row in rows if "piece" in row} == {"1k", "3k", "10k"}


def test_the_line_is_the_law(made_up_study: StudyMaker) -> None:
    study = made_up_study()
    fit = next(fit for fit in study.fits if fit.x == "data_points")
    assert fit.law is not None
    rows = [row for row in drawn(loss_against_data(study.usable, [fit])) if "piece" in row]
    x = np.array([row["x"] for row in rows])
    assert np.array([row["loss"] for row in rows]) == pytest.approx(fit.law.predict(x))
    assert {row["part"] for row in rows} == {"law", "extrapolation"}
    low, high = fit.law.range
    assert all((low <= row["x"] <= high * (1 + 1e-9)) for row in rows if row["part"] == "law")


def test_left_out_points_are_hollow() -> None:
    sizes = np.logspace(4, 7, 8)
    table = pd.DataFrame({"n_parameters": sizes, "validation_loss": 30 * np.minimum(sizes, sizes[-3]) ** -0.17})
    fits = fit_by_group(table, "n_parameters", "validation_loss")
    chart = loss_against_size(table, fits)
    roles = [row["role"] for row in drawn(chart) if row.get("kind") == "mean"]
    assert roles == ["in the fit"] * 6 + ["left out of the fit"] * 2
    marks = [layer["mark"] for layer in chart.to_dict()["layer"]]
    assert any(mark["type"] == "point" and mark["filled"] is False for mark in marks)


def test_points_that_bend_have_a_guide_without_a_band() -> None:
    sizes = np.logspace(4, 7, 8)
    table = pd.DataFrame({"n_parameters": sizes, "validation_loss": 0.6 + 8 * sizes**-0.25})
    fits = fit_by_group(table, "n_parameters", "validation_loss")
    assert {row["part"] for row in drawn(loss_against_size(table, fits)) if "piece" in row} == {"guide"}


def test_points_without_any_fit_are_drawn(made_up_study: StudyMaker) -> None:
    study = made_up_study(widths=(16, 32))
    rows = drawn(loss_against_size(study.usable, []))
    assert {row["role"] for row in rows} == {"no fit"}


def test_axes_are_logarithmic_and_titled(made_up_study: StudyMaker) -> None:
    study = made_up_study()
    text = loss_against_size(study.usable, study.fits).to_json()
    assert "validation loss (nats per token)" in text and "non-embedding parameters" in text
    assert '"type": "log"' in text and "training molecules" in text


def test_one_data_size_has_no_figure_against_data_and_no_legend(made_up_study: StudyMaker) -> None:
    figures = draw_figures(made_up_study(data_sizes=(1000,), seeds=(0,), bad=False))
    assert figures.against_data is None and figures.data_exponents is None
    assert figures.against_size is not None
    assert '"orient": "top"' not in figures.against_size.to_json()
    assert set(figures.named()) == {"loss_against_model_size", "learning_curves"}


def test_nothing_finished_draws_only_curves(made_up_study: StudyMaker) -> None:
    study = made_up_study()
    table = study.table.assign(status="failed", validation_loss=np.nan)
    figures = draw_figures(replace(study, table=table, fits=()))
    assert set(figures.named()) == {"learning_curves"}


def test_a_table_with_two_columns_is_enough(made_up_study: StudyMaker) -> None:
    study = made_up_study()
    figures = draw_figures(
        replace(study, table=study.table[["run", "validation_loss"]], fits=(), curves=pd.DataFrame())
    )
    assert figures.named() == {}


def test_exponents_show_each_law(made_up_study: StudyMaker) -> None:
    study = made_up_study()
    chart = exponents(study.fits_along("n_parameters"))
    assert chart is not None
    rows = drawn(chart)
    assert [row["label"] for row in rows] == ["1k", "3k", "10k"]
    assert all(row["low"] < row["beta"] < row["high"] for row in rows)
    assert exponents([]) is None


def test_learning_curves_have_a_panel_per_data_size_and_are_thinned(made_up_study: StudyMaker) -> None:
    study = made_up_study(seeds=(0,), bad=False, evaluations=1000)
    panels = learning_curve_panels(study.curves, study.table)
    assert [panel.title for panel in panels] == ["1k molecules", "3k molecules", "10k molecules"]
    rows = pd.DataFrame(drawn(panels[0].chart))
    assert set(rows["which"]) == {"validation", "training"}
    lines = rows.groupby(["run", "which"]).size()
    assert len(lines) == 8 and lines.max() <= 200
    assert rows["x"].max() == study.curves["tokens"].where(study.curves["run"].str.contains("n1000-")).max()


def test_a_diverging_run_does_not_squeeze_the_others(made_up_study: StudyMaker) -> None:
    study = made_up_study(seeds=(0,), bad=False)
    curves = study.curves.copy()
    curves.loc[5, "validation_loss"] = 1e6
    curves.loc[11, "validation_loss"] = np.nan
    text = learning_curve_panels(curves, study.table)[0].chart.to_dict()
    domain = text["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert domain[1] < 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("n", [2, 5, 12])
def test_colours_are_ordered_by_lightness(n: int, scheme: str) -> None:
    """Relative luminance (ITU-R BT.709) rises all along: the order survives grey print and colour blindness."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    colours = [np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)]) for text in ramp(n, scheme)]
    lightness = [float(weights @ (colour / 255) ** 2.2) for colour in colours]
    assert lightness == sorted(lightness) and len(set(lightness)) == n
