"""The page of a tuning: what it says of whom, and what it is silent about."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from chemscale.report.tuning.contents import Saving, TuningReport
from chemscale.report.tuning.figures import draw_tuning
from chemscale.report.tuning.page import render_tuning_page
from chemscale.report.tuning.runs import tuned_runs
from chemscale.tpe import Curve

CurveMaker = Callable[..., list[Curve]]


def page_of(report: TuningReport) -> str:
    """The page without the library and the charts' data."""
    runs = tuned_runs(report)
    text = render_tuning_page(report, runs, draw_tuning(report, runs))
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


@pytest.fixture(scope="module")
def page(replayed: TuningReport) -> str:
    return page_of(
        replace(
            replayed,
            commands=["chemscale tune x --out runs/<x>"],
            environment={"python": "3.11"},
            config_text='family = "chemgpt"  # </script>',
            notes=["Losses are per real token."],
            savings=(*replayed.savings, Saving("seconds", 3600, 14400), Saving("FLOPs", 2e15, 8e15)),
        )
    )


def test_the_head_says_what_was_tuned_how(page: str) -> None:
    assert "<h1>A &lt;tuning&gt; &amp; more</h1>" in page
    assert "20 runs · 10 configurations · 10 epochs each · window at 20 %, keep 3 · replayed on finished curves" in page


def test_cards_have_the_best_run_and_every_saving(page: str, replayed: TuningReport) -> None:
    rate, batch = re.fullmatch(r"run-(.*)-(.*)-\d", replayed.best).groups()  # type: ignore[union-attr]
    assert f"<b>{rate} · {batch}</b><span>learning rate · batch size: the best found" in page
    assert f"{replayed.final[replayed.best]:.4f}" in page
    assert f"<b>{100 * replayed.savings[0].saved:.2g} %</b><span>of the steps saved" in page
    assert "<b>75 %</b><span>of the seconds saved: 60 min instead of 4 h" in page
    assert "of the FLOPs saved: 2e15 instead of 8e15" in page
    assert "<b>6<small> of 20</small></b><span>runs trained to the end, 3 of them for the predictions only" in page


def test_diverged_runs_and_warnings_are_named(page: str) -> None:
    notes = re.search(r"<ul class='notes'>(.*?)</ul>", page)
    assert notes and "Losses are per real token." in notes[1]
    assert notes[1].count("run-0.01-16-1") == 1 and "Estimate: diverged and ranked last" in notes[1]


def test_every_part_has_its_section(page: str) -> None:
    assert re.findall(r"<h2>(.*?)</h2>", page) == [
        "Decisions", "Over the grid", "Predictions", "Saving and regret", "Runs", "How this was made",
    ]  # fmt: skip
    ids = re.findall(r"<div class='chart wait' id='(\w+)'>", page)
    assert ids == [
        "stop_timeline", "curves_by_decision", "curves_on_log_epochs", "score_map", "final_map",
        "predicted_against_true", "predicted_best_third", "predictions", "saving_against_regret", "saving_against_kept",
    ]  # fmt: skip


def test_text_from_outside_is_escaped(page: str) -> None:
    assert "runs/&lt;x&gt;" in page and "# &lt;/script&gt;" in page


def test_a_real_tuning_claims_nothing_of_ends_it_does_not_know(replayed: TuningReport) -> None:
    stopped = {one.run for one in replayed.decisions if one.action == "stop"} - replayed.calibration_runs
    final = {run: loss for run, loss in replayed.final.items() if run not in stopped}
    page = page_of(replace(replayed, replayed=False, final=final, comparison=None, policy_points=()))
    assert "regret" not in page.lower() and "replayed" not in page and "Saving and regret" not in page
    assert "In the order of final loss, predicted where a run was stopped" in page


def test_a_refused_line_is_said(replayed: TuningReport) -> None:
    assert replayed.estimate is not None
    refused = replace(replayed.estimate, predictions=(), calibration=None, warnings=("calibrate: only the best",))
    page = page_of(replace(replayed, estimate=refused))
    assert "No line from score to final loss" in page and "Estimate: calibrate: only the best." in page


def test_one_run_without_anything_is_a_page_too(made_up_grid: CurveMaker) -> None:
    page = page_of(TuningReport(title="x", curves=made_up_grid()[:1], total_epochs=10))
    assert "1 run · 10 epochs each" in page and "every run was trained to the end" in page
    assert re.findall(r"<h2>(.*?)</h2>", page) == ["Decisions", "Predictions", "Runs"]


def test_diverged_runs_are_named_without_an_estimate_too(made_up_grid: CurveMaker) -> None:
    page = page_of(TuningReport(title="x", curves=made_up_grid(), total_epochs=10))
    assert "Diverged, and ranked last: run-0.01-16-0, run-0.01-16-1." in page
