"""What a reader should know before using an estimate."""

import math
from collections.abc import Sequence

from chemscale.tpe.budget import Budget
from chemscale.tpe.curve import Curve
from chemscale.tpe.estimators import Reading
from chemscale.tpe.records import Quality, RunEstimate
from chemscale.tpe.regression import Calibration
from chemscale.tpe.ties import SeedNoise

RHO_DROP = 0.3
NAMES_SHOWN = 6


def estimate_warnings(
    curves: Sequence[Curve],
    runs: Sequence[RunEstimate],
    budget: Budget,
    reading: Reading,
    line: Calibration | None,
    refusal: str,
    noise: SeedNoise | None,
    quality: Quality | None,
) -> tuple[str, ...]:
    """All warnings that apply, in the order of their weight."""
    found = [
        _diverged(runs),
        _short(curves, runs, budget),
        _no_score(curves, runs, budget),
        refusal and f"no prediction: {refusal}",
        *(line.warnings if line else ()),
        _inflated(quality),
        _source(curves, reading),
        _no_noise(runs, noise),
        *(f"run {curve.run}: {note}" for curve in curves for note in curve.notes),
    ]
    return tuple(text for text in found if text)


def _diverged(runs: Sequence[RunEstimate]) -> str:
    gone = [
        f"{run.run} ({'infinite loss' if run.diverged_at is None else f'epoch {run.diverged_at:.3g}'})"
        for run in runs
        if run.status == "diverged"
    ]
    return f"diverged and ranked last: {_names(gone)}" if gone else ""


def _short(curves: Sequence[Curve], runs: Sequence[RunEstimate], budget: Budget) -> str:
    short = [
        f"{curve.run} ({curve.seen:.3g})"
        for curve, run in zip(curves, runs, strict=True)
        if run.diverged_at is None and not curve.reaches(budget.epochs)
    ]
    if not short:
        return ""
    return (
        f"not scored, because they have seen fewer than {budget.epochs:g} epochs: {_names(short)}. "
        "Sums and windows over fewer epochs do not compare; ask for fewer epochs to score them too"
    )


def _no_score(curves: Sequence[Curve], runs: Sequence[RunEstimate], budget: Budget) -> str:
    gone = [
        run.run
        for curve, run in zip(curves, runs, strict=True)
        if math.isnan(run.score) and curve.reaches(budget.epochs)
    ]
    if not gone:
        return ""
    return (
        f"no score for {_names(gone)}: at this budget there is nothing to read (the warm-up is not over, no validation "
        "loss yet, or too few points). Ask for more epochs or take another estimator"
    )


def _inflated(quality: Quality | None) -> str:
    if quality is None or not quality.rho - quality.rho_best_third > RHO_DROP:
        return ""
    return (
        f"rho is {quality.rho:.2f} over all runs but {quality.rho_best_third:.2f} inside the best third: the score "
        "tells poor runs from good ones, and says little about which of the good ones is best"
    )


def _source(curves: Sequence[Curve], reading: Reading) -> str:
    if reading.source == "validation" or not any(len(curve.validation_losses) for curve in curves):
        return ""
    return "validation losses were not read: not every run has a recent one at this budget, so training losses rank all"


def _no_noise(runs: Sequence[RunEstimate], noise: SeedNoise | None) -> str:
    if noise is not None or len(runs) < 2:
        return ""
    return "the noise between seeds is not known (one seed per configuration), so near equal scores may be in any order"


def _names(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
