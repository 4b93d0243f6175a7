"""All figures of a tuning, each drawn once and used by the page and by the files."""

from dataclasses import dataclass

import altair as alt

from chemscale.report.panels import Panel, compose
from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.decision_curves import decision_curves
from chemscale.report.tuning.policy_points import points_of
from chemscale.report.tuning.prediction_chart import prediction_panels
from chemscale.report.tuning.runs import TunedRuns
from chemscale.report.tuning.saving_chart import saving_panels
from chemscale.report.tuning.score_map import score_maps
from chemscale.report.tuning.stop_timeline import stop_timeline
from chemscale.report.tuning.theme import tuning_config

_WIDTH = 500


@dataclass(frozen=True)
class TuningFigures:
    """The panels by what they show; an empty list where there is nothing to draw."""

    timeline: list[Panel]
    curves: list[Panel]
    maps: list[Panel]
    predictions: list[Panel]
    savings: list[Panel]

    @property
    def all(self) -> list[Panel]:
        """Every panel."""
        return [*self.timeline, *self.curves, *self.maps, *self.predictions, *self.savings]

    def named(self) -> dict[str, alt.VConcatChart]:
        """The figures by file name, those that belong together side by side."""
        groups = {
            "stop_timeline": self.timeline,
            "curves_by_decision": self.curves,
            "score_map": self.maps,
            "predicted_against_true": [panel for panel in self.predictions if panel.name != "predictions"],
            "predictions": [panel for panel in self.predictions if panel.name == "predictions"],
            "saving_against_regret": self.savings,
        }
        return {
            name: compose(panels, min(len(panels), 2), _WIDTH, config=tuning_config)
            for name, panels in groups.items()
            if panels
        }


def draw_tuning(report: TuningReport, runs: TunedRuns) -> TuningFigures:
    """Draw every figure that the report has data for."""
    curves = [decision_curves(report, runs), decision_curves(report, runs, log_epochs=True)]
    points = report.policy_points or (points_of(report.comparison) if report.comparison else ())
    return TuningFigures(
        timeline=[stop_timeline(report, runs)],
        curves=[panel for panel in curves if panel is not None],
        maps=score_maps(report, runs),
        predictions=prediction_panels(report, runs),
        savings=saving_panels(points, report.comparison.final_tie if report.comparison else 0.0),
    )
