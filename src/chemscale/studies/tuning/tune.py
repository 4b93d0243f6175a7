"""`tune`: search a grid, stop poor runs early, finish those that could still be best, and say what was saved."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chemscale.base.errors import ConfigError, UserError
from chemscale.base.files import folder_lock, read_json, write_atomically, write_json
from chemscale.studies.execute import check_data, check_executor, record_study
from chemscale.studies.study import Study, parse_study
from chemscale.studies.tuning.calibration import calibration_runs
from chemscale.studies.tuning.candidates import curve_at, has_learnt, whole_curve
from chemscale.studies.tuning.config import TuneConfig, check_comparable, check_tune, common_epochs, make_reading
from chemscale.studies.tuning.cooldown import fork_step, keep_fork_points, train_forks
from chemscale.studies.tuning.decisions_log import FILE_NAME, DecisionsLog
from chemscale.studies.tuning.gathering import final_loss, gather_outcome
from chemscale.studies.tuning.outcome import TuneOutcome
from chemscale.studies.tuning.rounds import Standing, hold_rounds
from chemscale.studies.tuning.sizes import run_sizes
from chemscale.studies.tuning.training import Tuning, train_to
from chemscale.tpe import scores_at

RESULT = "tune.json"
BEST = "best.toml"


def tune(values: Mapping[str, Any], folder: Path, workers: int | None = None, executor: str = "local") -> TuneOutcome:
    """Find the best configuration of a grid for a part of its cost.

    Every run is trained for a first part of its budget; the policy then decides, from the curves, who goes on from its
    checkpoint. Interrupted at any moment, the same call goes on: decisions are made again from the run folders, and
    nobody is trained past the epoch where it was stopped.

    Args:
        values: plain values of a study file with a [tune] table, overrides applied.
        folder: the tune's folder: `runs/`, `cooldown/`, `study.json`, `decisions.jsonl`, and at last `best.toml` and
            `tune.json`.
        workers: runs at a time; None takes one per core.
        executor: where runs are placed.

    Raises:
        ConfigError: a wrong key or value, or the folder holds another study or tune.
        BusyError: another process works in the folder.
        DataError: the data cannot be had, or a run folder was changed since a decision was made on it.
        UserError: runs failed.
    """
    check_executor(executor)
    study, settings = parse_study(values), check_tune(values.get("tune", {}))
    check_comparable(study.runs, settings)
    with folder_lock(folder, "tuning"):
        _check_same_tune(study, settings, folder)
        record_study(study, folder)
        check_data(study, folder)
        tuning = _prepare(study, settings, folder, workers, executor)
        log = DecisionsLog(folder)
        standing = hold_rounds(tuning, log)
        chosen = calibration_runs(standing, _early_scores(tuning, standing), settings.calibration)
        log.record(chosen)
        standing, forked = _finish(tuning, standing, [one.run for one in chosen])
        outcome = gather_outcome(tuning, standing, log, forked)
        write_atomically(folder / BEST, outcome.best_toml)
        write_json(folder / RESULT, outcome.to_dict())
        return outcome


def _prepare(study: Study, settings: TuneConfig, folder: Path, workers: int | None, executor: str) -> Tuning:
    total_epochs = common_epochs(study.runs)
    warmup = max(run.training.warmup_steps for run in study.runs)
    return Tuning(
        study=study,
        settings=settings,
        policy=settings.make_policy(),
        reading=make_reading(settings, warmup, total_epochs),
        folder=folder,
        sizes=run_sizes(study.runs),
        total_epochs=total_epochs,
        workers=workers,
        executor=executor,
    )


def _check_same_tune(study: Study, settings: TuneConfig, folder: Path) -> None:
    """Refuse to go on with other settings once decisions were made; how the end is told may change."""
    if not (folder / FILE_NAME).exists() or not (folder / "study.json").exists():
        return
    try:
        values = read_json(folder / "study.json")
        before, settled = parse_study(values), check_tune(values.get("tune", {}))
        total_before = common_epochs(before.runs)
    except UserError:
        return  # a damaged file is written anew; the decisions themselves are compared
    changed = [run.name() for run in study.runs] != [run.name() for run in before.runs]
    names = ["the runs"] if changed else []
    now, then = settings.deciding(common_epochs(study.runs)), settled.deciding(total_before)
    names += [f"tune.{key}" for key in now if key != "places" and now[key] != then[key]]
    if not names and now["places"] != then["places"]:
        names = ["tune.cooldown"]  # it takes away decisions that come after the rate of forks falls
    if names:
        raise ConfigError(
            f"{folder}: holds a tune whose decisions were made with other settings ({', '.join(names)} changed). "
            "Use another --out, or the same settings."
        )


def _early_scores(tuning: Tuning, standing: Standing) -> dict[str, float]:
    """Scores, where all runs stood, of those that have learnt anything; empty where nobody was stopped."""
    names = [name for name in tuning.runs if name not in standing.failed]
    if not standing.stopped:
        return {}
    place = tuning.scored_at
    curves = [
        curve_at(whole_curve(tuning.run_folder(name)), tuning.sizes[name], place, tuning.total_epochs) for name in names
    ]
    scores = scores_at(curves, tuning.estimator, place * tuning.total_epochs, tuning.reading)
    return {name: score for name, score, curve in zip(names, scores.tolist(), curves, strict=True) if has_learnt(curve)}


def _finish(tuning: Tuning, standing: Standing, calibrating: list[str]) -> tuple[Standing, tuple[str, ...]]:
    """Train survivors and calibration runs to the end, and the forks of the best; returns who was forked."""
    settings = tuning.settings
    end = {name: tuning.sizes[name].total_steps for name in (*standing.alive, *calibrating)}
    failed: dict[str, str] = {}
    if settings.cooldown:
        fork_at = {name: fork_step(tuning.sizes[name], settings.cooldown_fraction) for name in standing.alive}
        failed |= train_to(tuning, end | fork_at, "to where forks begin")
        keep_fork_points(tuning, [name for name in standing.alive if name not in failed])
    left = {name: step for name, step in end.items() if name not in failed}
    failed |= train_to(tuning, left, "to the end")
    standing = Standing(standing.alive, standing.decisions, {**standing.failed, **failed})
    ranked = [name for name in standing.alive if math.isfinite(final_loss(tuning.run_folder(name)))]
    ranked.sort(key=lambda name: final_loss(tuning.run_folder(name)))
    forked = tuple(ranked[: settings.cooldown])
    if settings.cooldown:
        train_forks(tuning, forked)
    return standing, forked
