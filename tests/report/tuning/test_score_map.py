"""Maps over the grid: means over seeds, diverged cells, and when there is no map."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from chemscale.report.panels import Panel
from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.runs import tuned_runs
from chemscale.report.tuning.score_map import score_maps
from chemscale.tpe import Curve, estimate

CurveMaker = Callable[..., list[Curve]]


def maps_of(report: TuningReport) -> list[Panel]:
    return score_maps(report, tuned_runs(report))


def cells_of(panel: Panel) -> pd.DataFrame:
    """All cells by their place, the numbers of the text layers."""
    rows = [pd.DataFrame(rows) for rows in panel.chart.to_dict()["datasets"].values()]
    return pd.concat(rows).drop_duplicates(["x", "y"]).set_index(["x", "y"])


def test_every_cell_is_the_mean_over_its_seeds(replayed: TuningReport) -> None:
    score, final = maps_of(replayed)
    cells = cells_of(score)
    assert len(cells) == 10 and replayed.estimate is not None
    scores = {run.run: run.score for run in replayed.estimate.runs}
    mean = np.mean([scores["run-0.001-64-0"], scores["run-0.001-64-1"]])
    assert cells.loc[("0.001", "64"), "value"] == pytest.approx(mean)
    assert cells.loc[("0.001", "64"), "text"] == f"{mean:.3f}"
    ends = np.mean([replayed.final["run-0.001-64-0"], replayed.final["run-0.001-64-1"]])
    assert cells_of(final).loc[("0.001", "64"), "value"] == pytest.approx(ends)


def test_a_cell_of_diverged_runs_says_so_and_one_lost_seed_is_starred(replayed: TuningReport) -> None:
    assert cells_of(maps_of(replayed)[0]).loc[("0.01", "16"), "text"] == "diverged"
    lost = replace(replayed, final={**replayed.final, "run-0.001-64-0": math.inf})
    panel = maps_of(lost)[1]
    assert cells_of(panel).loc[("0.001", "64"), "text"] == f"{replayed.final['run-0.001-64-1']:.3f}*"
    assert "Star" in panel.caption


def test_the_longer_axis_lies_along_and_values_are_in_order(replayed: TuningReport) -> None:
    encoding = maps_of(replayed)[0].chart.to_dict()["layer"][0]["encoding"]
    assert encoding["x"]["title"] == "learning rate"
    assert encoding["x"]["sort"] == ["0.0001", "0.0003", "0.001", "0.003", "0.01"]
    assert encoding["y"]["sort"] == ["64", "16"]


def test_the_lowest_cell_is_outlined(replayed: TuningReport) -> None:
    chart = maps_of(replayed)[0].chart.to_dict()
    outlined = next(layer for layer in chart["layer"] if layer["mark"].get("style") == "frontier")
    (row,) = chart["datasets"][outlined["data"]["name"]]
    assert (row["x"], row["y"]) == ("0.001", "16")


def test_unknown_ends_are_no_map_of_ends(replayed: TuningReport) -> None:
    names = [panel.name for panel in maps_of(replace(replayed, final={}))]
    assert names == ["score_map"]


@pytest.mark.parametrize("axes", [{"batch_sizes": (16,)}, {"rates": (1e-3,)}])
def test_one_axis_is_no_map(made_up_grid: CurveMaker, axes: dict[str, tuple[float, ...]]) -> None:
    assert maps_of(_report(made_up_grid(**axes))) == []


def test_three_axes_are_no_map(made_up_grid: CurveMaker) -> None:
    report = _report(made_up_grid())
    deeper = {run: {**values, "depth": run[-3]} for run, values in report.settings.items()}
    assert maps_of(replace(report, settings=deeper)) == []


def test_a_random_search_is_no_grid(made_up_grid: CurveMaker) -> None:
    report = _report(made_up_grid())
    drawn = {run: {"a": 0.1 * number, "b": 0.7 * number} for number, run in enumerate(report.settings)}
    assert maps_of(replace(report, settings=drawn)) == []


def _report(curves: list[Curve]) -> TuningReport:
    settings = {curve.run: curve.settings for curve in curves}
    early = estimate(curves, fraction=0.2)
    return TuningReport(title="x", curves=curves, total_epochs=10, settings=settings, estimate=early)
