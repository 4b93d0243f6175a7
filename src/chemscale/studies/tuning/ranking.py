"""The order of a tune's runs, and which are tied for the best within seed noise."""

import math
from collections.abc import Mapping, Sequence

from chemscale.studies.tuning.records import TunedRun
from chemscale.tpe import Curve, SeedNoise, TpeResult, noise_of_repeats
from chemscale.tpe.ties import given_noise, repeats

# estimators whose scores are losses, so that their seed noise is one of losses too
IN_LOSS_UNITS = ("window", "last_train", "last_validation", "power_law")


def sort_key(run: TunedRun) -> tuple[int, float, float]:
    """Sorts runs from best to worst.

    First those that were forked, by the lower of their two losses: they were the best at the constant rate, and what a
    falling rate would do for the others is not known. Then those trained to the end, by their final loss; then the
    stopped ones, the one trained longest first, and by score among equals; then the diverged ones, likewise; then the
    failed ones.
    """
    if run.status == "failed":
        return 4, 0.0, 0.0
    if run.status == "diverged":
        return 3, -run.epochs, 0.0
    if run.cooled is not None and math.isfinite(run.cooled):
        return 0, run.loss, 0.0
    if run.final is not None:
        return 1, run.final, 0.0
    return 2, -run.epochs, math.inf if math.isnan(run.score) else run.score


def noise_of_finals(
    given: float | None, curves: Sequence[Curve], finals: Mapping[str, float], early: TpeResult
) -> SeedNoise | None:
    """The noise between seeds of a final loss.

    Args:
        given: its standard deviation where it is known.
        curves: all runs, with their settings.
        finals: run -> final loss of those trained to the end.
        early: the scores of all runs, of which many more were repeated with another seed.

    Returns:
        The given one; else the one with more degrees of freedom, of final losses or of early scores that are losses.
    """
    if given is not None:
        return given_noise(given)
    late = noise_of_repeats([[finals[run] for run in group if run in finals] for group in repeats(curves)])
    soon = early.seed_noise if early.estimator in IN_LOSS_UNITS else None
    known = [noise for noise in (late, soon) if noise is not None]
    return max(known, key=lambda noise: noise.freedom, default=None)


def tied_with_best(runs: Sequence[TunedRun], noise: SeedNoise | None) -> tuple[str, ...]:
    """The best run and those that seed noise does not tell apart from it; the best alone where noise is not known.

    Args:
        runs: sorted from best to worst.
        noise: of a final loss.
    """
    if not runs or not math.isfinite(runs[0].loss):
        return ()
    best = runs[0]
    alike = [run for run in runs if (run.cooled is None) == (best.cooled is None) and run.status != "diverged"]
    tie = 0.0 if noise is None else noise.tie()
    return tuple(run.run for run in alike if run is best or run.loss - best.loss <= tie)
