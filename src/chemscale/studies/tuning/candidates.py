"""A run as a policy sees it: its curve, cut where it stood at one place of the budget."""

import dataclasses

import numpy as np

from chemscale.base.records import RunFolder
from chemscale.studies.tuning.sizes import RunSize
from chemscale.tpe import Curve, curve_of_run


def steps_done(folder: RunFolder) -> int:
    """Steps of a run that are on disk."""
    return len(folder.step_losses())


def has_ended(folder: RunFolder, until_step: int) -> bool:
    """Whether a run has come to a step, or has ended before it."""
    return folder.is_finished() or steps_done(folder) >= until_step


def whole_curve(folder: RunFolder) -> Curve:
    """The curve of a run so far; one that ended by divergence shows it, also where its step losses are finite.

    Raises:
        DataError: the run has no evaluation yet.
    """
    curve = curve_of_run(folder.path)
    if folder.is_finished() and folder.result().stopped_by == "divergence" and not curve.diverged:
        losses = curve.losses.copy()
        losses[-1] = np.nan
        return dataclasses.replace(curve, losses=losses)
    return curve


def curve_at(curve: Curve, size: RunSize, share: float, total_epochs: float) -> Curve:
    """What a run had shown at a share of the budget, whatever it has shown since.

    It had taken its first step at or after that place, less than one step too many. That step is counted as if it ended
    at the place, so that the evaluation made there is seen, and runs of all batch sizes stand at the same place.
    """
    steps, place = size.step_at(share), share * total_epochs
    seen = curve.up_to(float(curve.progress[min(steps, curve.n_steps) - 1]))
    return dataclasses.replace(
        seen,
        progress=np.minimum(seen.progress, place),
        validation_progress=np.minimum(seen.validation_progress, place),
    )


def has_learnt(curve: Curve) -> bool:
    """Whether a run's latest validation loss is below the loss of its first step, which is that of the untrained model.

    The latest training loss is taken where there is no validation loss yet.
    """
    latest = curve.validation_losses if len(curve.validation_losses) else curve.losses
    return not curve.diverged and bool(latest[-1] < curve.losses[0])
