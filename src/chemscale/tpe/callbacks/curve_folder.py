"""The curves of all runs in a shared folder, read again only where their files have grown."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path

from chemscale.base.errors import DataError
from chemscale.tpe.callbacks.curve_file import SUFFIX
from chemscale.tpe.curve import Curve
from chemscale.tpe.curves import read_curves

State = tuple[int, int]


@dataclass
class CurveFolder:
    """Reads what other processes write.

    Attributes:
        path: the folder; every file in it that ends in `.jsonl` holds one run or more.
    """

    path: Path
    _known: dict[Path, tuple[State, tuple[Curve, ...]]] = field(default_factory=dict, repr=False)

    def curves(self) -> tuple[Curve, ...]:
        """The curves as they are now.

        A file that cannot be read is left out with a warning: a neighbour's log must not end a training.
        """
        return tuple(curve for path in sorted(self.path.glob(f"*{SUFFIX}")) for curve in self._of_file(path))

    def _of_file(self, path: Path) -> tuple[Curve, ...]:
        try:
            stat = path.stat()
        except OSError:  # removed since the folder was listed
            return ()
        state = (stat.st_size, stat.st_mtime_ns)
        if path not in self._known or self._known[path][0] != state:
            self._known[path] = (state, _read(path))
        return self._known[path][1]


def _read(path: Path) -> tuple[Curve, ...]:
    try:
        if b"\n" not in path.read_bytes():  # the first row is being written
            return ()
        return read_curves(path)
    except (DataError, OSError) as error:
        warnings.warn(f"left out of the comparison: {error}", stacklevel=2)
        return ()
