"""Every format of frames, in the order in which a file is tried."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chemscale.base.errors import DataError
from chemscale.forcefields.readers.ani_hdf5 import is_ani_hdf5, open_ani_hdf5
from chemscale.forcefields.readers.atoms_files import is_atoms_file, open_atoms_file
from chemscale.forcefields.readers.flat_npz import is_flat_npz, open_flat_npz
from chemscale.forcefields.readers.frame_source import FrameSource
from chemscale.forcefields.readers.molecule_npz import is_molecule_npz, open_molecule_npz
from chemscale.forcefields.readers.nff_pickle import is_nff_pickle, open_nff_pickle
from chemscale.forcefields.readers.spice_hdf5 import is_spice_hdf5, open_spice_hdf5
from chemscale.forcefields.units import UnitSettings


@dataclass(frozen=True)
class Format:
    """A format: what it is called, how it is recognised, and how it is opened."""

    title: str
    recognises: Callable[[Path], bool]
    open: Callable[[Path, UnitSettings], FrameSource]


FORMATS: tuple[Format, ...] = (
    Format("extended XYZ (.xyz, .extxyz, also .gz, .xz, .bz2), ASE .db and .traj", is_atoms_file, open_atoms_file),
    Format("rMD17, MD17, sGDML, QM-22 .npz", is_molecule_npz, open_molecule_npz),
    Format("ANI-1x, ANI-1, ANI-2x .h5", is_ani_hdf5, open_ani_hdf5),
    Format("SPICE .hdf5", is_spice_hdf5, open_spice_hdf5),
    Format("NeuralForceField .pth.tar", is_nff_pickle, open_nff_pickle),
    Format("flat .npz (n_atoms, z, pos, energy, forces, units)", is_flat_npz, open_flat_npz),
)


def open_frames_file(path: Path, settings: UnitSettings | None = None) -> tuple[Format, FrameSource]:
    """The format of a file, and its frames.

    Raises:
        DataError: the file is missing, empty, of no known format, damaged, or in unknown units.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: is empty")
    for kind in FORMATS:
        if kind.recognises(path):
            return kind, kind.open(path, settings or UnitSettings())
    raise DataError(f"{path}: of no format that is read here. Known are: {'; '.join(kind.title for kind in FORMATS)}")
