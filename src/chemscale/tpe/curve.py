"""One run's training curve: the loss of every step with its epoch, and the validation losses between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chemscale.base.errors import DataError

SAME_PLACE = 1e-9  # epochs; places that differ by less are one


@dataclass(frozen=True, eq=False)
class Curve:
    """What one run has shown so far.

    Attributes:
        run: its name.
        epochs: [n_steps], the epoch of each step, counted from 0.
        losses: [n_steps], training losses; NaN and infinity mean that the run has diverged.
        progress: [n_steps], epochs completed after each step.
        validation_progress: [n_evaluations], epochs completed at each evaluation.
        validation_losses: [n_evaluations].
        settings: the run's own settings where the log has them, such as its seed.
        notes: what a reader of the log should know.
    """

    run: str
    epochs: np.ndarray
    losses: np.ndarray
    progress: np.ndarray
    validation_progress: np.ndarray
    validation_losses: np.ndarray
    settings: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def n_steps(self) -> int:
        """Logged training losses."""
        return len(self.losses)

    @property
    def seen(self) -> float:
        """Epochs completed; not a whole number where the run ends inside an epoch."""
        return float(self.progress[-1]) if self.n_steps else 0.0

    @property
    def diverged_at(self) -> float | None:
        """Epochs completed when the loss was no longer finite, or None."""
        bad = np.flatnonzero(~np.isfinite(self.losses))
        return float(self.progress[bad[0]]) if len(bad) else None

    @property
    def diverged(self) -> bool:
        """Whether a training loss is NaN or infinite."""
        return not bool(np.isfinite(self.losses).all())

    def up_to(self, epochs: float) -> "Curve":
        """The curve as it was when `epochs` epochs had been completed; nothing later is known to it."""
        steps = int(np.searchsorted(self.progress, epochs + SAME_PLACE, side="right"))
        evaluated = self.validation_progress <= epochs + SAME_PLACE
        return replace(
            self,
            epochs=self.epochs[:steps],
            losses=self.losses[:steps],
            progress=self.progress[:steps],
            validation_progress=self.validation_progress[evaluated],
            validation_losses=self.validation_losses[evaluated],
        )

    def without_first(self, steps: int) -> "Curve":
        """The curve without its first `steps` training steps (a warm-up) and the evaluations among them."""
        if steps <= 0 or not self.n_steps:
            return self
        start = float(self.progress[min(steps, self.n_steps) - 1])
        evaluated = self.validation_progress > start + SAME_PLACE
        return replace(
            self,
            epochs=self.epochs[steps:],
            losses=self.losses[steps:],
            progress=self.progress[steps:],
            validation_progress=self.validation_progress[evaluated],
            validation_losses=self.validation_losses[evaluated],
        )

    def reaches(self, epochs: float) -> bool:
        """Whether the run has been trained for `epochs` epochs; it may lack less than one interval between its rows."""
        if not self.n_steps:
            return False
        steps = np.diff(self.progress, prepend=0.0)
        return epochs - self.seen < float(np.median(steps)) * (1 - 1e-6)

    def epoch_means(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean training loss of each epoch -> (means [n_epochs], share of each epoch that was seen [n_epochs])."""
        if not self.n_steps:
            return np.zeros(0), np.zeros(0)
        starts = np.flatnonzero(np.diff(self.epochs, prepend=-1))
        counts = np.diff(np.append(starts, self.n_steps))
        with np.errstate(invalid="ignore", over="ignore"):
            means = np.add.reduceat(self.losses, starts) / counts
        shares = np.ones(len(starts))
        shares[-1] = min(1.0, self.seen - float(self.epochs[-1]))
        return means, shares


def curve_of_steps(
    run: str,
    losses: ArrayLike,
    *,
    epochs: ArrayLike | None = None,
    steps_per_epoch: int | None = None,
    validation_epochs: ArrayLike = (),
    validation_losses: ArrayLike = (),
    settings: Mapping[str, str] | None = None,
) -> Curve:
    """A curve from a run's step losses: three lines in anybody's training loop.

    Args:
        run: its name.
        losses: [n_steps], the training loss of every step; NaN or infinity where it diverged.
        epochs: [n_steps], the epoch of every step, whole numbers from 0; or give `steps_per_epoch`.
        steps_per_epoch: steps of one whole epoch. With `epochs` it says how many the last epoch would have had; without
            it the last epoch is taken as unfinished where it has fewer steps than all earlier ones.
        validation_epochs: [n_evaluations], epochs completed at each evaluation (1.0 = after the first epoch).
        validation_losses: [n_evaluations].
        settings: the run's settings, such as {"lr": "0.001", "seed": "0"}.

    Raises:
        DataError: lengths differ, the epochs do not run 0, 1, 2, ..., or there is nothing at all.
    """
    values = _floats(run, "losses", losses)
    if not len(values):
        raise DataError(f"run {run}: no training loss at all")
    if steps_per_epoch is not None and steps_per_epoch < 1:
        raise DataError(f"run {run}: steps_per_epoch is {steps_per_epoch}, expected 1 or more")
    if epochs is None:
        if steps_per_epoch is None:
            raise DataError(f"run {run}: give `epochs` (one for each loss) or `steps_per_epoch`")
        index = np.arange(len(values)) // steps_per_epoch
    else:
        index = _epoch_index(run, epochs, len(values))
    places = _floats(run, "validation_epochs", validation_epochs)
    evaluated = _floats(run, "validation_losses", validation_losses)
    if len(places) != len(evaluated):
        raise DataError(f"run {run}: {len(places)} validation_epochs and {len(evaluated)} validation_losses")
    known = ~np.isnan(evaluated)
    order = np.argsort(places[known], kind="stable")
    return Curve(
        run=run,
        epochs=index,
        losses=values,
        progress=completed_epochs(index, steps_per_epoch),
        validation_progress=places[known][order],
        validation_losses=evaluated[known][order],
        settings=dict(settings or {}),
    )


def completed_epochs(epochs: np.ndarray, steps_per_epoch: int | None = None) -> np.ndarray:
    """Epochs completed after each step [n_steps].

    Each epoch is divided by its own number of steps. The last one may be unfinished: it is divided by
    `steps_per_epoch`, or else by the smallest number of steps of the earlier epochs, where it has fewer than that.
    """
    starts = np.flatnonzero(np.diff(epochs, prepend=-1))
    counts = np.diff(np.append(starts, len(epochs)))
    whole = steps_per_epoch or (int(counts[:-1].min()) if len(counts) > 1 else 0)
    lengths = counts.astype(float)
    lengths[-1] = max(counts[-1], whole)
    position = np.arange(len(epochs)) - np.repeat(starts, counts) + 1
    return np.asarray(epochs + position / np.repeat(lengths, counts), dtype=float)


def check_consecutive(run: str, epochs: np.ndarray) -> None:
    """Refuse a log whose epochs do not run 0, 1, 2, ...: the sum over epochs would miss some."""
    present = np.unique(epochs)
    if present[0] != 0:
        raise DataError(
            f"run {run}: the log begins with epoch {present[0]}, its first epochs are missing. "
            "Join the log of the first part; both may hold the same steps, the later one counts."
        )
    missing = np.flatnonzero(np.diff(present) > 1)
    if len(missing):
        raise DataError(f"run {run}: the log has no losses of epoch {present[missing[0]] + 1}")


def _epoch_index(run: str, epochs: ArrayLike, n_steps: int) -> np.ndarray:
    values = _floats(run, "epochs", epochs)
    if len(values) != n_steps:
        raise DataError(f"run {run}: {len(values)} epochs and {n_steps} losses: give one epoch for each loss")
    index = values.astype(int) if np.isfinite(values).all() else np.zeros(0, int)
    if not len(index) or (index != values).any() or (np.diff(index) < 0).any():
        raise DataError(f"run {run}: epochs must be whole numbers that never fall")
    check_consecutive(run, index)
    return index


def _floats(run: str, name: str, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"run {run}: {name} must be numbers") from None
    if array.ndim != 1:
        raise DataError(f"run {run}: {name} must be a list of numbers, got an array of shape {list(array.shape)}")
    return array
