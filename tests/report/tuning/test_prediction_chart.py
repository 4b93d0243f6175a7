"""Predicted against true: whose points, which intervals, and what the caption claims."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from chemscale.report.panels import Panel
from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.prediction_chart import prediction_panels, quality_text
from chemscale.report.tuning.runs import HELD_OUT, IN_LINE, tuned_runs


def panels_of(report: TuningReport) -> dict[str, Panel]:
    return {panel.name: panel for panel in prediction_panels(report, tuned_runs(report))}


def points_of(panel: Panel) -> pd.DataFrame:
    frames = [pd.DataFrame(rows) for rows in panel.chart.to_dict()["datasets"].values()]
    return max((frame for frame in frames if "role" in frame), key=len)


def marks_of(panel: Panel) -> list[dict[str, Any]]:
    return [layer["mark"] for layer in panel.chart.to_dict()["layer"]]


def test_calibration_and_held_out_runs_are_apart(replayed: TuningReport) -> None:
    panel = panels_of(replayed)["predicted_against_true"]
    points = points_of(panel)
    assert points["role"].value_counts().to_dict() == {HELD_OUT: 12, IN_LINE: 6}
    filled = [mark.get("filled", False) for mark in marks_of(panel) if mark["type"] == "point"]
    assert filled == [True, False]
    shape = panel.chart.to_dict()["layer"][-1]["encoding"]["shape"]["scale"]
    assert shape == {"domain": [HELD_OUT, IN_LINE], "range": ["circle", "diamond"]}


def test_points_and_intervals_are_those_of_the_estimate(replayed: TuningReport) -> None:
    points = points_of(panels_of(replayed)["predicted_against_true"]).set_index("run")
    assert replayed.estimate is not None
    for one in replayed.estimate.predictions:
        row = points.loc[one.run]
        assert (row["predicted"], row["final"]) == pytest.approx((one.predicted, replayed.final[one.run]))
        assert (row["low"], row["high"]) == pytest.approx(one.student)
        assert (row["jackknife_low"], row["jackknife_high"]) == pytest.approx(one.jackknife)


def test_the_line_is_one_to_one_and_inside_the_axes(replayed: TuningReport) -> None:
    spec = panels_of(replayed)["predicted_against_true"].chart.to_dict()
    line = spec["datasets"][spec["layer"][0]["data"]["name"]]
    assert [row["final"] for row in line] == [row["predicted"] for row in line]
    low, high = spec["layer"][1]["encoding"]["y"]["scale"]["domain"]
    assert all(low <= row["predicted"] <= high for row in line)


def test_the_caption_has_rho_over_all_and_in_the_best_third(replayed: TuningReport) -> None:
    table = tuned_runs(replayed).table
    rho = stats.spearmanr(table["score"], table["final"]).statistic
    best = table.sort_values("final").head(7)  # a third of 20 runs, rounded up
    inside = stats.spearmanr(best["score"], best["final"]).statistic
    text = quality_text(replayed, tuned_runs(replayed))
    assert f"ρ = {rho:.2f} over all 20 runs, {inside:.2f} inside the best third" in text


def test_the_caption_counts_the_intervals_that_held(replayed: TuningReport) -> None:
    table = tuned_runs(replayed).table
    apart = table[table["role"] == HELD_OUT]
    held = int(((apart["low"] <= apart["final"]) & (apart["final"] <= apart["high"])).sum())
    text = quality_text(replayed, tuned_runs(replayed))
    assert f"Held out of the line: {held} of 12 in their 90 % Student t intervals" in text
    assert "86 % jackknife+" in text  # six runs in the line: 6/7 is the most that can be attained


def test_without_held_out_runs_the_caption_says_that_it_is_no_test(replayed: TuningReport) -> None:
    stopped = {one.run for one in replayed.decisions if one.action == "stop"} - replayed.calibration_runs
    report = replace(replayed, final={run: loss for run, loss in replayed.final.items() if run not in stopped})
    assert "no test of it" in quality_text(report, tuned_runs(report))
    assert set(points_of(panels_of(report)["predicted_against_true"])["role"]) == {IN_LINE}


def test_the_best_third_has_a_picture_of_its_own(replayed: TuningReport) -> None:
    panels = panels_of(replayed)
    best = sorted(tuned_runs(replayed).table["final"])[:6]  # of the 18 runs with a finite end
    assert sorted(points_of(panels["predicted_best_third"])["final"]) == pytest.approx(best)


def test_the_forest_has_every_prediction_lowest_first(replayed: TuningReport) -> None:
    spec = panels_of(replayed)["predictions"].chart.to_dict()
    points = points_of(panels_of(replayed)["predictions"])
    assert len(points) == 18 and (np.diff(points["predicted"]) >= 0).all()
    assert spec["layer"][0]["encoding"]["y"]["sort"] == list(points["label"])


def test_a_wide_interval_is_cut_rather_than_squeezing_the_points(replayed: TuningReport) -> None:
    assert replayed.estimate is not None
    first, *rest = replayed.estimate.predictions
    wild = replace(replayed.estimate, predictions=(replace(first, student=(-50.0, 50.0)), *rest))
    panels = panels_of(replace(replayed, estimate=wild))
    for name, channel in (("predicted_against_true", "y"), ("predictions", "x")):
        low, high = panels[name].chart.to_dict()["layer"][1]["encoding"][channel]["scale"]["domain"]
        assert high - low < 1
    assert "are cut" in panels["predicted_against_true"].caption
    assert "are cut" not in panels_of(replayed)["predicted_against_true"].caption


def test_without_predictions_there_is_no_picture(replayed: TuningReport) -> None:
    assert replayed.estimate is not None
    assert panels_of(replace(replayed, estimate=replace(replayed.estimate, predictions=()))) == {}
    assert panels_of(replace(replayed, estimate=None)) == {}
