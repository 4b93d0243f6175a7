"""The timeline: one bar per run, the best on top."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.runs import tuned_runs
from chemscale.report.tuning.stop_timeline import MOST_ROWS, stop_timeline
from chemscale.tpe import Curve, Decision

CurveMaker = Callable[..., list[Curve]]


def bars_of(report: TuningReport) -> pd.DataFrame:
    chart = stop_timeline(report, tuned_runs(report)).chart.to_dict()
    return max((pd.DataFrame(rows) for rows in chart["datasets"].values()), key=len)


def test_one_bar_per_run_until_where_it_was_trained(replayed: TuningReport) -> None:
    bars = bars_of(replayed).set_index("run")
    table = tuned_runs(replayed).table.set_index("run")
    assert list(bars.index) == list(table.index)
    assert (bars["trained"] == table["trained"]).all() and (bars["end"] == 10).all()
    assert bars.loc["run-0.0001-64-0", "reason"].startswith("place ")


def test_rows_stand_in_the_order_of_the_ranking(replayed: TuningReport) -> None:
    spec = stop_timeline(replayed, tuned_runs(replayed)).chart.to_dict()
    assert spec["layer"][0]["encoding"]["y"]["sort"] == list(tuned_runs(replayed).table["label"])
    assert spec["layer"][0]["encoding"]["y"]["title"] == "learning rate · batch size · seed"


def test_the_best_and_its_ties_are_named(replayed: TuningReport) -> None:
    bars = bars_of(replayed).set_index("run")
    assert list(bars.index[bars["mark"] == "best"]) == [replayed.best]
    assert set(bars.index[bars["mark"] == "tied"]) == set(replayed.tied) - {replayed.best}


def test_the_caption_says_where_the_policy_decided(replayed: TuningReport) -> None:
    assert "(20 % of the budget)" in stop_timeline(replayed, tuned_runs(replayed)).caption
    many = [Decision(replayed.best, "continue", at / 20, 1.0, "the leader") for at in range(2, 20)]
    caption = stop_timeline(replace(replayed, decisions=many), tuned_runs(replayed)).caption
    assert "decided 18 times, from 10 % to 95 % of the budget" in caption


def test_hundreds_of_runs_are_cut_and_said_so(made_up_grid: CurveMaker) -> None:
    curves = made_up_grid(seeds=tuple(range(20)))
    report = TuningReport(title="x", curves=curves, total_epochs=10)
    assert len(curves) == 200 and len(bars_of(report)) == MOST_ROWS
    assert f"The first {MOST_ROWS} of 200 runs" in stop_timeline(report, tuned_runs(report)).caption
