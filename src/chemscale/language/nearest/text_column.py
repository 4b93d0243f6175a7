"""Many texts, not all of them empty, in two files, read one at a time: a library's SMILES take no memory."""

from array import array
from pathlib import Path
from typing import BinaryIO

import numpy as np

TEXTS, OFFSETS = "smiles.bin", "offsets.npy"


class TextWriter:
    """Writes texts one after the other; `finish` makes them readable."""

    def __init__(self, folder: Path, stream: BinaryIO) -> None:
        self.folder, self.stream = folder, stream
        self.offsets = array("q", [0])

    def add(self, text: str) -> None:
        """Write the next text."""
        self.offsets.append(self.offsets[-1] + self.stream.write(text.encode()))

    def finish(self) -> None:
        """Write where each text begins."""
        np.save(self.folder / OFFSETS, np.array(self.offsets, dtype=np.int64))


class TextColumn:
    """Texts that `TextWriter` wrote, by number.

    Raises:
        ValueError: the files do not fit each other.
    """

    def __init__(self, folder: Path) -> None:
        self._offsets = np.load(folder / OFFSETS, mmap_mode="r")
        self._bytes = (
            np.memmap(folder / TEXTS, dtype=np.uint8, mode="r") if self._offsets[-1] else np.zeros(0, np.uint8)
        )
        if len(self._bytes) != self._offsets[-1]:
            raise ValueError(f"{TEXTS} has {len(self._bytes)} bytes, expected {self._offsets[-1]}")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, row: int) -> str:
        return self._bytes[self._offsets[row] : self._offsets[row + 1]].tobytes().decode()
