"""What every reader gives: frames in our units one after the other, and what is known of them beforehand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.forcefields.frame import Frame
from chemscale.forcefields.units import LabelUnits


@dataclass(frozen=True)
class FrameFault:
    """A frame that cannot be read, in the place of the frame."""

    reason: str


@dataclass(frozen=True)
class FrameSource:
    """An opened file.

    Attributes:
        units: the units that the file's labels are in, before they were converted.
        units_from: who says so: `settings`, `file` or `format`.
        frames: the frames in our units, in the order of the file.
        n_frames: how many there are; None where that is not known before they are read.
        subsets: named row numbers that come with the file, such as the published splits.
    """

    units: LabelUnits
    units_from: str
    frames: Iterator[Frame | FrameFault]
    n_frames: int | None = None
    subsets: Mapping[str, npt.NDArray[np.integer[Any]]] = field(default_factory=dict)
