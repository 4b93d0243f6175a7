"""Random numbers that belong to a sample and a position: the same whatever else is drawn beside them."""

import numpy as np
import numpy.typing as npt

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


def uniform_draws(
    key: int, samples: npt.NDArray[np.integer], positions: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    """One number in [0, 1) for each pair of sample and position [n].

    A generator that counts would tie a sample to the order of the work. Here the number is a hash of its place,
    SplitMix64's output function (Steele et al. 2014, 10.1145/2660193.2660195) applied once for each part of it, so
    another batch size, or a sample that ends early, changes nothing for the others.

    Args:
        key: from the seed, see `chemscale.base.seeds.stream_seed`.
        samples, positions: whole numbers from 0 [n].
    """
    hashed = _mixed(np.uint64(key) + _GOLDEN * samples.astype(np.uint64))
    hashed = _mixed(hashed + _GOLDEN * (positions.astype(np.uint64) + np.uint64(1)))
    return (hashed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mixed(value: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    for shift, factor in _STEPS:
        value = (value ^ (value >> np.uint64(shift))) * np.uint64(factor)
    return value ^ (value >> np.uint64(31))
