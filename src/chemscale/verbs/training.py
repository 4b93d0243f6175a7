"""The verbs that train, and that look at what was trained."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from chemscale.base.config import apply_overrides, to_toml
from chemscale.base.errors import ConfigError, DataError, FitError
from chemscale.base.progress import progress_bar
from chemscale.base.records import RunFolder, RunResult
from chemscale.report.contents import StudyReport
from chemscale.report.families.contents import FamiliesReport, FamilyComparison, compare_families
from chemscale.report.families.folder import write_families_report
from chemscale.report.folder import write_report
from chemscale.scaling import GroupFit, fit_study
from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.table_fit import TableColumns, TableFit, fit_table
from chemscale.studies.execute import StudyOutcome, execute_study, gather, read_study_values
from chemscale.studies.presets import load
from chemscale.studies.run import check_same_data, execute_run, parse_run
from chemscale.studies.selection import Selection, runs_of_the_law
from chemscale.studies.status import RunStatus, count_states, study_status
from chemscale.studies.study import Study, is_study, parse_study
from chemscale.verbs.laws import STUDY_DATA, STUDY_LOSS

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
        families: the comparison of families where the grid has several; `fits` are then those of all of them, and
            there is no one joint law.
        data_unit: what data sizes count.
    """

    outcome: StudyOutcome
    fits: list[GroupFit]
    joint: TableFit | None
    remarks: tuple[str, ...]
    report: Path
    families: FamilyComparison | None = None
    data_unit: str = "molecules"


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
    values = _load_training(config, overrides)
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
    values = _load_training(config, overrides)
    if not is_study(values):
        raise ConfigError(f"{config}: is a single run (it has no [grid]); use `chemscale train {config}`")
    parsed = parse_study(values)
    folder = out or Path("runs") / Path(config).with_suffix("").name
    settings = [part for override in overrides for part in ("--set", override)]
    command = shlex.join(["chemscale", "study", config, *settings, "--out", str(folder)])
    outcome = execute_study(parsed, folder, workers=workers, executor=executor)
    return _report(parsed, folder, outcome, command)


def _load_training(config: str, overrides: Sequence[str]) -> dict[str, Any]:
    values = apply_overrides(load(config), overrides)
    if "sweep" in values:
        raise ConfigError(f"{config}: is a sweep over prompts; use `chemscale generate CHECKPOINT --sweep {config}`")
    return values


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
    if len(selection.families) > 1:
        raise DataError(
            f"{folder}: holds runs of {', '.join(selection.families)}, and each family has laws of its own. "
            f"Give the table of one, written by `chemscale report`: {folder}/families/{selection.families[0]}/table.csv"
        )
    if not len(selection.table):
        raise DataError(f"{folder}: there is nothing to fit. {' '.join(selection.notes) or 'No run is finished.'}")
    return selection.table


def _report(study: Study, folder: Path, outcome: StudyOutcome, command: str) -> StudyResult:
    families = tuple(dict.fromkeys(run.family for run in study.runs))
    selection = runs_of_the_law(outcome.table, study.varying, families=families)
    remarks = (*_remarks(study, outcome), *selection.notes)
    contents = StudyReport(
        title=study.header.title,
        table=outcome.table,
        curves=outcome.curves,
        commands=[command],
        environment=outcome.environment,
        config_text=to_toml(study.values),
        notes=[*filter(None, [study.header.notes]), *remarks],
        law_runs=frozenset(selection.table["run"]),
        **_units(study),
    )
    if len(selection.families) > 1 and len(contents.usable):
        return _report_families(study, folder, outcome, contents, selection)
    contents, joint = _with_laws(contents, selection.table, study.header.level)
    page = write_report(contents, folder)
    return StudyResult(outcome, list(contents.fits), joint, remarks, page, data_unit=contents.data_unit)


def _report_families(
    study: Study, folder: Path, outcome: StudyOutcome, contents: StudyReport, selection: Selection
) -> StudyResult:
    """Every family has laws of its own, and a page of its own beside the one that compares them."""
    level = study.header.level
    fits: list[GroupFit] = []
    parts: dict[str, StudyReport] = {}
    for family in selection.families:
        runs = selection.table[selection.table["family"] == family]
        part = replace(contents, title=f"{contents.title}: {family}", notes=selection.notes)
        part = replace(part, table=contents.table[contents.table["family"] == family], law_runs=frozenset(runs["run"]))
        if len(contents.curves):
            part = replace(part, curves=contents.curves[contents.curves["run"].isin(part.table["run"])])
        parts[family], _ = _with_laws(part, runs, level)
        fits += parts[family].fits
    split = str(getattr(study.runs[0].data, "split", ""))
    comparison = compare_families(contents, selection.families, split=split, level=level)
    page = write_families_report(FamiliesReport(contents, parts, comparison), folder)
    remarks = (*_remarks(study, outcome), *selection.notes)
    return StudyResult(outcome, fits, None, remarks, page, comparison, contents.data_unit)


def _units(study: Study) -> dict[str, Any]:
    """What the axes of the study's world are, as `StudyReport` takes it."""
    world = study.runs[0].world
    blocks = getattr(study.runs[0].data, "protocol", "") == "blocks"
    return {
        "model_size": world.model_size,
        "loss_unit": world.loss_unit if _is_absolute(study.runs[0].loss) else "weighted, see the study file",
        "data_unit": "blocks" if blocks else world.data_unit,
        "curve_axis": "tokens" if world.name == "language" else "epoch",
    }


def _is_absolute(loss: Any) -> bool:
    """Whether a loss is in the unit of its world: of one quantity, and not squared."""
    return loss is None or (loss.kind == "l1" and loss.energy_weight == 0 and loss.force_weight == 1)


def _with_laws(contents: StudyReport, runs: pd.DataFrame, level: float) -> tuple[StudyReport, TableFit | None]:
    """The report with the laws of its runs: those per group, and the joint one where the grid holds one."""
    fits = fit_study(runs, level=level, model_size=contents.model_size)
    joint = _joint_law(runs, contents.model_size, level)
    law = joint.entries[0].fit if joint else None
    return replace(contents, fits=fits, joint=law if isinstance(law, LawFit) else None), joint


def _joint_law(table: pd.DataFrame, model_size: str, level: float) -> TableFit | None:
    columns = TableColumns(y=STUDY_LOSS, parameters=model_size, data=STUDY_DATA)
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
