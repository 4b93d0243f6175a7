"""Heat maps over the two axes of a grid: the score of the decision, and the final loss where it is known."""

import math
from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from chemscale.report.panels import Panel
from chemscale.report.tuning.contents import TuningReport
from chemscale.report.tuning.labels import is_seed, number_of, plain_setting, value_text
from chemscale.report.tuning.runs import TunedRuns
from chemscale.report.tuning.theme import tuning_config

_FILLED = 0.6  # share of a grid's cells that are there: below, it is no grid
_MOST_ALONG_AN_AXIS = 16
_PALE = 0.5  # place on the ramp from which on dark text is readable
_REACH = 3.0  # colours end this many times as far above the best cell as the median cell is


def score_maps(report: TuningReport, runs: TunedRuns) -> list[Panel]:
    """The map of the scores, and that of the final losses where most cells have one; none without two axes."""
    axes = [name for name in runs.names if not is_seed(name)]
    if len(axes) != 2 or report.estimate is None:
        return []
    values = {name: {value_text(settings.get(name, "–")) for settings in report.settings.values()} for name in axes}
    y, x = sorted(axes, key=lambda name: len(values[name]))
    cells = _cells(report, runs, x, y)
    if not _is_grid(cells):
        return []
    budget = report.estimate.budget
    seen = f"Score after {budget.epochs:g} of {budget.total_epochs:g} epochs"
    panels = [_panel("score_map", seen, cells, "score", (x, y))]
    if cells["final"].notna().mean() >= _FILLED:
        panels.append(_panel("final_map", "Final loss", cells, "final", (x, y)))
    return panels


def _cells(report: TuningReport, runs: TunedRuns, x: str, y: str) -> pd.DataFrame:
    """One row per cell: x, y (texts), score and final (means over seeds; inf: all diverged), counts, kept, best."""
    table = runs.table.assign(
        x=[value_text(_setting(report.settings, run, x)) for run in runs.table["run"]],
        y=[value_text(_setting(report.settings, run, y)) for run in runs.table["run"]],
    )
    rows = []
    for (x_text, y_text), part in table.groupby(["x", "y"], sort=False):
        row: dict[str, Any] = {"x": x_text, "y": y_text, "n_seeds": len(part), "best": bool(part["best"].any())}
        row |= {"fate": ", ".join(_counted(part["outcome"]))}
        for name in ("score", "final"):
            row |= {name: _mean(part[name]), f"{name}_diverged": int(np.isinf(part[name]).sum())}
        rows.append(row)
    return pd.DataFrame(rows)


def _setting(settings: Mapping[str, Mapping[str, Any]], run: str, name: str) -> Any:
    return settings.get(run, {}).get(name, "–")


def _counted(outcomes: pd.Series) -> list[str]:
    counts = outcomes.value_counts()
    return [str(name) if count == len(outcomes) else f"{count} {name}" for name, count in counts.items()]


def _mean(values: pd.Series) -> float:
    """The mean of the finite values; inf where all that are known diverged, NaN where none is known."""
    known = values.dropna()
    finite = known[np.isfinite(known)]
    return float(finite.mean()) if len(finite) else math.inf if len(known) else math.nan


def _is_grid(cells: pd.DataFrame) -> bool:
    n_x, n_y = cells["x"].nunique(), cells["y"].nunique()
    return len(cells) >= _FILLED * n_x * n_y and max(n_x, n_y) <= _MOST_ALONG_AN_AXIS and min(n_x, n_y) > 1


def _panel(name: str, title: str, cells: pd.DataFrame, value: str, axes: tuple[str, str]) -> Panel:
    known = cells[cells[value].notna()]
    finite = known[np.isfinite(known[value])]
    low, high, cut = _colour_range(finite[value])
    frame = known.assign(value=known[value], text=[_text(row, value) for row in known.to_dict("records")])
    place = (frame["value"] - low) / max(high - low, 1e-12)
    frame["style"] = np.where(place < _PALE, "on_dark", "on_light")
    frame.loc[~np.isfinite(frame["value"]), "style"] = "note"
    places = _places(cells, axes)
    scale = alt.Scale(domain=(low, high), range="heatmap", clamp=True, nice=False)
    coloured = frame[np.isfinite(frame["value"])]
    layers: list[alt.Chart] = [
        alt.Chart(coloured)
        .mark_rect(cornerRadius=2)
        .encode(**places, color=alt.Color("value:Q", scale=scale, legend=None), tooltip=_tooltip(value, axes))
    ]
    best = coloured[coloured["value"] == coloured["value"].min()]
    layers.append(alt.Chart(best).mark_rect(style="frontier", filled=False, cornerRadius=2).encode(**places))
    for style, part in frame.groupby("style"):
        layers.append(alt.Chart(part).mark_text(style=str(style)).encode(**places, text="text:N"))
    chart = alt.layer(*layers).properties(width=520, height=max(60, min(340, 56 * cells["y"].nunique())))
    return Panel(name, title, _caption(frame, cut), chart.configure(**tuning_config(3)), 3)


def _colour_range(values: pd.Series) -> tuple[float, float, bool]:
    """From the best cell to the worst one, or less far where a few poor cells would make all others look alike."""
    low, high = float(values.min()), float(values.max())
    reach = low + _REACH * (float(values.median()) - low)
    return (low, reach, True) if low < reach < high else (low, max(high, low + 1e-9), False)


def _text(row: Mapping[Any, Any], value: str) -> str:
    if math.isinf(row[value]):
        return "diverged"
    number = row[value]
    digits = max(0, 3 - max(0, math.floor(math.log10(abs(number))))) if number else 3
    return f"{number:.{digits}f}" + ("*" if row[f"{value}_diverged"] else "")


def _places(cells: pd.DataFrame, axes: tuple[str, str]) -> dict[str, alt.X | alt.Y]:
    scale = alt.Scale(paddingInner=0.05, paddingOuter=0)
    axis = {"grid": False, "ticks": False, "domain": False, "labelAngle": 0}
    x, y = (sorted(cells[name].unique(), key=lambda text: (number_of(text), text)) for name in ("x", "y"))
    return {
        "x": alt.X("x:O", sort=x, title=plain_setting(axes[0]), scale=scale, axis=alt.Axis(**axis)),
        "y": alt.Y("y:O", sort=y[::-1], title=plain_setting(axes[1]), scale=scale, axis=alt.Axis(**axis)),
    }


def _tooltip(value: str, axes: tuple[str, str]) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("x:N", title=plain_setting(axes[0])),
        alt.Tooltip("y:N", title=plain_setting(axes[1])),
        alt.Tooltip("value:Q", title=value if value == "score" else "final loss", format=".4f"),
        alt.Tooltip("n_seeds:Q", title="runs"),
        alt.Tooltip("fate:N", title="became"),
    ]


def _caption(frame: pd.DataFrame, cut: bool) -> str:
    parts = ["Every cell is the mean over its seeds; outlined: the lowest." if (frame["n_seeds"] > 1).any() else ""]
    parts = parts if parts[0] else ["Outlined: the lowest."]
    if cut:
        parts.append("Colours end before the worst cells.")
    if frame["text"].str.endswith("*").any():
        parts.append("Star: some of its seeds diverged and are not in the mean.")
    return " ".join(parts)
