"""Files of frames to prepared folders and their pairs: the doors of this room's data.

`Frames` reads a prepared folder, `prepare_frames` and `write_frames` make one, `frames_for` gives the frames of any
source, preparing them into the cache the first time. `pairs_for` gives the pairs within a cutoff, `split_frames` the
training subset and the validation sets.
"""

from chemscale.forcefields.frame import Frame
from chemscale.forcefields.frames import Frames, Pairs
from chemscale.forcefields.pairs import graph_of, pairs_for
from chemscale.forcefields.preparation import frames_for, prepare_frames, write_frames
from chemscale.forcefields.splits import FrameSplit, split_frames
from chemscale.forcefields.units import UnitSettings

__all__ = [
    "Frame",
    "FrameSplit",
    "Frames",
    "Pairs",
    "UnitSettings",
    "frames_for",
    "graph_of",
    "pairs_for",
    "prepare_frames",
    "split_frames",
    "write_frames",
]
