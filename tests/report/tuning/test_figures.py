"""All figures of a tuning, for the page and for files."""

from collections.abc import Callable

from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.figures import draw_tuning
from chemscale.report.tuning.runs import tuned_runs
from chemscale.tpe import Curve, compare

CurveMaker = Callable[..., list[Curve]]


def test_names_are_unique_and_figures_that_belong_together_are_one_file(replayed: TuningReport) -> None:
    figures = draw_tuning(replayed, tuned_runs(replayed))
    names = [panel.name for panel in figures.all]
    assert len(names) == len(set(names)) == 10
    files = figures.named()
    assert len(files) == 6
    assert len(files["curves_by_decision"].to_dict()["vconcat"][0]["hconcat"]) == 2


def test_a_comparison_alone_gives_the_saving_chart(made_up_grid: CurveMaker) -> None:
    curves = made_up_grid()
    table = compare(curves, n_resamples=2)
    report = TuningReport(title="x", curves=curves, total_epochs=10, comparison=table)
    figures = draw_tuning(report, tuned_runs(report))
    assert [panel.name for panel in figures.savings] == ["saving_against_regret", "saving_against_kept"]
    assert figures.maps == [] and figures.predictions == []


def test_curves_alone_are_a_timeline_and_learning_curves(made_up_grid: CurveMaker) -> None:
    report = TuningReport(title="x", curves=made_up_grid()[:2], total_epochs=10)
    assert set(draw_tuning(report, tuned_runs(report)).named()) == {"stop_timeline", "curves_by_decision"}
