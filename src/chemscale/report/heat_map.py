"""Heat maps of L(m, d): the measured loss of every cell, and what limits it."""

import altair as alt
import numpy as np
import pandas as pd

from chemscale.base.errors import FitError
from chemscale.report.axes import group_labels, padded
from chemscale.report.law_theme import REGIMES, law_config
from chemscale.report.law_titles import LawTitles, law_titles
from chemscale.report.panels import Panel, compose
from chemscale.report.size_axes import held_inputs, held_words, loss_color, size_axes, size_tooltips
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.regimes import CLEAR

_FILLED = 0.6  # share of a grid's cells that are there: below, the cells are drawn as points
_MOST_COLUMNS, _MOST_ROWS = 16, 16
_LETTERS = {"model-limited": "N", "data-limited": "D"}
_WORDS = {"at the floor": "floor", "step-limited": "steps", "repetition-limited": "repeats"}
_LOSS_CAPTION = "Every cell in the colour of its loss, the mean over its seeds."
_SHARES = (
    "Numbers: the part of the reducible loss (loss above the floor) that a larger model (N) or more data (D) would "
    "take away, whichever is more."
)
_LIMITS = (
    f"Limited: a larger model, or more data, would take away more than {100 * CLEAR:.0f} % of the reducible loss (loss "
    "above the floor)."
)
_PALE = 0.55  # place on the ramp of losses from which on dark text is readable


def heat_map(fit: LawFit, titles: LawTitles | None = None) -> alt.VConcatChart:
    """Both maps side by side, for a file; the second where the law says what limits a cell."""
    return compose(heat_map_panels(fit, titles), 2, 470, 340)


def heat_map_panels(fit: LawFit, titles: LawTitles | None = None) -> list[Panel]:
    """The map of the loss and, where the law says what limits a cell, that of the regimes."""
    titles = titles or law_titles(fit)
    of = _which_cells(fit)
    panels = [Panel("loss_map", "Measured loss", _LOSS_CAPTION + of, loss_map(fit, titles))]
    if fit.regimes:
        caption = (_SHARES if is_grid(fit) else _LIMITS) + of
        panels.append(Panel("regime_map", "What limits each cell", caption, regime_map(fit, titles)))
    return panels


def is_grid(fit: LawFit) -> bool:
    """Whether the cells of a fit fill most of a grid of model sizes and data sizes."""
    return _frame(fit)[1]


def loss_map(fit: LawFit, titles: LawTitles | None = None) -> alt.LayerChart:
    """Every cell in the colour of its measured loss, with the number in it; points where the cells form no grid.

    Raises:
        FitError: the law has one input.
    """
    titles = titles or law_titles(fit)
    frame, on_grid = _frame(fit)
    domain = (float(frame["loss"].min()), float(frame["loss"].max()))
    layers = _marks(frame, on_grid, titles, loss_color(domain, titles.loss, legend=not on_grid))
    if on_grid:
        place = np.log(frame["loss"] / domain[0]) / max(np.log(domain[1] / domain[0]), 1e-12)
        frame = frame.assign(style=np.where(place < _PALE, "on_dark", "on_light"), text=_digits(frame["loss"]))
        layers += _texts(frame, titles)
    return alt.layer(*layers).properties(width=520, height=380).configure(**law_config(1))


def regime_map(fit: LawFit, titles: LawTitles | None = None) -> alt.LayerChart:
    """Every cell in the colour of what limits it, with the limiting share in it.

    Raises:
        FitError: the law has one input, or says nothing of what limits a cell.
    """
    if not fit.regimes:
        raise FitError(f"the law {fit.name!r} does not split the loss into a model and a data term: no regimes")
    titles = titles or law_titles(fit)
    frame, on_grid = _frame(fit)
    found = [label for label in REGIMES if (frame["label"] == label).any()]
    symbol = "square" if on_grid else "circle"
    legend = alt.Legend(title=None, orient="bottom", direction="horizontal", values=found, symbolType=symbol, columns=3)
    scale = alt.Scale(domain=list(REGIMES), range="category")
    layers = _marks(frame, on_grid, titles, alt.Color("label:N", scale=scale, legend=legend))
    if on_grid:
        dark = frame["label"].isin(["model-limited", "step-limited", "repetition-limited"])
        layers += _texts(frame.assign(style=np.where(dark, "on_dark", "on_light"), text=frame["limit"]), titles)
    return alt.layer(*layers).properties(width=520, height=380).configure(**law_config(1))


def _frame(fit: LawFit) -> tuple[pd.DataFrame, bool]:
    """One row per cell, and whether they form a grid."""
    if len(fit.law.inputs) < 2:
        raise FitError(f"a heat map needs a law of model size and data size, got {fit.name!r}")
    cells = fit.cells
    frame = pd.DataFrame({"x": cells.values[:, 0], "y": cells.values[:, 1], "loss": cells.loss})
    frame = frame.assign(fitted=fit.predict(*cells.values.T), n_seeds=cells.n_seeds, label="", limit="", reason="")
    if fit.regimes:
        frame["label"] = [regime.label for regime in fit.regimes]
        frame["reason"] = [regime.reason for regime in fit.regimes]
        shares = [regime.model_share for regime in fit.regimes]
        frame["limit"] = [_limit(label, share) for label, share in zip(frame["label"], shares, strict=True)]
    frame = frame[held_inputs(fit)[0]]
    n_x, n_y = frame["x"].nunique(), frame["y"].nunique()
    on_grid = len(frame) >= _FILLED * n_x * n_y and n_x <= _MOST_COLUMNS and n_y <= _MOST_ROWS
    frame = frame.assign(**{f"{name}_name": frame[name].map(group_labels(frame[name])) for name in ("x", "y")})
    return frame.reset_index(drop=True), on_grid


def _which_cells(fit: LawFit) -> str:
    return f" Only cells with {held_words(fit)}." if len(fit.law.inputs) > 2 else ""


def _limit(label: str, model_share: float) -> str:
    if label in _WORDS:
        return _WORDS[label]
    letter = _LETTERS.get(label) or ("N" if model_share >= 0.5 else "D")
    share = {"N": model_share, "D": 1 - model_share}[letter]
    return f"{letter} {100 * share:.0f} %"


def _marks(frame: pd.DataFrame, on_grid: bool, titles: LawTitles, color: alt.Color) -> list[alt.Chart]:
    tooltip = size_tooltips(titles)
    if (frame["label"] != "").any():
        tooltip += [alt.Tooltip("label:N", title="limit"), alt.Tooltip("limit:N", title="share")]
    if (frame["reason"] != "").any():
        tooltip.append(alt.Tooltip("reason:N", title="because"))
    base = alt.Chart(frame)
    if on_grid:
        return [base.mark_rect(cornerRadius=2).encode(**_grid_axes(frame, titles), color=color, tooltip=tooltip)]
    marks = base.mark_point(filled=True, shape="circle", size=75, opacity=0.95)
    shown = padded(frame["x"].min(), frame["x"].max()), padded(frame["y"].min(), frame["y"].max())
    return [marks.encode(**size_axes(titles, shown), color=color, tooltip=tooltip)]


def _grid_axes(frame: pd.DataFrame, titles: LawTitles) -> dict[str, alt.X | alt.Y]:
    scale = alt.Scale(paddingInner=0.05, paddingOuter=0)
    axis = {"grid": False, "ticks": False, "domain": False, "labelAngle": 0}
    names = {name: list(group_labels(frame[name]).values()) for name in ("x", "y")}
    return {
        "x": alt.X("x_name:O", sort=names["x"], title=titles.inputs[0], scale=scale, axis=alt.Axis(**axis)),
        "y": alt.Y("y_name:O", sort=names["y"][::-1], title=titles.inputs[1], scale=scale, axis=alt.Axis(**axis)),
    }


def _texts(frame: pd.DataFrame, titles: LawTitles) -> list[alt.Chart]:
    axes = _grid_axes(frame, titles)
    return [
        alt.Chart(part).mark_text(style=str(style)).encode(**axes, text="text:N")
        for style, part in frame.groupby("style")
    ]


def _digits(losses: pd.Series) -> list[str]:
    """As many decimals as a cell has room for: 0.0345, 2.345, 12.35, 123."""
    powers = [int(np.floor(np.log10(value))) for value in losses]
    decimals = [2 - power if power < -1 else max(0, 3 - max(0, power)) for power in powers]
    return [f"{value:.{places}f}" for value, places in zip(losses, decimals, strict=True)]
