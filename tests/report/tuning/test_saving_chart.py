"""Saving against regret."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from chemscale.report.panels import Panel
from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.policy_points import BASELINE, points_of
from chemscale.report.tuning.saving_chart import saving_panels


def rows_of(panel: Panel) -> pd.DataFrame:
    return max((pd.DataFrame(rows) for rows in panel.chart.to_dict()["datasets"].values()), key=len)


def marks_of(panel: Panel) -> list[Any]:
    return [layer["mark"] for layer in panel.chart.to_dict()["layer"]]


def test_points_are_the_means_over_resamplings(replayed: TuningReport) -> None:
    regret, kept = saving_panels(replayed.policy_points)
    rows = rows_of(regret)
    expected = [point.row.expected for point in replayed.policy_points]
    assert list(rows["regret"]) == pytest.approx([one.regret for one in expected])
    assert list(rows["saved"]) == pytest.approx([100 * one.saved for one in expected])
    assert list(rows_of(kept)["kept"]) == pytest.approx([100 * one.p_tie_kept for one in expected])


def test_the_baseline_is_dashed_and_the_families_are_joined(replayed: TuningReport) -> None:
    panel = saving_panels(replayed.policy_points)[0]
    rows = rows_of(panel)
    assert set(rows.loc[rows["line"] == "baseline", "family"]) == {BASELINE}
    assert any(mark["type"] == "line" for mark in marks_of(panel))


def test_points_of_a_comparison_are_named_and_not_joined(replayed: TuningReport) -> None:
    assert replayed.comparison is not None
    panel = saving_panels(points_of(replayed.comparison))[0]
    assert [mark["type"] for mark in marks_of(panel)] == ["point", "text"]
    assert "joined" not in panel.caption


def test_seed_noise_is_a_line_inside_the_axis(replayed: TuningReport) -> None:
    spec = saving_panels(replayed.policy_points, tie=0.5)[0].chart.to_dict()
    rule = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "rule")
    (row,) = spec["datasets"][rule["data"]["name"]]
    assert row["regret"] == 0.5 < rule["encoding"]["y"]["scale"]["domain"][1]
    assert all(mark["type"] != "rule" for mark in marks_of(saving_panels(replayed.policy_points)[0]))


def test_a_regret_that_is_not_finite_is_left_out(replayed: TuningReport) -> None:
    first, *rest = replayed.policy_points
    lost = replace(first, row=replace(first.row, expected=replace(first.row.expected, regret=float("inf"))))
    assert len(rows_of(saving_panels([lost, *rest])[0])) == len(rest)


def test_nothing_to_draw_is_no_picture() -> None:
    assert saving_panels(()) == []
