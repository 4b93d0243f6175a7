"""Scores of a set of runs at one budget, all read alike so that they can be compared."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from chemscale.tpe.curve import Curve
from chemscale.tpe.estimators import Reading, score, shared_source


def scores_at(curves: Sequence[Curve], estimator: str, epochs: float, reading: Reading) -> np.ndarray:
    """Scores [n_runs] when every run has had `epochs` epochs: +inf has diverged by then, NaN cannot be scored yet.

    Where `reading` asks for validation losses but some run has no fresh one yet, all are read by their training losses.
    """
    seen = [curve.up_to(epochs) for curve in curves]
    alike = reading
    if reading.source == "validation":
        alike = dataclasses.replace(reading, source=shared_source(seen))
    return np.array([score(estimator, curve, alike) for curve in seen])
