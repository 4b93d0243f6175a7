"""The figure of a sweep: one panel for each strategy and measure, colours for prompt lengths, dashes for models."""

from typing import Any

import altair as alt
import pandas as pd

from chemscale.report.axes import short
from chemscale.report.prompts.summary import length_label, strategy_title
from chemscale.report.theme import chart_config

SHOWN = ("passes_filters", "delta_mw")
WIDTH, HEIGHT = 200, 190
DASHES = [[1, 0], [5, 4], [2, 3], [8, 3, 2, 3], [12, 4]]
AXIS_WIDTH = 46
WEIGHT_LINEAR_TO = 50.0  # g/mol
WEIGHT_TICKS = [-1000, -300, -100, 0, 100, 300, 1000, 3000]


def sweep_figure(summary: pd.DataFrame, title: str, n_molecules: int) -> alt.VConcatChart:
    """Percentage that passes the filters above, change of weight below; bars are standard errors over molecules.

    Args:
        summary: of `summarise`.
        title: of the figure.
        n_molecules: molecules that prompts were cut from.
    """
    lengths = [length_label(length) for length in summary["prompt_length"].unique()]
    names = model_labels(summary)
    frame = summary.assign(
        length=summary["prompt_length"].map(length_label),
        size=summary["model"].map(names),
        value=summary["value"].map(lambda value: f"{value:g}"),
    )
    models = list(names.values())
    rows = []
    for measure in SHOWN:
        panels = [
            _panel(
                frame[frame["strategy"] == strategy], measure, lengths, models, first=i == 0, top=measure == SHOWN[0]
            )
            for i, strategy in enumerate(frame["strategy"].unique())
        ]
        rows.append(alt.hconcat(*panels, spacing=22).resolve_scale(y="shared"))
    lines = [f"Mean over {n_molecules} molecules; bars are standard errors over molecules."]
    heading = alt.TitleParams(title, subtitle=lines, subtitleFontSize=12, offset=14)
    return alt.vconcat(*rows, spacing=26).properties(title=heading).configure(**chart_config(len(lengths)))


def model_labels(summary: pd.DataFrame) -> dict[str, str]:
    """A label for each model, the largest first: its size, or its name where sizes do not tell them apart."""
    sizes = summary.groupby("model", sort=False)["n_parameters"].first().sort_values(ascending=False, kind="stable")
    labels = {str(model): f"{short(size)} parameters" for model, size in sizes.items()}
    return labels if len(set(labels.values())) == len(labels) else {model: model for model in labels}


def _panel(
    frame: pd.DataFrame, measure: str, lengths: list[str], models: list[str], first: bool, top: bool
) -> alt.LayerChart:
    percent = measure == "passes_filters"
    scale = 100.0 if percent else 1.0
    data = frame.assign(
        shown=scale * frame[measure],
        low=scale * (frame[measure] - frame[f"{measure}_error"]),
        high=scale * (frame[measure] + frame[f"{measure}_error"]),
    )[["value", "length", "size", "shown", "low", "high"]]
    title = "passes the filters (%)" if percent else "change of weight (g/mol)"
    # One extent for all rows, so that panels stand above each other.
    ends: dict[str, Any] = {"minExtent": AXIS_WIDTH, "maxExtent": AXIS_WIDTH} if first else {}
    if not percent:
        ends["values"] = WEIGHT_TICKS
    axis = alt.Axis(title=title if first else None, labels=first, domain=False, ticks=False, **ends)
    # Sequences that never end weigh thousands: a scale that is linear near zero and logarithmic far from it.
    y_scale = alt.Scale(domain=[0, 100]) if percent else alt.Scale(type="symlog", constant=WEIGHT_LINEAR_TO)
    legend = {"orient": "bottom", "direction": "horizontal", "symbolSize": 120} if top else None
    x = alt.X(
        "value:O",
        sort=list(dict.fromkeys(data["value"])),
        title=None if top else strategy_title(str(frame["strategy"].iloc[0]), str(frame["vary"].iloc[0])),
        axis=alt.Axis(labelAngle=0, grid=False),
    )
    color = alt.Color(
        "length:O",
        sort=lengths,
        scale=alt.Scale(domain=lengths, range="ordinal"),
        legend=alt.Legend(title="prompt", **legend) if legend else None,
    )
    dash = alt.StrokeDash(
        "size:N",
        sort=models,
        scale=alt.Scale(domain=models, range=[DASHES[i % len(DASHES)] for i in range(len(models))]),
        legend=alt.Legend(title="model", **legend) if legend and len(models) > 1 else None,
    )
    base = alt.Chart(data)
    tooltip = [
        alt.Tooltip("length:N", title="prompt"),
        alt.Tooltip("size:N", title="model"),
        alt.Tooltip("shown:Q", title=title, format=".1f"),
    ]
    layers = [
        base.mark_rule(strokeWidth=1, opacity=0.5).encode(x=x, y=alt.Y("low:Q", axis=axis), y2="high:Q", color=color),
        base.mark_line(strokeWidth=2).encode(
            x=x, y=alt.Y("shown:Q", axis=axis, scale=y_scale), color=color, strokeDash=dash
        ),
        base.mark_point(filled=True, size=34, opacity=1).encode(x=x, y="shown:Q", color=color, tooltip=tooltip),
    ]
    if not percent:
        layers.insert(
            0, alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(strokeWidth=1, opacity=0.6).encode(y="zero:Q")
        )
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)
