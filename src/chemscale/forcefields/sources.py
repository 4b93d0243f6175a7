"""Names of public sets of frames: which files under the data folder they mean, and where the files can be had."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from chemscale.base.config import nearest
from chemscale.base.errors import DataError
from chemscale.base.files import data_folder
from chemscale.forcefields.archives import unpacked

RMD17_MOLECULES = (
    "aspirin",
    "azobenzene",
    "benzene",
    "ethanol",
    "malonaldehyde",
    "naphthalene",
    "paracetamol",
    "salicylic",
    "toluene",
    "uracil",
)
RMD17 = "rmd17"
RMD17_ARCHIVE = "rmd17.tar.bz2"
# 1,000 frames of each molecule, as Frey et al. 2023 use them: the first of the published training sets
RMD17_SUBSET = "train_01"


@dataclass(frozen=True)
class SourceFile:
    """A file of a source.

    Attributes:
        path: where it is.
        subset: the named rows of it that the source means; None for all.
    """

    path: Path
    subset: str | None = None

    def rows(self, subsets: Mapping[str, npt.NDArray[np.integer[Any]]]) -> npt.NDArray[np.integer[Any]]:
        """The rows of the subset.

        Raises:
            DataError: the file comes without it.
        """
        if self.subset is None or self.subset not in subsets:
            raise DataError(
                f"{self.path}: comes without the rows {self.subset!r} of the published splits; "
                "name the file itself to use all its frames"
            )
        return subsets[self.subset]

    def identity(self) -> list[Any]:
        """What changes when the file does: its place, time and size."""
        status = self.path.stat()
        return [str(self.path.resolve()), status.st_mtime_ns, status.st_size, self.subset]


@dataclass(frozen=True)
class FrameSet:
    """A public set of frames.

    Attributes:
        title: what it is, in one line, with its level of theory.
        places: file names under the data folder; the first that is there is taken.
        origin: where a person gets it.
        citation: the paper to cite.
    """

    title: str
    places: tuple[str, ...]
    origin: str
    citation: str


def _rmd17(molecule: str) -> FrameSet:
    return FrameSet(
        title=f"revised MD17, {molecule}: molecular dynamics at 500 K, PBE/def2-SVP",
        places=(
            f"rmd17/npz_data/rmd17_{molecule}.npz",
            f"rmd17_{molecule}.npz",
            f"trajectories/rmd17_merged/rmd17_{molecule}_merged.npz",
        ),
        origin=f"doi 10.6084/m9.figshare.12672038 ({RMD17_ARCHIVE}, which `chemscale data get rmd17` fetches)",
        citation="Christensen and von Lilienfeld 2020, 10.1088/2632-2153/abba6f",
    )


def _botnet(name: str, file: str, title: str, citation: str) -> FrameSet:
    return FrameSet(
        title=title,
        places=(f"dataset_{name}/{file}.xyz", f"trajectories/botnet/dataset_{name}__{file}.xyz.xz"),
        origin="github.com/davkovacs/BOTNet-datasets",
        citation=citation,
    )


def _qm22(molecule: str) -> FrameSet:
    file = f"qm22_{molecule}_b3lyp.npz"
    return FrameSet(
        title=f"QM-22, {molecule}, B3LYP, as .npz in kcal/mol and angstrom",
        places=(file, f"trajectories/qm22/{file}"),
        origin="github.com/jmbowma/QM-22, converted",
        citation="Bowman et al. 2022, 10.1063/5.0089200",
    )


_BPA = "Kovacs et al. 2021, 10.1021/acs.jctc.1c00647"
_ACAC = "Batatia et al. 2022, arXiv 2205.06643"

FRAME_SETS: Mapping[str, FrameSet] = MappingProxyType(
    {
        **{f"{RMD17}/{molecule}": _rmd17(molecule) for molecule in RMD17_MOLECULES},
        "ani1x": FrameSet(
            title="ANI-1x: 5 million conformations of 63,865 molecules of C, H, N, O, wB97X/6-31G(d)",
            places=("ani1x-release.h5",),
            origin="doi 10.6084/m9.figshare.c.4712477 (ani1x-release.h5, which `chemscale data get ani1x` fetches)",
            citation="Smith et al. 2020, 10.1038/s41597-020-0473-z",
        ),
        "ani1x-1000": FrameSet(
            title="1,000 frames of ANI-1x over 449 formulas, wB97X/6-31G(d)",
            places=("ani1x_1000_wb97x_631gd.npz", "diverse_dft/ani1x/ani1x_1000_wb97x_631gd.npz"),
            origin="github.com/Exscientia/physicsml (ani1x_truncated), converted",
            citation="Smith et al. 2020, 10.1038/s41597-020-0473-z",
        ),
        "spice": FrameSet(
            title="SPICE 2: drug-like molecules, peptides, dimers, ions, wB97M-D3(BJ)/def2-TZVPPD",
            places=("SPICE-2.0.1.hdf5",),
            origin="doi 10.5281/zenodo.10975225 (SPICE-2.0.1.hdf5)",
            citation="Eastman et al. 2023, 10.1038/s41597-022-01882-6",
        ),
        "amons": FrameSet(
            title="3,223 geometries of 1,300 small molecules (amons) of C, H, N, O, one level of DFT",
            places=("amons_forces_1300mol.npz", "diverse_dft/amons/amons_forces_1300mol.npz"),
            origin="github.com/andersx/kernelforge (examples), converted",
            citation="Huang and von Lilienfeld 2020, 10.1038/s41557-020-0527-z",
        ),
        "azobenzenes": FrameSet(
            title="218 geometries of azobenzene derivatives, ground state, SF-TDDFT",
            places=("azobenzenes_s0s1.npz", "diverse_dft/azobenzenes/azobenzenes_s0s1.npz"),
            origin="github.com/learningmatter-mit/NeuralForceField (tutorials), converted",
            citation="Axelrod et al. 2022, 10.1038/s41467-022-30999-w",
        ),
        "s66x8": FrameSet(
            title="S66x8: 60 dimers at 8 distances, wB97X/6-31G(d), forces with their sign put right",
            places=("s66x8_60dimers_wb97x_631gd.npz", "diverse_dft/s66x8/s66x8_60dimers_wb97x_631gd.npz"),
            origin="github.com/isayev/COMP6, converted",
            citation="Smith et al. 2018, 10.1063/1.5023802",
        ),
        "3bpa": _botnet("3BPA", "train_300K", "3BPA at 300 K: 500 frames, wB97X/6-31G(d)", _BPA),
        "3bpa/mixed": _botnet("3BPA", "train_mixedT", "3BPA at 300, 600 and 1,200 K, wB97X/6-31G(d)", _BPA),
        "acac": _botnet("acac", "train_300K", "acetylacetone at 300 K: 500 frames, PBE", _ACAC),
        "acac/600k": _botnet("acac", "train_600K", "acetylacetone at 600 K: 500 frames, PBE", _ACAC),
        "ethanol": FrameSet(
            title="ethanol: 1,000 frames of molecular dynamics, CCSD(T)/cc-pVTZ",
            places=("ethanol_ccsd_t-train.npz", "trajectories/other/ethanol_ccsd_t-train.npz"),
            origin="sgdml.org (ethanol_ccsd_t.zip)",
            citation="Chmiela et al. 2018, 10.1038/s41467-018-06169-2",
        ),
        **{f"qm22/{name.lower()}": _qm22(name) for name in ("Ethanol", "Methane", "N-methylacetamide", "Tropolone")},
    }
)


def is_name(source: str) -> bool:
    """Whether a source is the name of a set of frames, in any case of letters."""
    return source.lower() in (RMD17, *FRAME_SETS)


def files_of(source: str) -> list[SourceFile]:
    """The files that a source means: those of a name, or a file by its path, also one in the data folder.

    `rmd17` means 1,000 frames of each of its molecules that is here, one molecule after the other.

    Raises:
        DataError: nothing is there; the message has the places that were tried, and what to do.
    """
    name = source.lower()
    if name == RMD17:
        found = [file_of(f"{RMD17}/{molecule}") for molecule in RMD17_MOLECULES]
        files = [SourceFile(path, RMD17_SUBSET) for path in found if path is not None]
        if not files:
            raise DataError(_missing(f"{RMD17}/{RMD17_MOLECULES[0]}"))
        return files
    if name in FRAME_SETS:
        path = file_of(name)
        if path is None:
            raise DataError(_missing(name))
        return [SourceFile(path)]
    tried = [Path(source).expanduser(), data_folder() / source]
    for path in tried:
        if path.is_file():
            return [SourceFile(path)]
    places = " nor at ".join(str(path) for path in dict.fromkeys(tried))
    raise DataError(
        f"source {source!r}: no file or prepared folder at {places}, and no set of frames of that name"
        f"{nearest(name, [RMD17, *FRAME_SETS])}. `chemscale data make xtb-frames --n 10000 --out {source}` makes frames"
    )


def file_of(name: str) -> Path | None:
    """Where the file of a named set lies on this machine, unpacking rMD17 the first time; None where it does not."""
    for place in FRAME_SETS[name].places:
        if (data_folder() / place).is_file():
            return data_folder() / place
    archive = data_folder() / RMD17_ARCHIVE
    if name.startswith(f"{RMD17}/") and archive.is_file():
        path = unpacked(archive, (".npz", ".csv")) / FRAME_SETS[name].places[0]
        return path if path.is_file() else None
    return None


def _missing(name: str) -> str:
    known = FRAME_SETS[name]
    places = " or ".join(str(data_folder() / place) for place in known.places[:2])
    if name.startswith(f"{RMD17}/"):
        places = f"{data_folder() / RMD17_ARCHIVE}, or unpacked at {data_folder() / known.places[0]}"
    return f"{name}: its file is not on this machine. Get it from {known.origin} and put it at {places}"
