"""Reading curves of any program: a table with a `run` column, one run a file, a folder of files, or run folders.

A log needs an epoch and a training loss on its rows; the step, the run, a validation loss and settings are used where
they are there. Epochs may be counted from 0 or from 1, or be the fraction that is completed (0.02, 0.04, ...).
A blank cell is no loss; `nan` and `inf` are losses, of a run that diverged.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from chemscale.base.errors import DataError
from chemscale.tpe.columns import choose_columns
from chemscale.tpe.curve import Curve, check_consecutive, completed_epochs
from chemscale.tpe.log_table import SUFFIXES, read_log, table_of_frame
from chemscale.tpe.resumed import rows_that_count, training_keys
from chemscale.tpe.run_folders import curve_of_run, run_folders
from chemscale.tpe.run_rows import RunRows, split_runs


def read_curves(
    source: str | Path | Sequence[str | Path],
    *,
    run: str | None = None,
    epoch: str | None = None,
    loss: str | None = None,
    validation: str | None = None,
) -> tuple[Curve, ...]:
    """Read the curves of one or more runs.

    Args:
        source: a file (CSV, TSV, JSON lines), a folder of such files or of run folders, or several of them. A file
            without a run column is one run, named like the file (like its folder where all files have one name).
        run: the column with the run's name; guessed where absent.
        epoch: the column with the epoch; guessed where absent.
        loss: the column with the training loss; guessed where absent, a per-step loss before a per-epoch one.
        validation: the column with the validation loss; guessed where absent.

    Returns:
        The curves in the order of the files and of their first rows.

    Raises:
        DataError: a file is missing or broken, a column cannot be found, or a run's log has holes.
    """
    paths = [Path(one) for one in ([source] if isinstance(source, str | Path) else source)]
    files, folders = _log_files(paths)
    if not files and not folders:
        named = ", ".join(str(path) for path in paths) or "no path"
        raise DataError(f"{named}: no curves. Expected a file or a folder of files with {', '.join(SUFFIXES)}.")
    names = _file_names(files)
    rows: list[RunRows] = []
    for path in files:
        table = read_log(path)
        columns = choose_columns(table, run=run, epoch=epoch, loss=loss, validation=validation)
        rows += split_runs(table, columns, names[path])
    return _checked([*_curves(rows), *(curve_of_run(folder) for folder in folders)])


def curves_from_table(
    table: pd.DataFrame,
    *,
    run: str | None = None,
    epoch: str | None = None,
    loss: str | None = None,
    validation: str | None = None,
) -> tuple[Curve, ...]:
    """Curves of a table in memory with one row per step; arguments and errors as in `read_curves`."""
    log = table_of_frame(table)
    columns = choose_columns(log, run=run, epoch=epoch, loss=loss, validation=validation)
    return _checked(_curves(split_runs(log, columns, "run")))


def _log_files(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    files: list[Path] = []
    folders: list[Path] = []
    for path in paths:
        if not path.exists():
            raise DataError(f"{path}: no such file or folder")
        if not path.is_dir():
            files.append(path)
            continue
        ours = run_folders(path)
        folders += ours
        if not ours:  # tables beside run folders are reports, not curves
            files += [one for one in sorted(path.rglob("*")) if one.suffix.lower() in SUFFIXES and one.is_file()]
    return files, folders


def _file_names(files: Sequence[Path]) -> dict[Path, str]:
    """What a run is called whose file has no run column."""
    stems = [path.stem for path in files]
    if len(set(stems)) == len(stems):
        return dict(zip(files, stems, strict=True))
    parents = [path.resolve().parent.name for path in files]
    if len(set(parents)) == len(parents):
        return dict(zip(files, parents, strict=True))
    return {path: str(path.with_suffix("")) for path in files}


def _curves(rows: Sequence[RunRows]) -> list[Curve]:
    """Curves with epochs from 0; whether the logs count from 1 is decided over all whole-numbered ones together."""
    whole = [one for one in rows if (one.epochs == np.floor(one.epochs)).all()]
    first = min((float(one.epochs[one.has_loss].min()) for one in whole), default=0.0)
    base = 1.0 if first == 1.0 else 0.0
    counted = {id(one) for one in whole}
    return [_curve(one, base if id(one) in counted else None) for one in rows]


def _curve(rows: RunRows, base: float | None) -> Curve:
    """One curve; `base` is the number of the first epoch, None where the epoch is the completed fraction."""
    trained = np.flatnonzero(rows.has_loss)
    keys, complete = training_keys(rows.epochs, rows.steps)
    order = trained[rows_that_count(keys[trained], complete, f"{rows.source}, run `{rows.run}`")]
    places = rows.epochs[order]
    if base is None:
        index, progress = _of_fractions(places)
    else:
        index = (places - base).astype(int)
        check_consecutive(rows.run, index)
        progress = completed_epochs(index)
    replaced = len(trained) - len(order)
    notes = (
        *rows.notes,
        *((f"{replaced} logged steps were replaced by later rows (a resumed log)",) if replaced else ()),
    )
    at, values = _evaluations(rows, keys, order, places if base is None else progress, base is None)
    return Curve(rows.run, index, rows.losses[order], progress, at, values, rows.settings, notes)


def _of_fractions(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Epoch index and progress of rows whose epoch is a fraction: completed after the step, or begun before it at 0."""
    if places[0] == 0.0:
        gap = float(np.median(np.diff(places))) if len(places) > 1 else 1.0
        return np.floor(places + 1e-9).astype(int), np.append(places[1:], places[-1] + gap)
    return np.maximum(np.ceil(places - 1e-9).astype(int) - 1, 0), places.astype(float)


def _evaluations(
    rows: RunRows, keys: np.ndarray, order: np.ndarray, progress: np.ndarray, fractions: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Validation losses and the epochs completed at each: after the last step that is not later; the last row wins."""
    evaluated = np.flatnonzero(rows.has_validation)
    trained = np.flatnonzero(rows.has_loss)
    step_before = np.searchsorted(trained, evaluated, side="right") - 1
    replaced = (step_before >= 0) & ~np.isin(trained, order)[np.maximum(step_before, 0)]
    evaluated = evaluated[~replaced]
    if not len(evaluated):
        return np.zeros(0), np.zeros(0)
    if fractions:
        at = rows.epochs[evaluated]
    elif rows.steps is not None:
        before = np.searchsorted(keys[order], keys[evaluated], side="right")
        at = np.where(before > 0, progress[np.maximum(before - 1, 0)], 0.0)
    else:
        before = np.searchsorted(np.sort(order), evaluated, side="right")
        at = np.where(before > 0, progress[np.maximum(before - 1, 0)], 0.0)
    places, last = np.unique(at[::-1], return_index=True)
    return places, rows.validation[evaluated[::-1][last]]


def _checked(curves: Sequence[Curve]) -> tuple[Curve, ...]:
    names = [curve.run for curve in curves]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"run `{twice[0]}` is in more than one file. Give every run a name of its own.")
    return tuple(curves)
