"""From run folders to the outcome of a tune: final losses, the ranking, predictions, what to know about them."""

import math
from collections.abc import Mapping, Sequence, Set
from typing import Any

from chemscale.base.records import RunFolder
from chemscale.studies.execute import gather
from chemscale.studies.tables import look_up
from chemscale.studies.tuning.candidates import curve_at, steps_done, whole_curve
from chemscale.studies.tuning.cooldown import fork_folder, fork_of
from chemscale.studies.tuning.decisions_log import DecisionsLog
from chemscale.studies.tuning.outcome import TuneOutcome
from chemscale.studies.tuning.ranking import IN_LOSS_UNITS, noise_of_finals, sort_key, tied_with_best
from chemscale.studies.tuning.records import TunedRun, TunedStatus
from chemscale.studies.tuning.rounds import Standing
from chemscale.studies.tuning.saving import saving_of
from chemscale.studies.tuning.training import Tuning
from chemscale.tpe import Curve, TpeResult, estimate

FORK_KEYS = ("training.schedule", "training.decay_fraction")


def final_loss(folder: RunFolder) -> float:
    """The validation loss at the end of the budget; +inf for a run that diverged or has not ended."""
    if not folder.is_finished() or folder.result().status == "diverged":
        return math.inf
    loss = folder.result().losses["final_validation_loss"]
    return loss if math.isfinite(loss) else math.inf


def gather_outcome(tuning: Tuning, standing: Standing, log: DecisionsLog, forked: Sequence[str]) -> TuneOutcome:
    """Read the outcome of a tune from its folder; nothing is trained.

    Args:
        tuning: the tune.
        standing: who went on, who was stopped, who failed.
        log: all decisions.
        forked: runs whose forks were trained.
    """
    curves = {name: whole_curve(tuning.run_folder(name)) for name in tuning.runs if _has_curve(tuning, name)}
    finals = {name: final_loss(tuning.run_folder(name)) for name in curves if tuning.run_folder(name).is_finished()}
    early = _estimate(tuning, standing, curves, finals)
    cooled = {name: final_loss(fork_folder(tuning, name)) for name in forked}
    calibrating = {one.run for one in log.decisions if one.action == "calibrate"}
    runs = _ranked(tuning, standing, curves, finals, cooled, early, calibrating)
    noise = noise_of_finals(tuning.settings.seed_noise, list(curves.values()), finals, early)
    tied = tied_with_best(runs, noise)
    best = runs[0] if tied else None
    return TuneOutcome(
        title=tuning.study.header.title,
        folder=tuning.folder,
        settings=tuning.settings,
        total_epochs=tuning.total_epochs,
        scored_at=tuning.scored_at,
        varying=tuning.study.varying,
        runs=runs,
        best=best.run if best else None,
        best_values=_best_values(tuning, best),
        best_settings=_best_settings(tuning, best),
        tied=tied,
        noise=noise,
        constant_ranking=_by_loss(finals),
        cooled_ranking=_by_loss(cooled),
        decisions=log.decisions,
        estimate=early,
        saving=saving_of(tuning, forked),
        curves=tuple(curves.values()),
        environment=gather(tuning.study, tuning.folder).environment,
        warnings=_warnings(tuning, early, runs, finals),
    )


def _by_loss(losses: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(sorted((run for run, loss in losses.items() if math.isfinite(loss)), key=losses.__getitem__))


def _has_curve(tuning: Tuning, name: str) -> bool:
    folder = tuning.run_folder(name)
    return steps_done(folder) > 0 and any(point.step > 0 for point in folder.curve())


def _estimate(
    tuning: Tuning, standing: Standing, curves: Mapping[str, Curve], finals: Mapping[str, float]
) -> TpeResult:
    place, settings = tuning.scored_at, tuning.settings
    seen = [curve_at(curve, tuning.sizes[name], place, tuning.total_epochs) for name, curve in curves.items()]
    return estimate(
        seen,
        epochs=place * tuning.total_epochs,
        total_epochs=tuning.total_epochs,
        estimator=tuning.estimator,
        final={name: loss for name, loss in finals.items() if name not in standing.failed},
        level=settings.level,
        seed_noise=settings.seed_noise if tuning.estimator in IN_LOSS_UNITS else None,
        warmup_steps=tuning.reading.warmup_steps,
        share=settings.window_share,
        one_epoch_more=False,
    )


def _ranked(
    tuning: Tuning,
    standing: Standing,
    curves: Mapping[str, Curve],
    finals: Mapping[str, float],
    cooled: Mapping[str, float],
    early: TpeResult,
    calibrating: Set[str],
) -> tuple[TunedRun, ...]:
    scores = {run.run: run.score for run in early.runs}
    found = []
    for name, run in tuning.runs.items():
        values, stop = run.to_dict(), standing.stopped.get(name)
        steps = steps_done(tuning.run_folder(name))
        found.append(
            TunedRun(
                run=name,
                settings={key: look_up(values, key) for key in tuning.study.varying},
                status=_status(name, standing, curves, finals, calibrating),
                place=0,
                epochs=steps / tuning.sizes[name].steps_per_epoch,
                steps=steps,
                score=scores.get(name, math.nan),
                final=finals.get(name),
                cooled=cooled.get(name),
                reason=standing.failed.get(name, stop.reason if stop else ""),
            )
        )
    return tuple(TunedRun(**(vars(run) | {"place": place})) for place, run in enumerate(sorted(found, key=sort_key), 1))


def _status(
    name: str,
    standing: Standing,
    curves: Mapping[str, Curve],
    finals: Mapping[str, float],
    calibrating: Set[str],
) -> TunedStatus:
    if name in standing.failed:
        return "failed"
    if math.isinf(finals.get(name, 0.0)) or (name in curves and curves[name].diverged):
        return "diverged"
    if name in finals:
        return "calibration" if name in calibrating else "finished"
    return "stopped"


def _best_values(tuning: Tuning, best: TunedRun | None) -> dict[str, Any]:
    if best is None:
        return {}
    run = tuning.runs[best.run]
    return (fork_of(run, tuning.settings.cooldown_fraction) if best.is_better_cooled else run).to_dict()


def _best_settings(tuning: Tuning, best: TunedRun | None) -> dict[str, Any]:
    if best is None:
        return {}
    keys = [key for key in tuning.study.varying if key != "seed"]
    values = _best_values(tuning, best)
    return {key: look_up(values, key) for key in (*keys, *(FORK_KEYS if best.is_better_cooled else ()))}


def _warnings(
    tuning: Tuning, early: TpeResult, runs: Sequence[TunedRun], finals: Mapping[str, float]
) -> tuple[str, ...]:
    found = [f"failed and ranked last: {run.run}: {run.reason}" for run in runs if run.status == "failed"]
    early_diverged = {run.run for run in early.runs if run.status == "diverged"}
    late = [run.run for run in runs if run.status == "diverged" and run.run not in early_diverged]
    if late:
        found.append(f"diverged later and ranked last: {', '.join(late)}")
    worse = [run.run for run in runs if run.cooled is not None and not run.is_better_cooled]
    if worse:
        found.append(
            f"a falling rate did not lower the loss of {', '.join(worse)}: on this budget the rate was still needed; "
            "a shorter fall (tune.cooldown_fraction) or more epochs would tell"
        )
    found += early.warnings
    if early.calibration is None and finals and any(run.status == "stopped" for run in runs):
        found.append(
            f"the stopped runs have no predicted loss; --set tune.calibration={max(2, 5 - len(finals))} finishes some "
            "of them, spread over the scores, and the same command then predicts the others"
        )
    return (*found, *_could_be_better(early, runs))


def _could_be_better(early: TpeResult, runs: Sequence[TunedRun]) -> tuple[str, ...]:
    """Stopped runs whose prediction interval reaches below the best final loss at the same rate."""
    best = min((run.final for run in runs if run.final is not None), default=math.inf)
    stopped = {run.run for run in runs if run.status == "stopped"}
    reach = [one for one in early.predictions if one.run in stopped and one.student[0] < best]
    if not reach:
        return ()
    level = reach[0].student_level
    return (
        f"{len(reach)} of {len(stopped)} stopped runs have a {level:.0%} interval that reaches below the best final "
        f"loss ({best:.4g}): they were stopped although they could have been as good",
    )
