"""The verb tune: the best configuration of a grid for a part of its cost, with its report."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chemscale.base.config import apply_overrides, to_toml
from chemscale.base.errors import ConfigError
from chemscale.base.files import write_json
from chemscale.report.tuning.contents import Saving, TuningReport
from chemscale.report.tuning.family_page import FamilyTuneRow, FamilyTunesReport, write_family_tunes
from chemscale.report.tuning.folder import write_tuning_report
from chemscale.studies.presets import load
from chemscale.studies.study import parse_study
from chemscale.studies.tuning.family_tunes import FamilyTunesOutcome, values_by_family
from chemscale.studies.tuning.outcome import TuneOutcome
from chemscale.studies.tuning.tune import RESULT
from chemscale.studies.tuning.tune import tune as tune_study
from chemscale.studies.worlds import world_of
from chemscale.tpe import Decision


@dataclass(frozen=True)
class TuneResult:
    """What a tune found, and its page."""

    outcome: TuneOutcome
    report: Path


@dataclass(frozen=True)
class FamilyTunesResult:
    """The tunes of several families, each with a page of its own, and the page over all of them."""

    tunes: Mapping[str, TuneResult]
    outcome: FamilyTunesOutcome
    report: Path


def tune(
    config: str,
    out: Path | None = None,
    overrides: Sequence[str] = (),
    *,
    workers: int | None = None,
    executor: str = "local",
) -> TuneResult | FamilyTunesResult:
    """Search a grid, stop poor runs early, finish the best; the same call continues an interrupted tune.

    A grid of several families is searched family by family, in folders of their own.

    Args:
        config: a preset's name or a TOML file with a [grid] and a [tune] table.
        out: the tune's folder; `runs/<name>` where it is None.
        overrides: `a.b=value` settings.
        workers: runs at a time; None takes one per core.
        executor: where runs are placed.

    Raises:
        UserError: the configuration or the data is wrong, runs failed, or another process works in the folder.
    """
    values = apply_overrides(load(config), overrides)
    if "grid" not in values:
        raise ConfigError(f"{config}: has no [grid] of values to try; see the preset smoke/chemgpt-tune")
    folder = out or Path("runs") / Path(config).with_suffix("").name
    settings = [part for override in overrides for part in ("--set", override)]
    command = shlex.join(["chemscale", "tune", config, *settings, "--out", str(folder)])
    tunes = {}
    for family, mine in values_by_family(values).items():
        tunes[family] = _tune_one(mine, folder / family, command, workers, executor)
    if tunes:
        return _over_families(tunes, values, folder, command)
    return _tune_one(values, folder, command, workers, executor)


def _tune_one(values: Mapping[str, Any], folder: Path, command: str, workers: int | None, executor: str) -> TuneResult:
    outcome = tune_study(values, folder, workers=workers, executor=executor)
    unit = world_of(parse_study(values).runs[0].family).loss_unit
    contents = replace(_contents(outcome, values, command), loss_title=f"validation loss ({unit})")
    return TuneResult(outcome, write_tuning_report(contents, folder))


def _over_families(
    tunes: Mapping[str, TuneResult], values: Mapping[str, Any], folder: Path, command: str
) -> FamilyTunesResult:
    """The page over all families, and `tune.json`."""
    outcome = FamilyTunesOutcome({family: one.outcome for family, one in tunes.items()})
    first = next(iter(outcome.outcomes.values()))
    report = FamilyTunesReport(
        title=first.title,
        rows=[_row(family, one) for family, one in outcome.outcomes.items()],
        loss_unit=world_of(next(iter(tunes))).loss_unit,
        commands=[command],
        environment=first.environment,
        config_text=to_toml(values),
    )
    write_json(folder / RESULT, outcome.to_dict())
    return FamilyTunesResult(tunes, outcome, write_family_tunes(report, folder))


def _row(family: str, outcome: TuneOutcome) -> FamilyTuneRow:
    quality = outcome.estimate.quality
    return FamilyTuneRow(
        family=family,
        best=outcome.best_settings,
        loss=outcome.runs[0].loss if outcome.best else None,
        n_runs=len(outcome.runs),
        n_finished=sum(run.status in ("finished", "calibration") for run in outcome.runs),
        n_tied=max(len(outcome.tied) - 1, 0),
        saved=outcome.saving.shares()["flops"],
        r_squared=quality.r_squared if quality else None,
        rho=quality.rho if quality else None,
    )


def _contents(outcome: TuneOutcome, values: Mapping[str, Any], command: str) -> TuningReport:
    named = {run.run: run for run in outcome.runs}
    spent, full = outcome.saving.spent, outcome.saving.full
    amounts = (("steps", spent.steps, full.steps), ("seconds", spent.seconds, full.seconds))
    settings = outcome.settings
    return TuningReport(
        title=outcome.title,
        curves=outcome.curves,
        total_epochs=outcome.total_epochs,
        settings={name: run.settings for name, run in named.items()},
        decisions=[
            Decision(one.run, one.action, one.place, math.nan if one.score is None else one.score, one.reason)
            for one in outcome.decisions
            if one.action != "calibrate"
        ],
        policy=f"{settings.policy} at {100 * outcome.scored_at:.3g} %",
        estimate=outcome.estimate,
        final={name: run.final for name, run in named.items() if run.final is not None},
        calibration_runs=frozenset(name for name, run in named.items() if run.status == "calibration"),
        savings=[Saving(*amount) for amount in (*amounts, ("FLOPs", spent.flops, full.flops))],
        best=outcome.best or "",
        tied=outcome.tied,
        cooled={name: run.cooled for name, run in named.items() if run.cooled is not None},
        commands=[command],
        environment=outcome.environment,
        config_text=to_toml(values),
        notes=[f"{text[0].upper()}{text[1:]}." for text in outcome.warnings if text not in outcome.estimate.warnings],
    )
