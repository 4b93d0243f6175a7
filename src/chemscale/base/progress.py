"""Progress that a person can read in a terminal and a machine can read in a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Bar:
    """A progress bar in a terminal; where output is no terminal, one plain line at most every `every_seconds`."""

    def __init__(self, title: str, total: float | None, unit: str, every_seconds: float = 15.0) -> None:
        self.title, self.total, self.unit, self.every_seconds = title, total, unit, every_seconds
        self.done = 0.0
        self._started = self._last_line = time.monotonic()
        self._progress: Progress | None = None

    def set_total(self, total: float) -> None:
        """Say how much there is to do, once it is known."""
        self.total = total
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], total=total)

    def advance(self, amount: float = 1.0, note: str = "") -> None:
        """Move on by `amount` units; `note` stands at the end of the line."""
        self.update(self.done + amount, note)

    def update(self, done: float, note: str = "") -> None:
        """Set how many units are done."""
        self.done = done
        seconds = max(time.monotonic() - self._started, 1e-9)
        rate = f"{_short(done / seconds)} {self.unit}/s " if self.unit else ""
        text = f"{rate}{note}".rstrip()
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=done, note=text)
        elif time.monotonic() - self._last_line >= self.every_seconds:
            self._last_line = time.monotonic()
            share = left = ""
            if self.total and done:
                share = f" {100 * done / self.total:3.0f}%"
                left = f", about {_duration(seconds * (self.total - done) / done)} left"
            print(f"{self.title}:{share} {text}{left}", file=sys.stderr, flush=True)


@contextmanager
def progress_bar(title: str, total: float | None, unit: str = "") -> Iterator[Bar]:
    """Show progress on standard error while the block runs; with a `unit` also the rate."""
    bar = Bar(title, total, unit)
    console = Console(stderr=True)
    if not console.is_terminal:
        yield bar
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        progress.add_task(title, total=total, note="")
        bar._progress = progress
        yield bar


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _short(value: float) -> str:
    for limit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.1f} {letter}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"
