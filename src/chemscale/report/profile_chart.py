"""Profiles: how much worse the fit becomes as one parameter is held away from its best value."""

import altair as alt
import numpy as np
import pandas as pd

from chemscale.report.axes import log_ticks, short
from chemscale.report.law_theme import law_config
from chemscale.report.law_titles import symbol_of
from chemscale.report.panels import Panel, compose
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.solver.profile_curve import ProfileCurve, profile_curves


def profile_chart(fit: LawFit) -> alt.VConcatChart:
    """The profiles of all parameters, for a file."""
    panels = profile_panels(fit)
    return compose(panels, min(3, len(panels)), 300, 230)


def profile_panels(fit: LawFit) -> list[Panel]:
    """One panel per parameter that is not on a bound.

    Raises:
        FitError: the points lie exactly on the law.
    """
    panels = []
    for curve in profile_curves(fit):
        name = symbol_of(curve.parameter)
        title = f"{name} = {short(curve.best)}, {100 * fit.level:g} % interval {_ends(curve)}"
        panels.append(Panel(f"profile_{curve.parameter.lower()}", title, "", _panel(curve, name)))
    return panels


def _ends(curve: ProfileCurve) -> str:
    low, high = (short(end) if np.isfinite(end) else "open" for end in curve.interval)
    return f"{low} to {high}"


def _panel(curve: ProfileCurve, name: str) -> alt.LayerChart:
    frame = pd.DataFrame({"value": curve.values, "root": curve.roots})
    reach = 1.35 * max(curve.limit, 1.0)
    ends = (float(curve.values[0]), float(curve.values[-1]))
    x = alt.X("value:Q", title=name, scale=alt.Scale(domain=ends, nice=False), axis=alt.Axis(tickCount=5, grid=False))
    if curve.is_log:
        scale = alt.Scale(type="log", domain=ends, nice=False)
        x = alt.X("value:Q", title=name, scale=scale, axis=alt.Axis(values=log_ticks(*ends), format="~g", grid=False))
    axis = alt.Axis(tickCount=5, domain=False, ticks=False)
    y = alt.Y("root:Q", title="signed root ζ", scale=alt.Scale(domain=(-reach, reach), nice=False), axis=axis)
    limits = pd.DataFrame({"root": [-curve.limit, curve.limit]})
    linear = pd.DataFrame({"value": curve.values, "root": _linear(curve)})
    inside = [end for end in curve.interval if ends[0] <= end <= ends[1]]
    tooltip = [alt.Tooltip("value:Q", title=name, format=".4~g"), alt.Tooltip("root:Q", title="ζ", format="+.2f")]
    base = alt.Chart(frame).encode(x=x, y=y)
    layers = [
        alt.Chart(limits).mark_rule(style="limit").encode(y=y),
        alt.Chart(pd.DataFrame({"value": inside})).mark_rule(style="limit").encode(x=x),
        alt.Chart(linear).mark_line(style="guide", clip=True).encode(x=x, y=y),
        base.mark_line(style="dot", strokeWidth=2.2, clip=True),
        base.mark_point(style="dot", filled=True, size=22, opacity=1, clip=True).encode(tooltip=tooltip),
    ]
    return alt.layer(*layers).properties(width=480, height=260).configure(**law_config(1))


def _linear(curve: ProfileCurve) -> np.ndarray:
    """What +- standard errors would say, for comparison [n_values]."""
    distance = np.log(curve.values / curve.best) if curve.is_log else curve.values - curve.best
    return np.asarray(distance / curve.standard_error)
