"""The report of a tuning as one self-contained HTML page."""

import html
import math

from chemscale.report.axes import short
from chemscale.report.page_frame import PageParts, embedded, fill_page, made_section, panel_grid
from chemscale.report.tuning.contents import Saving, TuningReport
from chemscale.report.tuning.figures import TuningFigures
from chemscale.report.tuning.labels import DOT, configuration_text, is_seed, percent, plain_setting, value_text
from chemscale.report.tuning.runs import TunedRuns
from chemscale.report.tuning.tables import estimators_html, policies_html, runs_html
from chemscale.report.tuning.theme import CALIBRATION, DIVERGED, KEPT, tuning_config
from chemscale.tpe import ESTIMATORS
from chemscale.tpe.ranking import regret, rho_in_best, spearman_rho

_MOST_NAMED = 8


def render_tuning_page(report: TuningReport, runs: TunedRuns, figures: TuningFigures) -> str:
    """The page's HTML text."""
    sections = [
        _decision_section(report, figures),
        _map_section(figures),
        _prediction_section(report, figures),
        _saving_section(report, figures),
        f"<h2>Runs</h2><p class='caption'>{_runs_caption(runs)}</p>{runs_html(report, runs)}",
        made_section(report.commands, report.environment, report.config_text, "Tuning file"),
    ]
    return fill_page(
        PageParts(
            title=report.title,
            lead=_lead(report, runs),
            cards=_cards(report, runs),
            notes=_notes(report, runs),
            sections="".join(sections),
            charts={panel.name: embedded(panel.chart, tuning_config) for panel in figures.all},
        )
    )


def _lead(report: TuningReport, runs: TunedRuns) -> str:
    parts = [_counted(len(runs.table), "run")]
    tried = [name for name in runs.names if not is_seed(name)]
    if len(tried) < len(runs.names):
        distinct = {configuration_text(report.settings.get(run, {}), tried) for run in runs.table["run"]}
        parts.append(_counted(len(distinct), "configuration"))
    parts.append(f"{report.total_epochs:g} epochs each")
    if report.policy:
        parts.append(report.policy)
    if report.replayed:
        parts.append("replayed on finished curves")
    return " · ".join(parts)


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _cards(report: TuningReport, runs: TunedRuns) -> list[tuple[str, str]]:
    cards = []
    if report.best:
        cards.append(_best_card(report, runs))
    cards += [_saving_card(saving) for saving in report.savings]
    finished = runs.table["outcome"].isin([KEPT, CALIBRATION])
    extra = int((runs.table["outcome"] == CALIBRATION).sum())
    words = "runs trained to the end" + (f", {extra} of them for the predictions only" if extra else "")
    cards.append((f"{int(finished.sum())}<small> of {len(runs.table)}</small>", words))
    return [*cards, *_truth_cards(report, runs)]


def _best_card(report: TuningReport, runs: TunedRuns) -> tuple[str, str]:
    settings = report.settings.get(report.best, {})
    names = [name for name in runs.names if not is_seed(name) and name in settings]
    big = DOT.join(value_text(settings[name]) for name in names) or report.best
    words = f"{DOT.join(plain_setting(name) for name in names)}: the best found" if names else "the best run found"
    loss = report.final.get(report.best, math.nan)
    words += f", {report.loss_title} {loss:.4f}" if math.isfinite(loss) else ""
    n_tied = len(set(report.tied) - {report.best})
    words += f"; {_counted(n_tied, 'run')} tied with it within seed noise" if n_tied else ""
    return html.escape(big), html.escape(words)


def _saving_card(saving: Saving) -> tuple[str, str]:
    words = f"of the {saving.resource} saved: {_amount(saving, saving.spent)} instead of {_amount(saving, saving.full)}"
    return percent(saving.saved), html.escape(words)


def _amount(saving: Saving, value: float) -> str:
    if saving.resource in ("seconds", "time"):
        return (
            f"{value / 3600:.3g} h" if value >= 7200 else f"{value / 60:.3g} min" if value >= 120 else f"{value:.3g} s"
        )
    return short(value)


def _truth_cards(report: TuningReport, runs: TunedRuns) -> list[tuple[str, str]]:
    """Regret and rho, where the ends of all runs are known."""
    known = runs.table[runs.table["final"].notna() & runs.table["score"].notna()]
    if len(known) < len(runs.table) or len(known) < 3:
        return []
    final, scores = known["final"].to_numpy(), known["score"].to_numpy()
    rho, best = spearman_rho(scores, final), rho_in_best(scores, final)
    cards = [(f"{rho:.2f}<small> / {best:.2f}</small>", "Spearman's ρ of score and final loss, all runs / best third")]
    if report.best:
        lost = regret(report.final[report.best], final)
        cards.append((f"{lost:.4f}", "regret: final loss of the run found minus that of the best run"))
    return cards


def _notes(report: TuningReport, runs: TunedRuns) -> list[str]:
    lines = list(report.notes)
    estimated = report.estimate.warnings if report.estimate else ()
    compared = report.comparison.warnings if report.comparison else ()
    diverged = list(runs.table.loc[runs.table["outcome"] == DIVERGED, "run"])
    if diverged and not any(diverged[0] in text for text in estimated):
        more = f" and {len(diverged) - _MOST_NAMED} more" if len(diverged) > _MOST_NAMED else ""
        lines.append(f"Diverged, and ranked last: {', '.join(diverged[:_MOST_NAMED])}{more}.")
    lines += [f"Estimate: {text.rstrip('.')}." for text in estimated]
    lines += [f"Comparison: {text.rstrip('.')}." for text in compared if text not in estimated]
    return lines


def _decision_section(report: TuningReport, figures: TuningFigures) -> str:
    caption = "No decision was made: every run was trained to the end."
    if report.decisions:
        stopped = len({decision.run for decision in report.decisions if decision.action == "stop"})
        caption = f"{_counted(stopped, 'run')} stopped. Hover over a run to see why."
    if report.estimate is not None:
        name = report.estimate.estimator
        read = "validation" if report.estimate.reading.source == "validation" else "training"
        which = f", {read} losses" if name in ("window", "power_law") else ""
        caption += f" The score is “{name}”: {ESTIMATORS[name].words}{which}."
    panels = panel_grid(figures.timeline, "one") + panel_grid(figures.curves, "two")
    return f"<h2>Decisions</h2><p class='caption'>{html.escape(caption)}</p>{panels}"


def _map_section(figures: TuningFigures) -> str:
    return f"<h2>Over the grid</h2>{panel_grid(figures.maps, 'two')}" if figures.maps else ""


def _prediction_section(report: TuningReport, figures: TuningFigures) -> str:
    if not figures.predictions:
        return (
            "<h2>Predictions</h2><p class='empty'>No line from score to final loss: that needs at least three finished "
            "runs that are not only the best-looking ones.</p>"
        )
    line = report.estimate.calibration if report.estimate else None
    facts = ""
    if line is not None:
        facts = (
            f"L = {line.slope:.4g} s {line.intercept:+.4g}, fitted to {line.n_runs} runs (R² = {line.r_squared:.3f})."
        )
    scatter = [panel for panel in figures.predictions if panel.name != "predictions"]
    forest = [panel for panel in figures.predictions if panel.name == "predictions"]
    alone = len(scatter) == 1  # then the forest stands beside it
    panels = panel_grid(figures.predictions, "two") if alone else panel_grid(scatter, "two") + panel_grid(forest, "one")
    return f"<h2>Predictions</h2><p class='caption'>{html.escape(facts)}</p>{panels}"


def _saving_section(report: TuningReport, figures: TuningFigures) -> str:
    if not figures.savings:
        return ""
    table = report.comparison
    parts = [
        "<h2>Saving and regret</h2><p class='caption'>Policies on these runs, whose ends are known. Regret: the final "
        "loss of the run that a policy returns, minus that of the best run.</p>",
        panel_grid(figures.savings, "two"),
    ]
    if table is not None:
        n_resamples = table.policies[0].expected.n_resamples if table.policies else 0
        caption = f"Expected: the mean over {n_resamples} resamplings of the configurations."
        parts.append(f"<h3 class='apart'>Policies</h3><p class='caption'>{caption}</p>{policies_html(table)}")
        caption = "Spearman's ρ over all runs; small: inside the best third, where poor runs cannot inflate it."
        parts.append(f"<h3 class='apart'>Estimators</h3><p class='caption'>{caption}</p>{estimators_html(table)}")
    return "".join(parts)


def _runs_caption(runs: TunedRuns) -> str:
    text = f"In the order of {runs.by}. Click a column's name to sort by it."
    if runs.table["extrapolated"].any():
        text += " Star: the score lies outside of those that the line was fitted to."
    return text
