"""The file of one run: JSON lines that are appended to, mended after a crash, and continued by a resumed run.

Every line holds the run, the epochs completed, the step, and a training or a validation loss; the first one holds the
run's settings too. A loss that is not finite is the text "nan", "inf" or "-inf", which every JSON reader can parse.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import filelock

from chemscale.base.errors import BusyError, ConfigError, DataError, StorageError
from chemscale.base.files import write_atomically
from chemscale.tpe.columns import EPOCH_NAMES, LOSS_NAMES, RUN_NAMES, STEP_NAMES, VALIDATION_NAMES, plain_name
from chemscale.tpe.curve import SAME_PLACE

SUFFIX = ".jsonl"
ROW_KEYS = ("run", "epoch", "step", "train_loss", "validation_loss")
TAKEN = {*RUN_NAMES, *EPOCH_NAMES, *STEP_NAMES, *LOSS_NAMES, *VALIDATION_NAMES}
LONGEST_NAME = 200

Setting = str | int | float | bool


class CurveFile:
    """Appends the rows of one run; one process at a time.

    Attributes:
        path: the file.
        is_new: whether it holds no row of this run yet.
        last_epoch: epochs completed at its last row; 0 where it begins anew.
    """

    def __init__(self, folder: Path, run: str, settings: Mapping[str, Setting], resumed_at: float = 0.0) -> None:
        """Look at what is there already; nothing is written before the first row.

        Args:
            folder: where the file is.
            run: the run's name, and the file's.
            settings: for the first row.
            resumed_at: rows after so many epochs are dropped; at 0 an earlier file is kept aside as `.old`.

        Raises:
            ConfigError: the name cannot be a file name, or a setting's name means something else in a log.
            DataError: a file to go on with is damaged, or holds the run with other settings.
        """
        _check_name(run)
        _check_settings(settings)
        self.path = folder / f"{run}{SUFFIX}"
        self.run = run
        self.settings = dict(settings)
        self._lock = filelock.FileLock(folder / f".{run}.lock")
        self._stream: TextIO | None = None
        self._resumed_at = resumed_at
        self._prepared = False
        rows = _whole_rows(self.path) if resumed_at else []
        self.is_new = not rows
        self.last_epoch = rows[-1]["epoch"] if rows else 0.0
        if rows:
            self._check_same_settings(rows[0])

    def append(self, epoch: float, step: int, losses: Mapping[str, float]) -> None:
        """Append one row and hand it to the system, so that a killed process loses none.

        Raises:
            BusyError: another recorder writes this run.
            StorageError: it cannot be written.
        """
        try:
            if self._stream is None:
                self._stream = self._open()
            row: dict[str, Any] = {"run": self.run, "epoch": epoch, "step": step}
            row |= {name: _json_number(value) for name, value in losses.items()}
            if self.is_new:
                row |= {name: _json_number(value) for name, value in self.settings.items()}
            self._stream.write(json.dumps(row) + "\n")
        except OSError as error:
            raise StorageError(f"{self.path}: cannot be written to ({error.strerror})") from None
        self.is_new = False

    def close(self) -> None:
        """Let go of the file; the next row opens it again."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            self._lock.release()

    def _open(self) -> TextIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            raise BusyError(
                f"{self.path}: another recorder is writing this run. "
                "Give each run a name of its own, or close() the other recorder."
            ) from None
        if self.path.exists() and not self._prepared:
            self._prepare()
        self._prepared = True
        return self.path.open("a", buffering=1, encoding="utf-8")

    def _prepare(self) -> None:
        if not self._resumed_at:
            self.path.replace(self.path.with_name(f"{self.path.name}.old"))
            return
        kept = [row for row in _whole_rows(self.path) if row["epoch"] <= self._resumed_at + SAME_PLACE]
        text = "".join(json.dumps(row) + "\n" for row in kept)
        if text != self.path.read_text(encoding="utf-8"):
            write_atomically(self.path, text)

    def _check_same_settings(self, first: Mapping[str, Any]) -> None:
        before = {name: value for name, value in first.items() if name not in ROW_KEYS}
        mine = {name: _json_number(value) for name, value in self.settings.items()}
        if before != mine:
            raise DataError(
                f"{self.path}: run `{self.run}` is there with the settings {before}, now they are {mine}. "
                "Choose another run name or folder, or delete the file."
            )


def _check_name(run: str) -> None:
    if not run or run.startswith(".") or any(sign in run for sign in "/\\\0\n") or len(run) > LONGEST_NAME:
        raise ConfigError(
            f"run: {run!r} cannot be a file name. Expected 1 to {LONGEST_NAME} signs without / and \\, "
            "not beginning with a point, for example lr0.01-seed0."
        )


def _check_settings(settings: Mapping[str, Setting]) -> None:
    for name, value in settings.items():
        if plain_name(name) in TAKEN:
            raise ConfigError(f"settings: {name!r} means something else in a log. Call it otherwise.")
        if not isinstance(value, str | int | float | bool):
            raise ConfigError(f"settings: {name} is {value!r}, expected a text or a number")


def _json_number(value: Setting) -> Setting:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _whole_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of an earlier attempt, without a last line that was cut off when its process died."""
    try:
        lines = path.read_bytes().split(b"\n") if path.exists() else []
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        row = _row(line)
        if row is not None:
            rows.append(row)
        elif line.strip() and number < len(lines):
            raise DataError(
                f"{path}, line {number}: not a row of a recorder: {line[:60]!r}. "
                "Delete the file, or choose another run name or folder."
            )
    return rows


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
        return {**row, "epoch": float(row["epoch"])}
    except (ValueError, TypeError, KeyError):
        return None
