"""The verbs that train, and that look at what was trained."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from chemscale.base.config import apply_overrides, to_toml
from chemscale.base.errors import ConfigError, DataError, FitError
from chemscale.base.progress import progress_bar
from chemscale.base.records import RunFolder, RunResult
from chemscale.report.contents import StudyReport
from chemscale.report.folder import write_report
from chemscale.scaling import GroupFit, fit_study
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.table_fit import TableColumns, TableFit, fit_table
from chemscale.studies.execute import StudyOutcome, execute_study, gather, read_study_values
from chemscale.studies.presets import load
from chemscale.studies.run import check_same_data, execute_run, parse_run
from chemscale.studies.selection import runs_of_the_law
from chemscale.studies.status import RunStatus, count_states, study_status
from chemscale.studies.study import Study, is_study, parse_study
from chemscale.verbs.laws import STUDY_DATA, STUDY_LOSS, STUDY_MODEL

__all__ = ["StudyResult", "count_states", "report_study", "status", "study", "table", "train"]


@dataclass(frozen=True)
class StudyResult:
    """A study's runs, laws and page.

    Attributes:
        outcome: table, curves and failures.
        fits: the law per group, or the reason why there is none.
        joint: the additive law of model and data; None where the grid does not hold one.
        remarks: what to know about the runs: failures, what is left, what is compared with what.
        report: path of the HTML page.
    """

    outcome: StudyOutcome
    fits: list[GroupFit]
    joint: TableFit | None
    remarks: tuple[str, ...]
    report: Path


def train(config: str, out: Path | None = None, overrides: Sequence[str] = ()) -> tuple[Path, RunResult]:
    """Train one model.

    Args:
        config: a preset's name or a TOML file with one run.
        out: the folder in which the run's own folder is made; `runs` where it is None.
        overrides: `a.b=value` settings.

    Returns:
        The run folder and its result.

    Raises:
        UserError: the configuration or the data is wrong.
    """
    values = apply_overrides(load(config), overrides)
    if is_study(values):
        raise ConfigError(f"{config}: is a study (it has a [grid]); use `chemscale study {config}`")
    run = parse_run(values)
    folder = (out or Path("runs")) / run.name()
    check_same_data(RunFolder(folder), run.world.prepare(run.data))
    with progress_bar(run.name(), None, "steps") as bar:

        def show(done: int, total: int, validation_loss: float) -> None:
            bar.set_total(total)
            bar.update(done, f"validation loss {validation_loss:.3f}")

        result = execute_run(run, folder, show)
    assert result is not None
    return folder, result


def study(
    config: str,
    out: Path | None = None,
    overrides: Sequence[str] = (),
    *,
    workers: int | None = None,
    executor: str = "local",
) -> StudyResult:
    """Run a scaling study: train the grid, fit the law, write the report.

    Args:
        config: a preset's name or a TOML file with a [grid].
        out: the study's folder; `runs/<name>` where it is None.
        overrides: `a.b=value` settings.
        workers: runs at a time; None takes one per core.
        executor: `local`.

    Raises:
        UserError: the configuration or the data is wrong, or another process works in the folder.
    """
    values = apply_overrides(load(config), overrides)
    if not is_study(values):
        raise ConfigError(f"{config}: is a single run (it has no [grid]); use `chemscale train {config}`")
    parsed = parse_study(values)
    folder = out or Path("runs") / Path(config).with_suffix("").name
    settings = [part for override in overrides for part in ("--set", override)]
    command = shlex.join(["chemscale", "study", config, *settings, "--out", str(folder)])
    outcome = execute_study(parsed, folder, workers=workers, executor=executor)
    return _report(parsed, folder, outcome, command)


def report_study(folder: Path) -> StudyResult:
    """Fit and draw a study anew from its folder, finished or not.

    Raises:
        ConfigError: there is no study in the folder.
    """
    parsed = parse_study(read_study_values(folder))
    return _report(parsed, folder, gather(parsed, folder), f"chemscale report {folder}")


def status(folder: Path) -> list[RunStatus]:
    """The state of every run of a study.

    Raises:
        ConfigError: there is no study in the folder.
    """
    return study_status(folder)


def table(folder: Path) -> pd.DataFrame:
    """The study table of a folder: one row per finished run."""
    return gather(parse_study(read_study_values(folder)), folder).table


def law_table(folder: Path) -> pd.DataFrame:
    """The runs of a study that lie on one law, and what `fit` needs to know of their training.

    Raises:
        ConfigError: there is no study in the folder.
        DataError: no runs of it may be fitted together.
    """
    parsed = parse_study(read_study_values(folder))
    selection = runs_of_the_law(gather(parsed, folder).table, parsed.varying)
    if not len(selection.table):
        raise DataError(f"{folder}: there is nothing to fit. {' '.join(selection.notes) or 'No run is finished.'}")
    return selection.table


def _report(study: Study, folder: Path, outcome: StudyOutcome, command: str) -> StudyResult:
    selection = runs_of_the_law(outcome.table, study.varying)
    fits = fit_study(selection.table, level=study.header.level)
    joint = _joint_law(selection.table, study.header.level)
    remarks = (*_remarks(study, outcome), *selection.notes)
    blocks = getattr(study.runs[0].data, "protocol", "") == "blocks"
    contents = StudyReport(
        title=study.header.title,
        table=outcome.table,
        fits=fits,
        curves=outcome.curves,
        commands=[command],
        environment=outcome.environment,
        config_text=to_toml(study.values),
        notes=[*filter(None, [study.header.notes]), *remarks],
        law_runs=frozenset(selection.table["run"]),
        joint=joint.entries[0].fit if joint and isinstance(joint.entries[0].fit, LawFit) else None,
        loss_unit=study.runs[0].world.loss_unit,
        data_unit="blocks" if blocks else "molecules",
    )
    return StudyResult(outcome, fits, joint, remarks, write_report(contents, folder))


def _joint_law(table: pd.DataFrame, level: float) -> TableFit | None:
    columns = TableColumns(y=STUDY_LOSS, parameters=STUDY_MODEL, data=STUDY_DATA)
    try:
        return fit_table(table, columns, "additive", level=level, skip_invalid=True)
    except FitError:  # too few cells, or one size only: the laws per group say what can be said
        return None


def _remarks(study: Study, outcome: StudyOutcome) -> list[str]:
    """What a reader has to know about the runs, in whole sentences."""
    remarks = [f"{end.status}: {end.name}: {end.message}" for end in outcome.failed]
    if outcome.n_left:
        left = f"{outcome.n_left} of {len(study.runs)} runs are not finished"
        remarks.append(f"{left}: `chemscale study` with the same settings continues them.")
    diverged = int((outcome.table["status"] == "diverged").sum())
    if diverged:
        remarks.append(f"{diverged} of {len(study.runs)} runs diverged, and are in no law.")
    precisions = sorted(set(outcome.table["precision"].dropna()))
    if len(precisions) > 1:
        remarks.append(f"Runs were computed in {' and '.join(precisions)}; --set training.precision=... makes it one.")
    return remarks
