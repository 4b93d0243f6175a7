"""The registry of real data sources: what they are, where they come from, and how to find them on this machine."""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from chemscale.base.config import nearest
from chemscale.base.errors import DataError
from chemscale.base.files import data_folder

_DEEPCHEM = "https://deepchemdata.s3-us-west-1.amazonaws.com/datasets"
_MOSES = "https://media.githubusercontent.com/media/molecularsets/moses/master/moses/dataset/data"
_MOLECULENET = (
    "https://raw.githubusercontent.com/GLambard/Molecules_Dataset_Collection/"
    "beb35cd0b76db5adef6cb1fa55807e4cd309aaed/originals"
)
_ZINC_250K = "models/zinc_properties/250k_rndm_zinc_drugs_clean_3.csv"
_MOLECULENET_PAPER = "Wu et al. 2018, Chem. Sci. 9, 513, 10.1039/C7SC02664A"
_MOSES_PAPER = "Polykovskiy et al. 2020, Front. Pharmacol. 11, 565644, 10.3389/fphar.2020.565644"


@dataclass(frozen=True)
class Source:
    """One public data set.

    Attributes:
        title: what it is, in one line.
        kind: `smiles` (a table or list of molecules) or `frames` (geometries with energies and forces).
        file_name: its name under the data folder.
        urls: where it can be had, tried in this order.
        size: bytes of the file; None where unknown.
        sha256: hash of the file; None where unknown.
        rows: molecules or frames; None where not counted.
        column: the SMILES column; None where it is guessed, or where there is none.
        licence: terms of use.
        citation: the paper to cite.
        also_at: other names under the data folder that hold the same content, with their sha256.
    """

    title: str
    kind: Literal["smiles", "frames"]
    file_name: str
    urls: tuple[str, ...]
    size: int | None
    sha256: str | None
    rows: int | None
    column: str | None
    licence: str
    citation: str
    also_at: Mapping[str, str] = field(default_factory=dict)


SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "pubchem10m": Source(
            title="10 million molecules of PubChem, as ChemBERTa and ChemGPT were trained on",
            kind="smiles",
            file_name="pubchem_10m.txt.zip",
            urls=(f"{_DEEPCHEM}/pubchem_10m.txt.zip",),
            size=None,
            sha256=None,
            rows=10_000_000,
            column=None,
            licence="PubChem data policies (no restriction by PubChem itself)",
            citation="Chithrananda et al. 2020, arXiv 2010.09885; Kim et al. 2023, 10.1093/nar/gkac956",
        ),
        "moses": Source(
            title="MOSES training split: drug-like molecules from ZINC Clean Leads",
            kind="smiles",
            file_name="moses_train.csv.gz",
            urls=(f"{_MOSES}/train.csv.gz",),
            size=10_238_967,
            sha256="786f0313aa6b9ba5514df685f885742a70ea8d86f1a4fa48115f7f80a634265c",
            rows=1_584_663,
            column="SMILES",
            licence="MIT",
            citation=_MOSES_PAPER,
        ),
        "moses-test": Source(
            title="MOSES test split",
            kind="smiles",
            file_name="moses_test.csv.gz",
            urls=(f"{_MOSES}/test.csv.gz",),
            size=1_367_572,
            sha256="f896fbf3764f88d94670b9959e5872c600c12152a18233823e820761b7a791b2",
            rows=176_074,
            column="SMILES",
            licence="MIT",
            citation=_MOSES_PAPER,
            also_at={
                "moses/moses_test.csv.gz": "f896fbf3764f88d94670b9959e5872c600c12152a18233823e820761b7a791b2",
            },
        ),
        "zinc250k": Source(
            title="ZINC-250k: drug-like molecules with logP, QED and synthetic accessibility",
            kind="smiles",
            file_name="250k_rndm_zinc_drugs_clean_3.csv",
            urls=(f"https://raw.githubusercontent.com/aspuru-guzik-group/chemical_vae/main/{_ZINC_250K}",),
            size=None,
            sha256="35e3f1a52b1badc0697e373d73a18ad773f415936ff992f4c6baa2e067b3e6ae",
            rows=249_455,
            column="smiles",
            licence="Apache-2.0 (repository); terms of use of ZINC",
            citation="Gomez-Bombarelli et al. 2018, ACS Cent. Sci. 4, 268, 10.1021/acscentsci.7b00572",
        ),
        "freesolv": Source(
            title="FreeSolv: hydration free energies, measured and calculated (kcal/mol)",
            kind="smiles",
            file_name="FreeSolv_SAMPL.csv",
            urls=(f"{_MOLECULENET}/FreeSolv_SAMPL.csv",),
            size=32_060,
            sha256="ab5895d914ee87cb563bd7b9611e869527bba45bec6b014d34dc495a0f9dcb72",
            rows=642,
            column="smiles",
            licence="MIT (MoleculeNet)",
            citation=f"Mobley and Guthrie 2014, 10.1007/s10822-014-9747-x; {_MOLECULENET_PAPER}",
            also_at={
                "property/FreeSolv_SAMPL.csv.xz": "7754ee6253d59ac18b3d434e881a45dc4616431da0fdc48eac9b5f6e41081e48",
            },
        ),
        "tox21": Source(
            title="Tox21: 12 toxicity assays, with missing labels",
            kind="smiles",
            file_name="tox21.csv",
            urls=(f"{_MOLECULENET}/tox21.csv",),
            size=525_119,
            sha256="7d7e7facd853a63e79ddce4e9c3fcb7a0d83a1c300b603031c0f2c64fbe77761",
            rows=7_831,
            column="smiles",
            licence="MIT (MoleculeNet)",
            citation=f"Mayr et al. 2016, 10.3389/fenvs.2015.00080; {_MOLECULENET_PAPER}",
            also_at={
                "property/tox21.csv.xz": "a08f9d88f5d96fd743d5a8d044ea49f4b7ef0e4cba34abb9ed6a106e43e28130",
            },
        ),
        "rmd17": Source(
            title="Revised MD17: 10 molecules, about 100,000 frames each, PBE/def2-SVP, kcal/mol and angstrom",
            kind="frames",
            file_name="rmd17.tar.bz2",
            urls=("https://figshare.com/ndownloader/files/23950376",),
            size=1_066_301_513,
            sha256="cddeea2ec2c4b22a9de16a9a65a3eeedac5b29da9c99c20bbff0153912bf922b",
            rows=None,
            column=None,
            licence="CC0",
            citation="Christensen and von Lilienfeld 2020, 10.1088/2632-2153/abba6f",
        ),
        "ani1x": Source(
            title="ANI-1x: conformations of 63,865 molecules of C, H, N, O, wB97X/6-31G(d), hartree and angstrom",
            kind="frames",
            file_name="ani1x-release.h5",
            urls=(
                "https://springernature.figshare.com/ndownloader/files/18112775",
                "https://figshare.com/ndownloader/files/18112775",
            ),
            size=None,
            sha256="fe0ba06198ee72cf1003deebab2652097f6ab518337784dc811fa7da0c3bf5ac",
            rows=4_956_005,
            column=None,
            licence="CC0",
            citation="Smith et al. 2020, Sci. Data 7, 134, 10.1038/s41597-020-0473-z",
        ),
    }
)


def list_sources() -> list[tuple[str, Source]]:
    """Every registered source with its name, in the order of the registry."""
    return list(SOURCES.items())


def get_source(name: str) -> Source:
    """A registered source by name; letter case does not matter.

    Raises:
        DataError: there is none of this name; the nearest one is named.
    """
    source = SOURCES.get(name.lower())
    if source is None:
        raise DataError(f"{name!r} is no registered source{nearest(name.lower(), list(SOURCES))}")
    return source


def find_source_file(name: str) -> Path | None:
    """Where a registered source's file lies on this machine; None where it does not."""
    source = get_source(name)
    candidates = (data_folder() / relative for relative in (source.file_name, *source.also_at))
    return next((path for path in candidates if path.is_file()), None)


def resolve(source: str) -> Path:
    """The file, or prepared folder, that a source string means.

    A registered name comes first (write `./moses` for a file of that name), then a path as it stands, then a path in
    the data folder.

    Raises:
        DataError: nothing is there; the message has every place that was tried, and what to do.
    """
    if source.lower() in SOURCES:
        found = find_source_file(source)
        if found is None:
            raise DataError(missing_message(source))
        return found
    tried = [Path(source).expanduser(), data_folder() / source]
    for path in tried:
        if path.exists():
            return path
    places = " nor at ".join(str(path) for path in dict.fromkeys(tried))
    raise DataError(
        f"source {source!r}: no file or prepared folder at {places}, and no registered source of that name. "
        "Give a path, a path inside the data folder (environment variable CHEMSCALE_DATA), a registered name, "
        f"or 'embedded'{nearest(source.lower(), [*SOURCES, 'embedded'])}"
    )


def missing_message(name: str) -> str:
    """What to do where a registered source's file is absent: the exact place and the addresses."""
    source = get_source(name)
    addresses = " or ".join(source.urls)
    return (
        f"{name}: its file is not on this machine. Run `chemscale data get {name}`; or, without a network here, get it "
        f"from {addresses} and put it at {data_folder() / source.file_name}"
    )


@functools.lru_cache
def _sha256_of(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal.

    Raises:
        DataError: the path is a folder or cannot be read.
    """
    try:
        status = path.stat()
        return _sha256_of(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
