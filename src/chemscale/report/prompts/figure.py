"""The figure of a sweep: one panel for each strategy and measure, colours for prompt lengths, dashes for models."""

import altair as alt
import pandas as pd

from chemscale.report.axes import short
from chemscale.report.prompts.summary import STRATEGIES, length_label
from chemscale.report.theme import chart_config

SHOWN = ("passes_filters", "delta_mw")
WIDTH, HEIGHT = 200, 190


def sweep_figure(summary: pd.DataFrame, title: str, n_molecules: int) -> alt.VConcatChart:
    """Percentage that passes the filters above, change of weight below; bars are standard errors over molecules.

    Args:
        summary: of `summarise`.
        title: of the figure.
        n_molecules: molecules that prompts were cut from.
    """
    lengths = [length_label(length) for length in summary["prompt_length"].unique()]
    sizes = sorted(summary["n_parameters"].unique(), reverse=True)
    models = [f"{short(size)} parameters" for size in sizes]
    frame = summary.assign(
        length=summary["prompt_length"].map(length_label),
        size=summary["n_parameters"].map(dict(zip(sizes, models, strict=True))),
        value=summary["value"].map(lambda value: f"{value:g}"),
    )
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
    axis = alt.Axis(title=title if first else None, labels=first, domain=False, ticks=False)
    y_scale = alt.Scale(domain=[0, 100]) if percent else alt.Scale()
    legend = {"orient": "bottom", "direction": "horizontal", "symbolSize": 120} if top else None
    x = alt.X(
        "value:O",
        sort=list(dict.fromkeys(data["value"])),
        title=STRATEGIES.get(str(frame["strategy"].iloc[0]), "") if not top else None,
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
        scale=alt.Scale(domain=models, range=[[1, 0], [5, 4], [2, 3], [8, 3, 2, 3]][: len(models)]),
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
