"""The axes and colours that the figures over model size and data size share."""

import altair as alt
import numpy as np

from chemscale.report.axes import TICK_LABEL, log_ticks, short
from chemscale.report.channels import log_x
from chemscale.report.law_titles import LawTitles
from chemscale.scaling.law_fit import LawFit

Range = tuple[float, float]


def size_axes(titles: LawTitles, shown: tuple[Range, Range]) -> dict[str, alt.X | alt.Y]:
    """Log axes for the columns `x` (model size) and `y` (data size)."""
    axis = alt.Axis(values=log_ticks(*shown[1]), labelExpr=TICK_LABEL, grid=False)
    scale = alt.Scale(type="log", domain=shown[1], nice=False)
    return {
        "x": log_x("x", titles.inputs[0], shown[0]),
        "y": alt.Y("y:Q", title=titles.inputs[1], scale=scale, axis=axis),
    }


def size_tooltips(titles: LawTitles) -> list[alt.Tooltip]:
    """What a cell says about itself: columns `x`, `y`, `loss`, `fitted`, `n_seeds`."""
    return [
        alt.Tooltip("x:Q", title=titles.inputs[0], format=",.4~r"),
        alt.Tooltip("y:Q", title=titles.inputs[1], format=",.4~r"),
        alt.Tooltip("loss:Q", title=titles.loss, format=".4f"),
        alt.Tooltip("fitted:Q", title="the law", format=".4f"),
        alt.Tooltip("n_seeds:Q", title="seeds"),
    ]


def held_inputs(fit: LawFit) -> tuple[np.ndarray, list[float]]:
    """A picture has two axes: which cells have the further inputs that most cells have, and what these are.

    Args:
        fit: of a law of model size, data size and more; of equally common values, the smallest are taken.

    Returns:
        Whether a cell is in the picture [n_cells], and the value of every further input.
    """
    rounded = fit.cells.logs[:, 2:].round(9)
    values, counts = np.unique(rounded, axis=0, return_counts=True)
    kept = (rounded == values[counts.argmax()]).all(axis=1)
    return kept, [float(value) for value in fit.cells.values[kept.argmax(), 2:]]


def held_words(fit: LawFit) -> str:
    """The further inputs with their values, as in "epochs = 4"; empty for laws of two inputs."""
    given = zip(fit.cells.inputs[2:], held_inputs(fit)[1], strict=True)
    return " and ".join(f"{name} = {short(value)}" for name, value in given)


def loss_color(domain: Range, title: str, legend: bool = True) -> alt.Color:
    """The colour of a loss on a log scale over `domain`."""
    ticks = round_levels(np.geomspace(*domain, 6)) if domain[1] > domain[0] else [domain[0]]
    guide = alt.Legend(title=title, orient="right", gradientLength=200, values=ticks, format="~g") if legend else None
    scale = alt.Scale(type="log", domain=domain, range="heatmap", clamp=True, nice=False)
    return alt.Color("loss:Q", title=title, scale=scale, legend=guide)


def round_levels(values: np.ndarray) -> list[float]:
    """Distinct values with as few digits as leave them near their place, ascending."""
    ordered = np.sort(values)
    gap = float(np.diff(ordered).min()) if len(ordered) > 1 else abs(float(ordered[0]))
    for digits in range(1, 8):
        rounded = np.array([float(f"{value:.{digits}g}") for value in ordered])
        if np.abs(rounded - ordered).max() <= 0.3 * gap:
            break
    return list(dict.fromkeys(rounded.tolist()))
