"""Learning curves coloured by decision: kept, stopped at x % of the budget, diverged."""

import altair as alt
import numpy as np
import pandas as pd

from chemscale.report.axes import log_ticks, padded
from chemscale.report.channels import log_x, log_y
from chemscale.report.panels import Panel
from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.labels import percent
from chemscale.report.tuning.runs import TunedRuns, decision_places
from chemscale.report.tuning.theme import CALIBRATION, DIVERGED, KEPT, tuning_config
from chemscale.tpe import Curve, shared_source

_MOST_POINTS = 120  # per line; more cannot be seen
_POINTS_IN_ALL = 8000  # of all lines together, so that the page stays light
_MOST_GUIDES = 4
_SEEN, _AFTER = "trained", "after the stop"
_WIDTHS = {"best": 3.2, "tied": 2.4, "": 1.3}


def decision_curves(report: TuningReport, runs: TunedRuns, log_epochs: bool = False) -> Panel | None:
    """Every run's loss until where it was trained; None where no run has a finite loss.

    Args:
        report: the tuning.
        runs: its table.
        log_epochs: a log axis, from the first loss on; else a linear one, without the steep first part.
    """
    frame = _frame(report, runs)
    if frame.empty:
        return None
    scale = _Axes(report, frame, log_epochs)
    lines = alt.Chart(frame).encode(
        x=scale.x, y=scale.y, color=outcome_color(runs, frame), detail="run:N", tooltip=_tooltip()
    )
    width = alt.StrokeWidth("width:Q", scale=None, legend=None)
    layers = [
        lines.transform_filter(f"datum.part === '{_AFTER}'").mark_line(
            clip=True, strokeDash=[2, 3], strokeWidth=1, opacity=0.45
        ),
        lines.transform_filter(f"datum.part === '{_SEEN}'")
        .mark_line(clip=True, opacity=0.85, strokeJoin="round")
        .encode(strokeWidth=width),
        *_ends(frame, lines),
        *_guides(report, scale),
    ]
    chart = alt.layer(*layers).properties(width=520, height=340).configure(**tuning_config(len(runs.outcomes)))
    name = "curves_on_log_epochs" if log_epochs else "curves_by_decision"
    title = "The same on log epochs" if log_epochs else "Learning curves by decision"
    return Panel(name, title, _caption(report, runs, log_epochs), chart, len(runs.outcomes))


def outcome_color(runs: TunedRuns, drawn: pd.DataFrame) -> alt.Color:
    """The colour of what became of a run; the legend names what is drawn."""
    found = [outcome for outcome in runs.present if (drawn["outcome"] == outcome).any()]
    legend = alt.Legend(title=None, orient="top", direction="horizontal", columns=4, values=found)
    return alt.Color("outcome:O", scale=alt.Scale(domain=list(runs.outcomes), range="ordinal"), legend=legend)


class _Axes:
    """The axes of one panel."""

    def __init__(self, report: TuningReport, frame: pd.DataFrame, log_epochs: bool) -> None:
        self.losses = _loss_range(frame, None if log_epochs else _first_place(report))
        self.y = log_y("loss", report.loss_title, self.losses)
        first = float(frame["epoch"][frame["epoch"] > 0].min())
        self.epochs = (0.93 * first, report.total_epochs) if log_epochs else (0.0, report.total_epochs)
        if log_epochs:
            axis = alt.Axis(values=log_ticks(*self.epochs), format="~g", grid=False)
            self.x = log_x("epoch", "epochs", self.epochs).axis(axis)
        else:
            scale = alt.Scale(domain=self.epochs, nice=False)
            self.x = alt.X("epoch:Q", title="epochs", scale=scale, axis=alt.Axis(grid=False, tickCount=8))


def _frame(report: TuningReport, runs: TunedRuns) -> pd.DataFrame:
    """Long form: run, epoch, loss, part, end, and what the tooltips say."""
    curves = {curve.run: curve for curve in report.curves}
    source = shared_source(report.curves) if report.estimate is None else report.estimate.reading.source
    most = min(_MOST_POINTS, max(20, _POINTS_IN_ALL // len(runs.table)))
    frames = []
    for row in runs.table.to_dict("records"):
        curve = curves[row["run"]]
        seen = _line(curve.up_to(row["trained"]), source, most).assign(part=_SEEN)
        if len(seen) and report.replayed and row["trained"] < report.total_epochs and row["outcome"] != DIVERGED:
            later = _line(curve, source, most)
            later = later[later["epoch"] > seen["epoch"].iloc[-1]]
            seen = pd.concat([seen, seen.tail(1).assign(part=_AFTER), later.assign(part=_AFTER)])
        width = _WIDTHS["best" if row["best"] else "tied" if row["tied"] else ""]
        told = {name: row[name] for name in ("run", "label", "outcome", "final")}
        frames.append(seen.assign(**told, width=width))
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["run", "epoch", "loss"])
    finite = np.isfinite(frame["loss"].astype(float)) & (frame["loss"] > 0) & (frame["epoch"] > 0)
    kept: pd.DataFrame = frame[finite]
    # The best run is drawn last, so that no other lies over it.
    return kept.iloc[::-1].sort_values("width", kind="stable")


def _line(curve: Curve, source: str, most: int) -> pd.DataFrame:
    """What is drawn of a curve: at most so many validation losses, or means of training losses over even pieces."""
    if source == "validation":
        n = len(curve.validation_progress)
        kept = np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int)) if n else np.zeros(0, int)
        return pd.DataFrame({"epoch": curve.validation_progress[kept], "loss": curve.validation_losses[kept]})
    pieces = np.array_split(np.arange(curve.n_steps), min(most, max(curve.n_steps, 1)))
    pieces = [piece for piece in pieces if len(piece)]
    return pd.DataFrame(
        {
            "epoch": [float(curve.progress[piece[-1]]) for piece in pieces],
            "loss": [float(curve.losses[piece].mean()) for piece in pieces],
        }
    )


def _first_place(report: TuningReport) -> float:
    """Epochs at the first decision; a tenth of the budget where there is none."""
    places = decision_places(report)
    return (places[0] if places else 0.1) * report.total_epochs


def _loss_range(frame: pd.DataFrame, start: float | None) -> tuple[float, float]:
    """From the lowest loss to the highest one of a run that did not diverge; of those from epoch `start` / 2 on."""
    alive = frame[frame["outcome"] != DIVERGED]
    shown = alive if len(alive) else frame
    tail = shown if start is None else shown[shown["epoch"] >= start / 2]
    first = (tail if len(tail) else shown).sort_values("epoch").groupby("run")["loss"].first()
    return padded(float(shown["loss"].min()), float(first.max()), 0.04)


def _ends(frame: pd.DataFrame, lines: alt.Chart) -> list[alt.Chart]:
    """A mark where a run was stopped, another where it diverged."""
    seen = frame[frame["part"] == _SEEN].sort_values("epoch")
    last = seen.groupby("run", as_index=False).last()
    stopped = last[~last["outcome"].isin([KEPT, CALIBRATION, DIVERGED])]
    diverged = last[last["outcome"] == DIVERGED]
    ends = []
    if len(stopped):
        ends.append(lines.properties(data=stopped).mark_point(filled=True, size=34, opacity=1, clip=True))
    if len(diverged):
        cross = {"shape": "cross", "angle": 45, "filled": True, "size": 110, "opacity": 1, "clip": True}
        ends.append(lines.properties(data=diverged).mark_point(**cross))
    return ends


def _guides(report: TuningReport, axes: _Axes) -> list[alt.Chart]:
    places = decision_places(report)
    low, high = axes.epochs
    shown = [at for at in places if low < at * report.total_epochs < high]
    if not shown or len(shown) > _MOST_GUIDES:
        return []
    frame = pd.DataFrame({"epoch": [at * report.total_epochs for at in shown], "text": [percent(at) for at in shown]})
    frame["loss"] = axes.losses[1]
    rules = alt.Chart(frame).mark_rule(style="guide").encode(x=axes.x)
    words = alt.Chart(frame).mark_text(style="note", align="left", baseline="top", dx=4, dy=3)
    return [rules, words.encode(x=axes.x, y=axes.y, text="text:N")]


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title="run"),
        alt.Tooltip("outcome:N"),
        alt.Tooltip("final:Q", title="final loss", format=".4f"),
    ]


def _caption(report: TuningReport, runs: TunedRuns, log_epochs: bool) -> str:
    if log_epochs:
        return "The same lines from their first loss on."
    parts = ["One line per run, until where it was trained."]
    if report.replayed:
        parts.append("Dotted: how a stopped run would have gone on, which nobody knew when it was stopped.")
    n_tied = int((runs.table["tied"] & ~runs.table["best"]).sum())
    if report.best:
        parts.append("Thickest: the best run.")
    if n_tied:
        parts.append(f"Thick: {'the run' if n_tied == 1 else f'the {n_tied} runs'} tied with it within seed noise.")
    parts.append("Losses above the axis are cut off.")
    if (runs.table["outcome"] == DIVERGED).any():
        parts.append("Cross: diverged.")
    return " ".join(parts)
