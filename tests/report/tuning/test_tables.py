"""The tables of a tuning: for CSV and for the page."""

import io
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.runs import tuned_runs
from chemscale.report.tuning.tables import (
    comparison_frame,
    decisions_frame,
    estimators_html,
    policies_html,
    runs_frame,
    runs_html,
)
from chemscale.tpe import Decision


def test_runs_have_their_settings_and_their_fate(replayed: TuningReport) -> None:
    frame = runs_frame(replayed, tuned_runs(replayed)).set_index("run")
    assert list(frame.columns[:3]) == ["training.learning_rate", "training.batch_size", "seed"]
    row = frame.loc["run-0.0003-64-1"]
    assert list(row[:3]) == ["0.0003", "64", "1"]
    assert row["final"] == replayed.final["run-0.0003-64-1"]
    assert "label" not in frame


def test_a_setting_named_as_a_column_keeps_both(replayed: TuningReport) -> None:
    settings = {run: {"score": number} for number, run in enumerate(replayed.settings)}
    frame = runs_frame(report := replace(replayed, settings=settings), tuned_runs(report))
    assert {"setting score", "score"} <= set(frame.columns) and frame.columns.is_unique


def test_decisions_stand_in_time_order_with_their_epoch(replayed: TuningReport) -> None:
    frame = decisions_frame(replayed)
    assert list(frame["run"]) == [decision.run for decision in replayed.decisions]
    assert (frame["share"] == 0.2).all() and (frame["epoch"] == 2.0).all()
    assert frame["score"].isna().sum() == 2  # the diverged ones
    assert (frame["action"] == "continue").sum() == 3


def test_no_decisions_is_a_table_with_its_columns(replayed: TuningReport) -> None:
    frame = decisions_frame(replace(replayed, decisions=()))
    assert frame.empty and list(frame.columns) == ["run", "action", "share", "epoch", "score", "reason"]


def test_the_comparison_holds_estimators_and_policies(replayed: TuningReport) -> None:
    frame, table = comparison_frame(replayed), replayed.comparison
    assert table is not None
    counts = frame["kind"].value_counts().to_dict()
    assert counts == {
        "estimator": len(table.estimators),
        "policy": len(table.policies),
        "policy at a share": len(replayed.policy_points),
    }
    sums = frame[(frame["name"] == "sum") & (frame["share"] == 0.2)]
    row = next(row for row in table.estimators if (row.estimator, row.fraction) == ("sum", 0.2))
    assert sums["rho"].item() == row.rho and sums["saved"].item() == row.saved
    policy = frame[frame["kind"] == "policy"].iloc[0]
    assert policy["expected_p_tie_kept"] == table.policies[0].expected.p_tie_kept


def test_nothing_compared_is_an_empty_table(replayed: TuningReport) -> None:
    frame = comparison_frame(replace(replayed, comparison=None, policy_points=()))
    assert frame.empty and list(frame.columns) == ["kind", "name", "share"]


def test_every_run_is_a_row_of_the_page(replayed: TuningReport) -> None:
    runs = tuned_runs(replayed)
    text = runs_html(replayed, runs)
    assert text.count("<tr>") == 1 + len(runs.table)
    assert text.count("<small>best</small>") == 1
    assert text.count("class='text status'>diverged") == 2
    assert text.count("class='text status finished'>kept") == 3
    places = re.findall(r"<tr><td data-value='([^']*)'>", text)
    assert places == [repr(float(place)) for place in range(1, 19)] + ["", ""]


def test_columns_without_a_value_are_not_there(replayed: TuningReport) -> None:
    bare = replace(replayed, estimate=None, final={})
    heads = re.findall(r"<button type='button'>([^<]*)</button>", runs_html(bare, tuned_runs(bare)))
    assert "predicted" not in heads and "final" not in heads and "cooled" not in heads
    cooled = replace(replayed, cooled={replayed.best: 0.65})
    assert ">0.6500</td>" in runs_html(cooled, tuned_runs(cooled))


def test_reasons_are_escaped(replayed: TuningReport) -> None:
    odd = replace(replayed, decisions=(Decision(replayed.best, "continue", 0.2, 1.0, "<script>1</script>"),))
    assert "&lt;script&gt;" in runs_html(odd, tuned_runs(odd)) and "<script>" not in runs_html(odd, tuned_runs(odd))


def test_policies_and_estimators_of_the_page(replayed: TuningReport) -> None:
    table = replayed.comparison
    assert table is not None
    assert policies_html(table).count("<tr>") == 1 + len(table.policies)
    text = estimators_html(table)
    assert text.count("<tr>") == 1 + len({row.estimator for row in table.estimators})
    row = next(row for row in table.estimators if (row.estimator, row.fraction) == ("window", 0.5))
    assert f"{row.rho:.2f} <small>{row.rho_best_third:.2f}</small>" in text


def test_numbers_that_are_not_finite_are_words(replayed: TuningReport) -> None:
    runs = tuned_runs(replayed)
    table = runs.table.copy()
    assert math.isinf(table["final"].iloc[-1]) and np.isinf(table["score"].iloc[-1])
    assert runs_html(replayed, runs).count(">diverged</td>") == 2 * 3  # outcome, score and final of two runs
    assert "inf" not in re.sub(r"<[^>]*>", "", runs_html(replayed, runs))


def test_frames_survive_a_csv(replayed: TuningReport) -> None:
    frame = runs_frame(replayed, tuned_runs(replayed))
    back = pd.read_csv(io.StringIO(frame.to_csv(index=False)))
    assert list(back["final"]) == pytest.approx(list(frame["final"]))
