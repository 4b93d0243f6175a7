"""Loss against one resource for laws of any kind, several groups in one figure.

Filled points are in the fit, hollow ones were left out of it; bars span one standard deviation between seeds. A law is
solid in its range and dashed outside of it, for one decade at most. A power law that its points bend away from is a
thin dotted guide without a band.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from chemscale.base.errors import FitError
from chemscale.report.axes import padded
from chemscale.report.channels import group_color, group_shape, log_x, log_y
from chemscale.report.law_theme import law_config
from chemscale.report.law_titles import formula_of
from chemscale.report.panels import Panel
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.power_law import PowerLaw

OneInputFit = LawFit | PowerLaw

_LINE_POINTS = 60
_DECADE = 10.0
_IN_FIT, _LEFT_OUT = "in the fit", "left out of the fit"


@dataclass(frozen=True)
class CurveTitles:
    """Axis titles.

    Attributes:
        resource: of the horizontal axis.
        loss: of the vertical axis.
        group: of the colours.
    """

    resource: str = "resource"
    loss: str = "loss"
    group: str = ""


def law_chart(
    fits: Mapping[str, OneInputFit], titles: CurveTitles | None = None, runs: pd.DataFrame | None = None
) -> alt.LayerChart:
    """Points, law and band of every group, log-log.

    Args:
        fits: group -> its fit, in the order of the colours; laws of one input.
        titles: of the axes and colours; None takes the input's name of the first fit.
        runs: single runs to show as small dots behind the means: columns `label` (a group), `x`, `loss`.

    Raises:
        FitError: there is no fit, or one is of several inputs.
    """
    _check(fits)
    first = next(iter(fits.values()))
    titles = titles or CurveTitles(first.cells.inputs[0] if isinstance(first, LawFit) else "resource")
    points = pd.concat([_points(fit, label) for label, fit in fits.items()], ignore_index=True)
    shown = padded(float(points["x"].min()), float(points["x"].max()) * _DECADE, 0.02)
    lines = pd.concat([_lines(fit, label, shown) for label, fit in fits.items()], ignore_index=True)
    highest = _highest_score(fits)
    lines = lines[lines["loss"] <= highest].assign(high=lambda frame: frame["high"].clip(upper=highest))
    # What rises is shown to its end too; to the left of its range a law that falls would hide all others.
    rightwards = lines.loc[~lines["is_before"], "loss"]
    losses = padded(
        min(float(points["low"].min()), float(lines["loss"].min())),
        max(float(points["high"].max()), float(rightwards.max())),
        0.06,
    )
    order = list(fits)
    x, color = log_x("x", titles.resource, shown), group_color(order, titles.group)
    picked = alt.selection_point(fields=["label"], bind="legend", name="picked")
    axes = _Axes(x, titles.loss, losses, color, group_shape(order, titles.group), picked)
    layers = [*_law_layers(axes, lines), *_run_layers(axes, runs), *_point_layers(axes, points, titles)]
    return alt.layer(*layers).properties(width=560, height=400).configure(**law_config(len(order)))


def law_panel(
    fits: Mapping[str, OneInputFit], titles: CurveTitles | None = None, runs: pd.DataFrame | None = None
) -> Panel:
    """The law chart with the law as its title; arguments as in `law_chart`."""
    chart = law_chart(fits, titles, runs)
    formulas = {fit.formula if isinstance(fit, LawFit) else "L(R) = alpha R^-beta" for fit in fits.values()}
    words = [f"Bands: {100 * next(iter(fits.values())).level:g} %. Dashed: extrapolated, by one decade at most."]
    if any(fit.predict([_DECADE * _ends(fit)[1]])[0] > _highest_score(fits) for fit in fits.values()):
        words.append("Cut at 1, above which there is no score.")
    powers = [fit for fit in fits.values() if isinstance(fit, PowerLaw)]
    if any(fit.left_out for fit in powers):
        words.append("Hollow: left out of the fit.")
    if any(fit.verdict == "bent" for fit in powers):
        words.append("Dotted: the points bend away from the law.")
    if any((_points(fit, label)["n_seeds"] > 1).any() for label, fit in fits.items()):
        words.append("Bars: one standard deviation between seeds.")
    title = formula_of(formulas.pop()) if len(formulas) == 1 else "Fitted laws"
    return Panel("law", title, " ".join(words), chart, len(fits))


@dataclass(frozen=True)
class _Axes:
    x: alt.X
    loss_title: str
    losses: tuple[float, float]
    color: alt.Color
    shape: alt.Shape
    picked: alt.Parameter

    def y(self, column: str) -> alt.Y:
        return log_y(column, self.loss_title, self.losses)

    def faded(self, full: float, faint: float) -> alt.Opacity:
        """`full` for the groups picked in the legend, `faint` for the others."""
        return alt.when(self.picked).then(alt.value(full)).otherwise(alt.value(faint))


def _check(fits: Mapping[str, OneInputFit]) -> None:
    if not fits:
        raise FitError("there is no fit to draw")
    for label, fit in fits.items():
        if isinstance(fit, LawFit) and len(fit.law.inputs) != 1:
            raise FitError(f"{label}: the law {fit.name!r} takes {', '.join(fit.law.inputs)}; draw it as a surface")


def _points(fit: OneInputFit, label: str) -> pd.DataFrame:
    """x, loss, low, high (one standard deviation between seeds), n_seeds, role, label."""
    if isinstance(fit, LawFit):
        cells = fit.cells
        frame = pd.DataFrame({"x": cells.values[:, 0], "loss": cells.loss, "n_seeds": cells.n_seeds, "role": _IN_FIT})
        spread = np.nan_to_num(cells.log_spread)
    else:
        named = [(point, _IN_FIT) for point in fit.points] + [(out.point, _LEFT_OUT) for out in fit.left_out]
        rows = [{"x": p.resource, "loss": p.loss, "n_seeds": p.n_seeds, "role": role} for p, role in named]
        frame = pd.DataFrame(rows)
        spread = np.nan_to_num(np.array([point.log_spread for point, _ in named]))
    low, high = frame["loss"] * np.exp(-spread), frame["loss"] * np.exp(spread)
    return frame.assign(low=low, high=high, label=label)


def _highest_score(fits: Mapping[str, OneInputFit]) -> float:
    """1 for bounded scores, such as an area under a curve; infinite for all else."""
    bounded = [
        isinstance(fit, LawFit) and fit.law.residual == "absolute" and fit.cells.loss.max() <= 1
        for fit in fits.values()
    ]
    return 1.0 if all(bounded) else np.inf


def _ends(fit: OneInputFit) -> tuple[float, float]:
    """The least and the largest resource that is in the fit."""
    return (fit.cells.values.min(), fit.cells.values.max()) if isinstance(fit, LawFit) else fit.range


def _lines(fit: OneInputFit, label: str, shown: tuple[float, float]) -> pd.DataFrame:
    """The law on a grid: x, loss, low, high, part ("law", "extrapolation", "guide"), is_before, piece, label."""
    start, stop = _ends(fit)
    first, last = max(shown[0], start / _DECADE), min(shown[1], stop * _DECADE)
    pieces = [("law", start, stop), ("extrapolation", stop, last), ("extrapolation", first, start)]
    if isinstance(fit, PowerLaw) and fit.verdict == "bent":
        pieces = [("guide", start, stop)]
    frames = []
    for number, (part, low, high) in enumerate(pieces):
        grid = np.geomspace(low, high, _LINE_POINTS // 2 if part == "extrapolation" else _LINE_POINTS)
        band = fit.interval(grid)
        frame = pd.DataFrame({"x": grid, "loss": fit.predict(grid), "low": band[0], "high": band[1]})
        frames.append(frame.assign(part=part, is_before=high <= start, piece=f"{label}-{number}", label=label))
    return pd.concat(frames, ignore_index=True)


def _law_layers(axes: _Axes, lines: pd.DataFrame) -> list[alt.Chart]:
    base = alt.Chart(lines).encode(x=axes.x, color=axes.color, detail="piece:N")
    band = base.transform_filter("datum.part !== 'guide'").mark_area(clip=True)
    dashes = alt.Scale(domain=["law", "extrapolation", "guide"], range=[[1, 0], [5, 4], [1, 4]])
    line = base.mark_line(clip=True, strokeWidth=2)
    return [
        band.encode(y=axes.y("low"), y2="high:Q", opacity=axes.faded(0.13, 0.02)),
        line.encode(
            y=axes.y("loss"),
            strokeDash=alt.StrokeDash("part:N", scale=dashes, legend=None),
            opacity=axes.faded(0.9, 0.12),
        ),
    ]


def _run_layers(axes: _Axes, runs: pd.DataFrame | None) -> list[alt.Chart]:
    if runs is None or runs.empty:
        return []
    dots = alt.Chart(runs).mark_point(filled=True, size=16, clip=True)
    shared = {"x": axes.x, "color": axes.color, "shape": axes.shape}
    return [dots.encode(**shared, y=axes.y("loss"), opacity=axes.faded(0.45, 0.05))]


def _point_layers(axes: _Axes, points: pd.DataFrame, titles: CurveTitles) -> list[alt.Chart]:
    tooltip = [
        alt.Tooltip("x:Q", title=titles.resource, format=",.6~r"),
        alt.Tooltip("loss:Q", title=titles.loss, format=".4f"),
        *([alt.Tooltip("label:N", title=titles.group)] if titles.group else []),
        alt.Tooltip("n_seeds:Q", title="seeds"),
        alt.Tooltip("role:N", title="point"),
    ]
    base = alt.Chart(points).encode(x=axes.x, color=axes.color, tooltip=tooltip)
    bars = base.transform_filter("datum.high > datum.low").mark_rule(strokeWidth=1.5)
    marks = base.encode(y=axes.y("loss"), shape=axes.shape, opacity=axes.faded(1.0, 0.1))
    full = marks.transform_filter(f"datum.role === '{_IN_FIT}'").mark_point(filled=True, size=75)
    hollow = marks.transform_filter(f"datum.role === '{_LEFT_OUT}'").mark_point(filled=False, size=65, strokeWidth=1.8)
    return [
        bars.encode(y=axes.y("low"), y2="high:Q", opacity=axes.faded(0.8, 0.08)),
        full.add_params(axes.picked),
        hollow,
    ]
