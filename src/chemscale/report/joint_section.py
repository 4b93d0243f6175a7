"""The page's section on a joint law: its parameters, what to know about them, and its figures."""

import html
import math

from chemscale.report.law_figures import LawPanels
from chemscale.report.law_titles import formula_of, symbol_of
from chemscale.report.page_frame import panel_grid
from chemscale.report.panels import Panel
from chemscale.scaling.law_fit import LawFit

_PREFIX = "joint_"
_PROFILES = (
    "How much worse the fit becomes (ζ, in standard deviations) as one parameter is held at another value. Red: the "
    "limit of the interval. Thin dashes: what ± standard errors would say."
)


def joint_section(fit: LawFit, panels: LawPanels) -> str:
    """The section's HTML.

    Args:
        fit: the law.
        panels: its figures; their charts are drawn where their ids are.
    """
    warnings = "".join(f"<li>{html.escape(text[0].upper() + text[1:])}.</li>" for text in fit.warnings)
    parts = [
        f"<h2>Joint law</h2><p class='caption'>{html.escape(_facts(fit))}</p>",
        _parameters(fit),
        f"<ul class='remarks'>{warnings}</ul>" if warnings else "",
        panel_grid(panels.fit, "two", prefix=_PREFIX),
        panel_grid(panels.exponents, "two", prefix=_PREFIX),
    ]
    if panels.residuals:
        caption = html.escape(panels.residuals[0].caption)
        parts.append(f"<h3 class='apart'>Residuals</h3><p class='caption'>{caption}</p>")
        parts.append(panel_grid(panels.residuals, "three", prefix=_PREFIX, captions=False))
    if panels.profiles:
        parts.append(f"<h3 class='apart'>Profiles</h3><p class='caption'>{_PROFILES}</p>")
        parts.append(panel_grid(panels.profiles, "three", prefix=_PREFIX))
    return "".join(parts)


def id_of(panel: Panel) -> str:
    """The id of a panel's place on the page."""
    return _PREFIX + panel.name


def _facts(fit: LawFit) -> str:
    cells, explained = f"{fit.n_points} cells", f"R² = {fit.r_squared:.4f}"
    return " · ".join([formula_of(fit.formula), cells, explained, fit.noise_text, fit.status])


def _parameters(fit: LawFit) -> str:
    errors, level = fit.standard_errors, f"{100 * fit.level:g} %"
    heads = ["parameter", "value", f"{level} interval", "standard error", "with Huber's loss", "meaning"]
    kinds = ["text", "", "", "", "", "text"]
    rows = []
    for parameter in fit.law.parameters:
        name = parameter.name
        ends = " – ".join(f"{end:.4g}" if math.isfinite(end) else "open" for end in fit.intervals[name])
        cells = [
            html.escape(symbol_of(name)),
            f"<b>{fit.parameters[name]:.4g}</b>",
            ends,
            f"{errors[name]:.2g}",
            f"{fit.huber[name]:.4g}",
            html.escape(parameter.meaning),
        ]
        row = "".join(f"<td class='{kind}'>{cell}</td>" for cell, kind in zip(cells, kinds, strict=True))
        rows.append(f"<tr>{row}</tr>")
    head = "".join(f"<th scope='col' class='{kind}'>{text}</th>" for text, kind in zip(heads, kinds, strict=True))
    body = "".join(rows)
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
