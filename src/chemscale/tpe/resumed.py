"""Resumed logs: where steps were logged twice, the later rows count."""

import numpy as np

from chemscale.base.errors import DataError


def rows_that_count(keys: np.ndarray, complete: bool, source: str) -> np.ndarray:
    """Which rows of one run's log describe the training as it went on -> row numbers [n_kept] in training order.

    A log that falls back to an earlier step was resumed from a checkpoint: everything logged from that step on before
    the fall is replaced by what follows it.

    Args:
        keys: [n_rows], a number that grows with training time: the place of (epoch, step) in their sorted order.
        complete: whether a key names one step; else it names a whole epoch, and equal keys may follow each other.
        source: what messages call the log.

    Raises:
        DataError: the rows are in no order at all.
    """
    rows = np.arange(len(keys))
    if len(keys) < 2:
        return rows
    if complete and len(np.unique(keys)) == len(keys):
        return np.argsort(keys, kind="stable")
    difference = np.diff(keys)
    falls = np.flatnonzero(difference <= 0 if complete else difference < 0) + 1
    if len(falls) > max(3, len(keys) // 4) and not complete:
        raise DataError(f"{source}: the rows are not in the order of training. Sort them by epoch and step.")
    keep = np.ones(len(keys), dtype=bool)
    for fall in falls:
        keep[:fall] &= keys[:fall] < keys[fall]
    return rows[keep]


def training_keys(epochs: np.ndarray, steps: np.ndarray | None) -> tuple[np.ndarray, bool]:
    """One number per row that grows with training time -> (keys [n_rows], whether a key names one step).

    The epoch comes first, so that a step that is counted anew in every epoch is in its right place.
    """
    if steps is None:
        whole = bool((epochs == np.floor(epochs)).all())
        return epochs, not whole
    _, keys = np.unique(np.stack([epochs, steps], axis=1), axis=0, return_inverse=True)
    return keys.reshape(-1), True
