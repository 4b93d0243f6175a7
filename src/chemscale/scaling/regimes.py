r"""What limits a run: the shares of the fitted surface, and what the training itself adds.

For L = E + A N^-alpha + B D^-beta the reducible loss of a cell is the model term plus the data term; the larger one,
if it is clearly larger, is what limits the run. A run far down at E is at the floor. Too few optimiser steps, and data
seen too often, limit a run in a way that no surface over (N, D) shows; they are told from the table's own columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Label = Literal["model-limited", "data-limited", "mixed", "at the floor", "step-limited", "repetition-limited"]

CLEAR = 2 / 3  # a share of the reducible loss above this names the limit
AT_FLOOR = 0.02  # reducible loss below this share of the loss: nothing much is left to gain
WARMUPS = 3.0  # fewer steps than this many warm-ups are no training
STILL_FALLING = 0.02  # loss lost in the last tenth of training: more steps would have changed the cell
WORTH = 0.5  # repeated data worth less than half of fresh ones


@dataclass(frozen=True)
class Regime:
    """What limits one cell.

    Attributes:
        parameters: model size of the cell.
        data: data size of the cell.
        label: what limits it.
        model_share: model term over reducible loss.
        data_share: data term over reducible loss.
        floor_share: floor over loss.
        reason: why, where the label comes from the training and not from the surface.
    """

    parameters: float
    data: float
    label: Label
    model_share: float
    data_share: float
    floor_share: float
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return dict(vars(self))


def surface_regimes(
    model_size: np.ndarray,
    data_size: np.ndarray,
    model_term: np.ndarray,
    data_term: np.ndarray,
    floor: float,
    training: Mapping[str, np.ndarray] | None = None,
) -> tuple[Regime, ...]:
    """Name what limits every cell.

    Args:
        model_size: [n_cells].
        data_size: [n_cells].
        model_term: the part of the loss that a larger model takes away [n_cells].
        data_term: the part that more data take away [n_cells].
        floor: the irreducible loss.
        training: per cell, where known: `steps`, `warmup_steps`, `last_fall` (relative fall of the loss in the last
            tenth of training), `epochs`, `worth` (effective over seen data); NaN where not known.
    """
    reducible = model_term + data_term
    loss = floor + reducible
    shares = model_term / reducible
    regimes = []
    for index in range(len(loss)):
        label = _label(float(shares[index]), float(reducible[index] / loss[index]))
        known = {name: float(values[index]) for name, values in (training or {}).items()}
        label, reason = _training_limit(known) or (label, "")
        place = float(model_size[index]), float(data_size[index])
        share = float(shares[index])
        regimes.append(Regime(*place, label, share, 1 - share, float(floor / loss[index]), reason))
    return tuple(regimes)


def _label(model_share: float, reducible: float) -> Label:
    if reducible < AT_FLOOR:
        return "at the floor"
    if model_share > CLEAR:
        return "model-limited"
    return "data-limited" if model_share < 1 - CLEAR else "mixed"


def _training_limit(known: Mapping[str, float]) -> tuple[Label, str] | None:
    steps, warmup = known.get("steps", np.nan), known.get("warmup_steps", np.nan)
    if steps < WARMUPS * warmup:
        return "step-limited", f"{steps:.0f} steps after a warm-up of {warmup:.0f}"
    fall = known.get("last_fall", np.nan)
    if fall > STILL_FALLING:
        return "step-limited", f"still falling: {100 * fall:.1f} % in the last tenth of training"
    worth = known.get("worth", np.nan)
    if worth < WORTH:
        return (
            "repetition-limited",
            f"{known.get('epochs', np.nan):.3g} epochs are worth {100 * worth:.0f} % of fresh data",
        )
    return None
