"""What a law leaves over: residuals against the fitted loss and against every input."""

import altair as alt
import numpy as np
import pandas as pd

from chemscale.report.axes import padded
from chemscale.report.channels import log_x
from chemscale.report.law_theme import law_config
from chemscale.report.law_titles import LawTitles, law_titles
from chemscale.report.panels import Panel, compose
from chemscale.scaling.law_fit import LawFit

_BINS = 8
_CAPTION = "Band: twice the noise. Line: mean of neighbours, level where the law fits."


def residual_chart(fit: LawFit, titles: LawTitles | None = None) -> alt.VConcatChart:
    """All residual panels side by side, for a file."""
    panels = residual_panels(fit, titles)
    return compose(panels, len(panels), 300, 240)


def residual_panels(fit: LawFit, titles: LawTitles | None = None) -> list[Panel]:
    """Residuals against the fitted loss, then against every input of the law.

    Args:
        fit: of any law; residuals are in percent of the fitted loss, for bounded scores in the score's own unit.
        titles: of the axes.
    """
    titles = titles or law_titles(fit)
    fitted = fit.predict(*fit.cells.values.T)
    kind = "score" if fit.law.residual == "absolute" else "loss"
    panels = []
    for number, values in enumerate([fitted, *fit.cells.values.T]):
        title = f"fitted {titles.loss}" if number == 0 else titles.inputs[number - 1]
        name = "residuals_fitted" if number == 0 else f"residuals_{fit.law.inputs[number - 1]}"
        chart = _panel(fit, values, title, is_size=number > 0 and fit.law.inputs[number - 1] != "epochs")
        panels.append(
            Panel(
                name,
                f"Residuals against {f'fitted {kind}' if number == 0 else title}",
                _CAPTION if number == 0 else "",
                chart,
            )
        )
    return panels


def _panel(fit: LawFit, values: np.ndarray, title: str, is_size: bool) -> alt.LayerChart:
    absolute = fit.law.residual == "absolute"
    fitted = fit.predict(*fit.cells.values.T)
    left_over = fit.cells.loss - fitted if absolute else 100 * fit.residuals
    noise = fit.noise * (1 if absolute else 100)
    frame = pd.DataFrame({"x": values, "residual": left_over, "loss": fit.cells.loss, "fitted": fitted})
    frame = frame.assign(n_seeds=fit.cells.n_seeds)
    reach = 1.12 * max(float(np.abs(left_over).max()), 2.4 * noise, 1e-9)
    shown = padded(float(values.min()), float(values.max()))
    x = log_x("x", title, shown)
    if not is_size:
        x = x.axis(alt.Axis(format="~g", tickCount=5, grid=False))
    scale = alt.Scale(domain=(-reach, reach), nice=False)
    axis = alt.Axis(tickCount=6, domain=False, ticks=False)
    named = "residual" if absolute else "residual (%)"
    y = alt.Y("residual:Q", title=named, scale=scale, axis=axis)
    band = alt.Chart(pd.DataFrame({"low": [-2 * noise], "high": [2 * noise]})).mark_rect(style="band")
    zero = alt.Chart(pd.DataFrame({"residual": [0.0]})).mark_rule(style="guide")
    points = alt.Chart(frame).mark_point(style="dot", filled=True, size=42, opacity=0.75)
    tooltip = [
        alt.Tooltip("x:Q", title=title, format=",.4~r" if is_size else ".4f"),
        alt.Tooltip("residual:Q", format="+.2f"),
        alt.Tooltip("loss:Q", title="measured", format=".4f"),
        alt.Tooltip("fitted:Q", title="the law", format=".4f"),
        alt.Tooltip("n_seeds:Q", title="seeds"),
    ]
    layers = [
        band.encode(y=alt.Y("low:Q", scale=scale, title=named, axis=axis), y2="high:Q"),
        zero.encode(y=y),
        points.encode(x=x, y=y, tooltip=tooltip),
        alt.Chart(_means(frame)).mark_line(style="trend", clip=True).encode(x=x, y=y),
    ]
    return alt.layer(*layers).properties(width=480, height=280).configure(**law_config(1))


def _means(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean x (of logs) and mean residual of neighbouring cells: one per size in a grid, else some equal parts."""
    ordered = frame.sort_values("x")
    parts = ordered.groupby(ordered["x"].round(9)) if ordered["x"].nunique() <= _BINS + 4 else None
    if parts is None:
        parts = ordered.groupby(np.arange(len(ordered)) * _BINS // len(ordered))
    means = parts.agg(log_x=("x", lambda values: float(np.log(values).mean())), residual=("residual", "mean"))
    return pd.DataFrame({"x": np.exp(means["log_x"]), "residual": means["residual"]})
