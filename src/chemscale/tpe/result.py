"""`estimate`: from early curves to scores, a ranking with ties, and predicted final losses with intervals."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from chemscale.base.errors import ConfigError, DataError, FitError
from chemscale.tpe.budget import Budget, choose_budget
from chemscale.tpe.curve import Curve
from chemscale.tpe.estimate_warnings import estimate_warnings
from chemscale.tpe.estimators import ESTIMATORS, Reading
from chemscale.tpe.finals import check_known, final_losses
from chemscale.tpe.ranking import r_squared, ranks, rho_in_best, spearman_rho
from chemscale.tpe.records import Prediction, Quality, RunEstimate, RunStatus, TpeResult
from chemscale.tpe.regression import MIN_RUNS, Calibration, calibrate
from chemscale.tpe.score_table import ScoreTable, score_table
from chemscale.tpe.ties import SeedNoise, given_noise, noise_of_repeats, repeats, tied_sets

SHORTER = 0.9  # of the full budget: only then are the curves' own ends taken as the converged losses


def estimate(
    curves: Sequence[Curve],
    *,
    epochs: float | None = None,
    fraction: float | None = None,
    total_epochs: float | None = None,
    estimator: str = "window",
    final: Mapping[str, float] | None = None,
    level: float = 0.9,
    seed_noise: float | None = None,
    warmup_steps: int = 0,
    share: float = 0.25,
    last_epochs: int = 1,
    decay: float = 0.999,
    one_epoch_more: bool | None = None,
) -> TpeResult:
    """Score every run on the first part of its curve, rank the runs, and predict their converged losses.

    Args:
        curves: the runs; names differ.
        epochs: what may be seen of each, in epochs (T of Eq. 7); or
        fraction: what may be seen, as a share of `total_epochs`. Without both: what all runs have seen.
        total_epochs: the full budget; the longest run's where absent.
        estimator: what ranks and predicts, a key of `ESTIMATORS`; "sum" is the paper's TSE.
        final: run -> converged loss (+inf: diverged), for the line of Eq. 8. Where absent, the ends of the curves that
            reach the full budget, if more than the first part of them is left unseen.
        level: level of the prediction intervals.
        seed_noise: standard deviation of the score between seeds; where absent, from runs that differ only in `seed`.
        warmup_steps: first steps that the window and the power law leave out.
        share: the window's share of what was seen.
        last_epochs: E of TSE-E.
        decay: gamma of TSE-EMA.
        one_epoch_more: whether TSE-E and TSE-EMA read T + 1 epochs, as the code released with the paper does; where
            absent, they do if T is a whole number and every run has logged epoch T (counted from 0) to its end.

    Raises:
        DataError: no curves, two of one name, or `final` names none of them.
        ConfigError: an argument out of its bounds.
        FitError: `seed_noise` is negative.
    """
    _check(curves, estimator)
    _check_level(level)
    budget = choose_budget(curves, epochs, fraction, total_epochs)
    wanted = Reading(
        share=share,
        warmup_steps=warmup_steps,
        last_epochs=last_epochs,
        decay=decay,
        total_epochs=budget.total_epochs,
    )
    table = score_table(curves, budget, wanted, one_epoch_more)
    scores = {row.run: row.values[estimator] for row in table.rows}
    known = _known_finals(curves, final, budget)
    line, refusal = _calibrate(scores, known)
    noise = _noise(curves, scores, seed_noise)
    quality = _quality(scores, known)
    runs = _runs(table, scores, known)
    return TpeResult(
        estimator=estimator,
        budget=budget,
        reading=table.reading,
        one_epoch_more=table.one_epoch_more,
        runs=runs,
        ranking=_ranking(curves, scores),
        tied=None if noise is None else tied_sets(scores, noise.tie()),
        seed_noise=noise,
        calibration=line,
        quality=quality,
        predictions=() if line is None else _predictions(line, scores, known, level),
        warnings=(
            *estimate_warnings(curves, runs, budget, table.reading, line, refusal, noise, quality),
            *_without_curve(curves, final or {}),
        ),
    )


def _check(curves: Sequence[Curve], estimator: str) -> None:
    if estimator not in ESTIMATORS:
        raise ConfigError(f"estimator: no `{estimator}`. There are {', '.join(ESTIMATORS)}.")
    names = [curve.run for curve in curves]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"run `{twice[0]}` is given twice. Give every run a name of its own.")


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ConfigError(f"level: expected a number between 0 and 1, for example 0.9, got {level!r}")


def _runs(table: ScoreTable, scores: Mapping[str, float], known: Mapping[str, float]) -> tuple[RunEstimate, ...]:
    places = _places(scores)
    return tuple(
        RunEstimate(
            run=row.run,
            status=_status(scores[row.run]),
            rank=places.get(row.run),
            score=scores[row.run],
            values=row.values,
            epochs_seen=row.seen.seen,
            steps_seen=row.seen.n_steps,
            diverged_at=row.seen.diverged_at,
            final=known.get(row.run),
        )
        for row in table.rows
    )


def _status(score: float) -> RunStatus:
    if math.isnan(score):
        return "not scored"
    return "diverged" if math.isinf(score) else "scored"


def _known_finals(curves: Sequence[Curve], final: Mapping[str, float] | None, budget: Budget) -> dict[str, float]:
    if final is None:
        if budget.fraction > SHORTER:
            return {}
        final = final_losses(curves, budget.total_epochs)
        if len(final) < MIN_RUNS:
            return {}
    check_known(final, curves)
    mine = {curve.run: final[curve.run] for curve in curves if curve.run in final}
    return {run: float(value) if math.isfinite(value) else math.inf for run, value in mine.items()}


def _without_curve(curves: Sequence[Curve], final: Mapping[str, float]) -> tuple[str, ...]:
    gone = sorted(set(final) - {curve.run for curve in curves})
    if not gone:
        return ()
    return (f"{len(gone)} runs with a converged loss have no curve here, {gone[0]} for one: is the name right?",)


def _calibrate(scores: Mapping[str, float], known: Mapping[str, float]) -> tuple[Calibration | None, str]:
    """The line of Eq. 8, or why there is none; no reason where no converged loss is known."""
    used = [run for run, loss in known.items() if math.isfinite(loss) and math.isfinite(scores[run])]
    if not used:
        return None, ""
    try:
        return calibrate([scores[run] for run in used], [known[run] for run in used], list(scores.values())), ""
    except FitError as error:
        return None, str(error)


def _noise(curves: Sequence[Curve], scores: Mapping[str, float], given: float | None) -> SeedNoise | None:
    if given is not None:
        return given_noise(given)
    return noise_of_repeats([[scores[run] for run in group] for group in repeats(curves)])


def _ranking(curves: Sequence[Curve], scores: Mapping[str, float]) -> tuple[str, ...]:
    """Runs from the best to the worst, the diverged ones last (the one that lasted longest first)."""
    lasted = {curve.run: -(curve.diverged_at or 0.0) for curve in curves}
    ranked = [run for run, value in scores.items() if not math.isnan(value)]
    return tuple(sorted(ranked, key=lambda run: (scores[run], lasted[run] if math.isinf(scores[run]) else 0.0)))


def _places(scores: Mapping[str, float]) -> dict[str, float]:
    """Ranks from 1, shared by equal scores; runs without a score have none."""
    ranked = {run: value for run, value in scores.items() if not math.isnan(value)}
    return dict(zip(ranked, ranks(list(ranked.values())).tolist(), strict=True))


def _quality(scores: Mapping[str, float], known: Mapping[str, float]) -> Quality | None:
    used = [run for run in known if not math.isnan(scores[run])]
    if len(used) < 3:
        return None
    s, losses = np.array([scores[run] for run in used]), np.array([known[run] for run in used])
    return Quality(len(used), spearman_rho(s, losses), rho_in_best(s, losses), r_squared(s, losses))


def _predictions(
    line: Calibration, scores: Mapping[str, float], known: Mapping[str, float], level: float
) -> tuple[Prediction, ...]:
    runs = [run for run, value in scores.items() if math.isfinite(value)]
    x = np.array([scores[run] for run in runs])
    student, jackknife = line.student(x, level), line.jackknife(x, level)
    values, outside = line.predict(x), line.extrapolates(x)
    return tuple(
        Prediction(
            run=run,
            predicted=float(values[i]),
            student=(float(student.low[i]), float(student.high[i])),
            student_level=student.level,
            jackknife=(float(jackknife.low[i]), float(jackknife.high[i])),
            jackknife_level=jackknife.level,
            extrapolated=bool(outside[i]),
            calibrated_on=math.isfinite(known.get(run, math.inf)),
        )
        for i, run in enumerate(runs)
    )
