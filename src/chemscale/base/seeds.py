"""One integer seed, many independent named streams."""

import zlib

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """An independent PCG64 generator for `(seed, names)`, the same on every machine.

    Example: `stream(7, "data order", epoch)`. Texts are mixed in by crc32, integers as they are (>= 0).
    """
    words = [zlib.crc32(name.encode()) if isinstance(name, str) else int(name) for name in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([int(seed), *words])))


def stream_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed for libraries that want an integer (torch), drawn from the same named stream."""
    return int(stream(seed, *names).integers(0, 2**63 - 1))
