"""The verb tune: the best configuration of a grid for a part of its cost, with its report."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chemscale.base.config import apply_overrides, to_toml
from chemscale.base.errors import ConfigError
from chemscale.report.tuning.contents import Saving, TuningReport
from chemscale.report.tuning.folder import write_tuning_report
from chemscale.studies.presets import load
from chemscale.studies.tuning.outcome import TuneOutcome
from chemscale.studies.tuning.tune import tune as tune_study
from chemscale.tpe import Decision


@dataclass(frozen=True)
class TuneResult:
    """What a tune found, and its page."""

    outcome: TuneOutcome
    report: Path


def tune(
    config: str,
    out: Path | None = None,
    overrides: Sequence[str] = (),
    *,
    workers: int | None = None,
    executor: str = "local",
) -> TuneResult:
    """Search a grid, stop poor runs early, finish the best; the same call continues an interrupted tune.

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
    outcome = tune_study(values, folder, workers=workers, executor=executor)
    return TuneResult(outcome, write_tuning_report(_contents(outcome, values, command), folder))


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
