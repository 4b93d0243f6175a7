"""Which stopped runs are finished all the same, so that the line of Eq. 8 (frey2023) has runs to stand on.

The survivors alone are the best-looking runs. A line through those predicts badly, and its interval is too small. So
`calibration` stopped runs are added whose places are spread evenly from the survivors to the place below which nine in
ten runs lie. The very worst are left out: one run far from all others would decide the line alone.
"""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from chemscale.studies.tuning.decisions_log import TuneDecision
from chemscale.studies.tuning.rounds import Standing

LAST_QUANTILE = 0.9


def calibration_runs(standing: Standing, scores: Mapping[str, float], n_wanted: int) -> tuple[TuneDecision, ...]:
    """Choose stopped runs to finish.

    Args:
        standing: who was stopped.
        scores: run -> score where all runs stood, of those that have learnt anything: one that will diverge calibrates
            nothing.
        n_wanted: how many; fewer where fewer were stopped.

    Returns:
        One decision a run, from the better to the worse score.
    """
    ranked = sorted((run for run, score in scores.items() if math.isfinite(score)), key=lambda run: scores[run])
    free = [run for run in ranked if run in standing.stopped and run not in standing.failed]
    if not n_wanted or not free:
        return ()
    chosen: set[str] = set()
    for quantile in np.linspace(len(standing.alive) / len(ranked), LAST_QUANTILE, n_wanted + 1)[1:]:
        wanted = float(quantile) * len(ranked)
        left = [run for run in free if run not in chosen]
        if left:
            chosen.add(min(left, key=lambda run: (abs(ranked.index(run) + 1 - wanted), ranked.index(run))))
    return tuple(
        dataclasses.replace(
            standing.stopped[run],
            action="calibrate",
            score=scores[run],
            threshold=None,
            reason=f"place {ranked.index(run) + 1} of {len(ranked)}: finished all the same, to calibrate predictions",
        )
        for run in ranked
        if run in chosen
    )
